"""These tests are run in copies (`tests/databases/projects.py`), never where they lie."""

collect_ignore_glob = ["*"]

"""Test databases: templates that are built once, and clones of them, with or without Django."""

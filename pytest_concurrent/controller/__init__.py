"""The process that decides: it collects, has tests run elsewhere, and replays what they report."""

"""One file for each plugin that needs something of us."""

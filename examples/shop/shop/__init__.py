"""The project: settings and urls."""

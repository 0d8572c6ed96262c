"""A small observatory: orbits, a star catalogue, a dome, a camera and a log."""

"""Databases on real servers, which the suite starts itself."""

//! SQLite: templates and clones are files.

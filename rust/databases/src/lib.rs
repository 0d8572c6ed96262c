//! Clones: templates and clones of test databases.

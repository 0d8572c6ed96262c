//! Names that are about to be made, written down before.

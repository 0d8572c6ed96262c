//! Names that can destroy something. A value of these types cannot be wrong: their constructors refuse.

//! What may go, and why.

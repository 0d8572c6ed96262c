//! Single facts, played by hand.

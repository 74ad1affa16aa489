//! Oddities of writing.

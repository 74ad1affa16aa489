//! Oddities of reading.

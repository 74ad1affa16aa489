//! Oddities of tokens and passwords.

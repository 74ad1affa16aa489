//! Image stores.

pub mod layout;
mod verified;

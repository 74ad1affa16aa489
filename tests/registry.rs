//! The registry client against real registries, and against a scripted one that shows every oddity that
//! somebody has met in the wild.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod registry {
    mod auth;
    mod catalog;
    mod command;
    mod credentials;
    pub(crate) mod daemon;
    mod limits;
    mod pull;
    mod push;
    mod real;
    mod referrers;
    pub(crate) mod server;
    pub(crate) mod store;
    pub(crate) mod tokens;
}

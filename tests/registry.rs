//! The registry client against real registries, and against a scripted one that shows every oddity that
//! somebody has met in the wild.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod registry {
    mod auth;
    pub(crate) mod daemon;
    mod pull;
    mod push;
    mod quirks {
        mod auth;
        mod catalog;
        pub(crate) mod common;
        mod delete;
        mod guards;
        mod limits;
        mod manifests;
        mod mount;
        mod pull;
        mod push;
        mod referrers;
        mod table;
        mod tls;
    }
    mod real;
    pub(crate) mod server;
    pub(crate) mod store;
    pub(crate) mod tokens;
}

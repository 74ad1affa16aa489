//! The registry client against real registries, and against a scripted one that shows every oddity that
//! somebody has met in the wild.
//!
//! A case is one short function in the file of its theme. `Server::with` takes the oddity: a function of
//! the request that answers, or returns `None` where the registry behaves. The client's waits take no
//! time; `Server::seen`, `asked`, `count` and `waited` say afterwards what it did.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "copy/image.rs"]
mod image;
#[path = "support/openssl.rs"]
mod openssl;

mod registry {
    mod auth;
    mod catalog;
    mod command;
    mod credentials;
    pub(crate) mod daemon;
    mod limits;
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
    mod referrers;
    mod rounds;
    pub(crate) mod server;
    pub(crate) mod store;
    pub(crate) mod tokens;
}

//! The registry client against real registries, and against a scripted one that shows every oddity that
//! somebody has met in the wild.
//!
//! A case is one short function in the file of its theme. `Server::with` takes the oddity: a function of
//! the request that answers, or returns `None` where the registry behaves. The client's waits take no
//! time; `Server::seen`, `asked`, `count` and `waited` say afterwards what it did.

mod auth;
mod catalog;
mod command;
mod credentials;
mod limits;
mod pull;
mod push;
mod quirks;
mod real;
mod referrers;
mod rounds;
pub(crate) mod server;
pub(crate) mod store;

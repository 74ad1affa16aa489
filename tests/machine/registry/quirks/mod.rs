//! One file for each theme in which registries are odd.

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

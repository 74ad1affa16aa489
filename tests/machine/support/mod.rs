//! What several tests stand on, compiled once.

pub(crate) mod address;
pub(crate) mod backend;
pub(crate) mod bundles;
pub(crate) mod daemon;
pub(crate) mod files;
pub(crate) mod git;
pub(crate) mod github;
pub(crate) mod openssl;
pub(crate) mod own_test;
pub(crate) mod project;
pub(crate) mod ran;
pub(crate) mod server;
pub(crate) mod tokens;
pub(crate) mod tools;
pub(crate) mod waiting;
pub(crate) mod wrk;

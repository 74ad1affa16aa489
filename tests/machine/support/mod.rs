//! What several tests stand on, compiled once.

pub(crate) mod backend;
pub(crate) mod bundles;
pub(crate) mod daemon;
pub(crate) mod git;
pub(crate) mod github;
pub(crate) mod openssl;
pub(crate) mod project;
pub(crate) mod tokens;
pub(crate) mod wrk;

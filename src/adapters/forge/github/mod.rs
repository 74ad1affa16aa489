//! GitHub's REST API, version 2022-11-28: of GitHub itself, or of a GitHub Enterprise server.
//!
//! `calls/` makes every request, `connection.rs` sends it, `talk.rs` sends it again where that is right, `wait.rs`
//! says when, `fault.rs` tells what a refusal means; the other files hold one group of verbs each.

pub mod calls;
mod checks;
mod code_scanning;
mod comments;
mod connection;
mod deployments;
mod fault;
mod outcome;
mod packages;
mod pages;
mod port;
mod pulls;
mod repository;
mod reviews;
mod session;
mod statuses;
mod talk;
mod text;
mod transport;
mod wait;

pub use connection::Connection;
pub use packages::GitHubPackages;
pub use repository::GitHub;

//! Forges: where the project's repository lives.

pub mod github;

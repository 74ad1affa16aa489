//! Retention end to end: a generated repository, pruned by the command line, looked at by others.

mod ghcr;
mod layout;
mod network;
mod project;
mod repository;
mod sweeping;

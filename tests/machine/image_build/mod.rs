//! Images built by real programs: buildah, podman and docker from Debian, into the project's own store
//! and into a real registry. Everything runs on 127.0.0.1 and in directories of its own.

mod base;
mod buildx;
mod command;
mod daemonless;
mod docker;
mod services;
mod written;
mod yard;

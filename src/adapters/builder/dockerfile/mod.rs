//! An image from a Containerfile, by a program that builds one: docker buildx, docker, buildah, podman.
//!
//! One file per program: the words of its commands are made by pure functions, and what it can do is
//! said before anything is run. The image is stored by digest; no program is ever told a tag that is
//! wanted. Arguments go to it by name and secrets through variables, never on a command line.

mod bench;
mod buildah;
mod buildx;
mod docker;
mod find;
mod image;
mod layout;
mod podman;
mod wanted;

pub use bench::Workshop;
pub use image::DockerfileBuilder;
pub use wanted::{DockerfileImage, ProvenanceMode, Tool, Used};

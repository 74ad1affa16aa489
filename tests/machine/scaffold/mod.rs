//! The files that `init` writes, in every combination that it offers, held against the tools that read them.
//!
//! Base images cannot be fetched everywhere, so that Containerfiles are read here; `tests/machine/image_build/written.rs`
//! builds some of them on others.

mod combinations;
mod container;
mod pipelines;
mod reference;
mod script;
mod workflows;

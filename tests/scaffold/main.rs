//! The files that `init` writes, in every combination that it offers, held against the tools that read them.
//!
//! Base images cannot be fetched everywhere, so that Containerfiles are read here; `tests/build/written.rs`
//! builds some of them on others.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and is told by variables where tools lie and whether to bless"
)]

mod combinations;
mod container;
mod pipelines;
mod reference;
mod script;
mod tools;
mod workflows;

//! GitHub's adapter against a GitHub that is stricter than the real one: every verb, every refusal, every
//! answer that was lost.

mod calls;
mod checks;
mod comments;
mod deployments;
mod limits;
mod marks;
mod models;
mod packages;
mod people;
mod scanning;
mod strictness;
mod yard;

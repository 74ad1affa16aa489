//! Showing registries who asks: nothing, a password, or a token that another server gives for it.
//!
//! What a registry wants is learnt from its first refusal and remembered, so that nothing is asked
//! twice. A credential goes to its registry's host and to the token server that this host names, and
//! nowhere else.

mod challenge;
mod learned;
mod scope;
mod token;

pub(super) use learned::{Auth, Shown};
pub(super) use scope::Scope;

//! A git repository, through the `git` command: facts from it ([`Git`]), and what is kept in it and in
//! its remote ([`Store`]).
//!
//! Only plumbing that runs no hook, pager, filter or external diff is used, and names from outside stand
//! behind `--end-of-options`.

mod credentials;
mod head;
mod objects;
mod process;
mod remote;
mod repository;
mod store;
mod words;

pub use objects::Object;
pub use remote::{Published, Update};
pub use repository::{Git, sent_token};
use repository::{command, failed, not_run};
pub use store::{Committed, Store};

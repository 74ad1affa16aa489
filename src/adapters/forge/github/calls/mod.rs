//! Every request that is sent to GitHub, as data: made here and nowhere else, so that one test enumerates
//! all of them and holds each against GitHub's own description (REST API, version 2022-11-28).

mod call;
pub mod checks;
pub mod comments;
pub mod deployments;
pub mod packages;
pub mod people;
pub mod pulls;
pub mod repositories;
pub mod scanning;
pub mod statuses;

pub(super) use call::segment;
use call::without_nulls;
pub use call::{Call, Method};

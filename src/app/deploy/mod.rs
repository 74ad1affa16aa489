//! Bringing one release to one environment.

mod consent;
mod deployment;
mod drive;
mod gates;
mod ground;
mod request;
mod voices;

pub use deployment::{DeployRequest, Deployed, Done, LetIn, Prepared, deploy, deploy_with, judge, prepare};
pub use drive::journal;
pub(in crate::app) use drive::{Listeners, drive};

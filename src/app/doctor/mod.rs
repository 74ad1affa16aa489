//! Can everything be reached, with the rights that are needed? Looks, and changes nothing.

mod check;
mod examine;
mod project;
pub mod proxmox;
mod site;

pub use check::{Cause, CheckStatus, DoctorCheck, exit};
pub use examine::examine;

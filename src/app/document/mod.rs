//! The documents of [`report::document`](crate::report::document) that show what use cases returned: each
//! function takes their values and touches nothing.

mod acceptance;
mod build;
mod doctor;
mod environment;
mod failure;
mod image;
mod plan;
mod promotion;
mod prune;
mod resume;
mod scaffold;

pub use acceptance::{acceptance, acceptances, removed};
pub use build::{build, tags};
pub use doctor::doctor;
pub use environment::{comparison, created, detection};
pub use failure::{failure, reason};
pub use image::{copied, image, images, preview, retagged};
pub use plan::{failed_plan, plan};
pub use promotion::{promotion, promotion_preview};
pub use prune::prune;
pub use resume::resume;
pub use scaffold::{init, templates};

//! Use cases, one per file, and the composition root (`world` and `workspace`).

pub mod audit;
pub mod build;
mod context;
pub mod decide;
pub mod demo;
pub mod deploy;
mod error;
mod facts;
pub mod identify;
pub mod images;
pub mod load;
pub mod pipeline;
pub mod promote;
mod proof;
pub mod record;
pub mod release;
mod restricted;
pub mod rollback;
pub mod scan;
pub mod shutdown;
pub mod signature;
pub mod status;
pub mod summary;
pub mod takeup;
pub mod template;
pub mod validate;
pub mod verify;
mod watch;
mod workspace;
mod world;

pub use context::Context;
pub use error::{AppError, Exit, Problems};
pub use watch::Watchers;
pub use workspace::{PIPELINE, Workspace, catalog};
pub use world::{Purpose, World};

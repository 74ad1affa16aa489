//! Builders: how an image comes to be.

pub mod command;
mod credentials;
pub mod dockerfile;
pub mod files;
mod index;
mod run;
mod scratch;
mod stored;
pub mod trial;

pub use run::variables;
use stored::stored;

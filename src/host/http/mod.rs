//! The one HTTP client: bounded in time and size, with errors that hold no secret.
//!
//! It follows no redirect and takes no status for an error: both are observations, and what they mean
//! is for the caller to judge.

mod client;
mod failure;
mod names;
mod pin;
mod reason;
mod settings;
mod stream;

use client::{CONNECT, HEADERS, connect_limit, headers};
pub use client::{Client, HttpRequest, HttpResponse, KEPT};
pub use failure::{Failure, HttpError};
pub use pin::{Fingerprint, NotAFingerprint};
pub use settings::{HttpSettings, SettingsError};
pub use stream::{Incoming, Outgoing, Transfer};

//! Anything that commands can deploy to: `deploy`, `status`, `remove` and `rollback`, each a list of
//! words, for units that are replaced in place.
//!
//! **The contract of the commands.** Each gets `GREENROOM_ACTION`, `GREENROOM_SERVICE`,
//! `GREENROOM_ENVIRONMENT`, `GREENROOM_UNIT`, `GREENROOM_VERSION`, `GREENROOM_RELEASE`,
//! `GREENROOM_IMAGE`, `GREENROOM_DIGEST` and `GREENROOM_URL`, the environment's variables, and its
//! secrets, as variables. `deploy` and `rollback` end with 0 when the release is in place, with 75
//! (`EX_TEMPFAIL`, sysexits.h) when trying again may help, with anything else when it will not; either
//! may be run again after a crash. `status` ends with 0 when something runs; its first line of output
//! says what: the release id, version, digest or image it was deployed with, or what it printed right
//! after that. When it prints nothing, greenroom's own record of the last deployment is believed.

mod answer;
mod driver;
mod record;
mod settings;

pub use driver::CommandTarget;
pub use settings::{CommandSettings, RenderWord};

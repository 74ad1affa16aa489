//! The targets that this version performs.

use super::super::argv::Argv;
use super::super::defaults;
use super::super::place::Located;
use super::super::range::{maybe_within, within};
use super::super::scalar::VariableName;
use crate::domain::model::{Period, UnitId};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// Processes on this machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Local")]
pub(crate) struct RawLocal {
    /// How many units; 1 where absent.
    #[serde(default = "defaults::one", deserialize_with = "within::<_, _, 1, 1000>")]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) instances: u32,
    /// The public address of the built-in router: `127.0.0.1:8080`; a worker has none.
    #[serde(default)]
    pub(crate) listen: Option<Located<String>>,
    /// The variable through which a process is told its port; `PORT` where absent.
    #[serde(default)]
    pub(crate) port_variable: Option<VariableName>,
    /// Where images are unpacked, and the logs and the router's state are kept. Outside of the working tree
    /// it outlives a checkout that cleans.
    #[serde(default)]
    pub(crate) state_directory: Option<PathBuf>,
    /// How long a process may take to stop before it is ended; 10 s where absent.
    #[serde(default)]
    pub(crate) stop_timeout: Option<Period>,
    /// Replaces the image's entrypoint and command.
    #[serde(default)]
    pub(crate) command: Option<Argv>,
}

/// Commands of the user's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Command")]
pub(crate) struct RawCommandTarget {
    /// Puts the release.
    pub(crate) deploy: Argv,
    /// Says what runs.
    pub(crate) status: Argv,
    /// Puts the previous release back; `deploy` does where absent.
    #[serde(default)]
    pub(crate) rollback: Option<Argv>,
    /// Removes a release.
    #[serde(default)]
    pub(crate) remove: Option<Argv>,
    /// Names of the units; one unit named after the environment where absent.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) units: Option<Located<Vec<Located<UnitId>>>>,
    /// Or how many there are.
    #[serde(default, deserialize_with = "maybe_within::<_, _, 1, 10_000>")]
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) count: Option<u32>,
    /// Time limit of each command; five minutes where absent.
    #[serde(default = "defaults::command_timeout")]
    pub(crate) timeout: Period,
    /// How many units are worked on at the same time; 4 where absent.
    #[serde(
        default = "defaults::parallelism",
        deserialize_with = "within::<_, _, 1, 1024>"
    )]
    #[schemars(range(min = 1, max = 1024))]
    pub(crate) parallelism: u32,
}

//! What a command target is told.

use crate::domain::model::{Endpoint, EnvironmentName, Period, SecretSource};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Renders one word of a command with facts (`version`, `image`, `digest`, `release`, `unit`,
/// `service`, `environment`, `url`); the error is a sentence.
pub type RenderWord = Arc<dyn Fn(&str, &BTreeMap<String, String>) -> Result<String, String> + Send + Sync>;

/// What the target is told by the configuration.
#[derive(Debug, Clone)]
pub struct CommandSettings {
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// Puts a release in place. Each word is a template.
    pub deploy: Vec<String>,
    /// Says what runs; nothing is asked where it is empty.
    pub status: Vec<String>,
    /// Takes the release away; impossible where absent.
    pub remove: Option<Vec<String>>,
    /// Puts the release back that was there before; `deploy` does where absent.
    pub rollback: Option<Vec<String>>,
    /// Variables for every command.
    pub variables: BTreeMap<String, String>,
    /// Secret variables for every command.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Time limit of each command.
    pub timeout: Period,
    /// Where commands run; the project's root where `None`.
    pub directory: Option<PathBuf>,
    /// Where the service answers.
    pub url: Option<Endpoint>,
    /// Where the records are kept; one directory per service and environment.
    pub state_directory: PathBuf,
    /// Whether what runs already, and was not deployed by greenroom, may be replaced.
    pub take_over: bool,
    /// Most units that may be worked on at the same time.
    pub parallelism: usize,
}

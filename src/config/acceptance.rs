//! Acceptance tests: a deployment of its own, made for a time, on which a suite is run.

use super::defaults;
use super::place::Located;
use crate::domain::model::{EnvironmentName, Period};

/// How acceptance deployments of an environment are made, tested and cleaned up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Whether the suite runs on a deployment of its own; otherwise on what runs in the environment.
    pub create_new: bool,
    /// Begins the name of each such deployment.
    pub prefix: String,
    /// Whether the deployment goes when its suite has ended, well or not.
    pub clean_up: bool,
    /// The longest that the suite may take.
    pub test_timeout: Period,
    /// How long a deployment may exist; after that it is collected, whoever made it.
    pub ttl: Period,
    /// The suite that is run where none is named.
    pub suite: Option<Located<String>>,
    /// The environment whose configuration it runs with, where that is another.
    pub configuration: Option<Located<EnvironmentName>>,
}

impl Default for Acceptance {
    /// What holds where the environment says nothing.
    fn default() -> Self {
        Self {
            create_new: true,
            prefix: defaults::acceptance_prefix(),
            clean_up: true,
            test_timeout: defaults::acceptance_timeout(),
            ttl: defaults::acceptance_ttl(),
            suite: None,
            configuration: None,
        }
    }
}

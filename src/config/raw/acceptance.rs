//! Acceptance tests of an environment.

use super::super::defaults;
use super::super::place::Located;
use crate::domain::model::{EnvironmentName, Period};
use schemars::JsonSchema;
use serde::Deserialize;

/// How acceptance deployments are made, tested and cleaned up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Acceptance")]
pub(crate) struct RawAcceptance {
    /// Whether the suite runs on a deployment of its own, made for it; otherwise on what runs in the
    /// environment. True where absent.
    #[serde(default = "defaults::yes", rename = "createNewVM")]
    pub(crate) create_new: bool,
    /// Begins the name of each such deployment: 1 to 32 lower-case letters, digits and `-`;
    /// `acceptance-test` where absent.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) vm_name_prefix: Option<Located<String>>,
    /// Whether the deployment goes when its suite has ended, well or not; true where absent.
    #[serde(default = "defaults::yes")]
    pub(crate) cleanup_after_tests: bool,
    /// The longest that the suite may take; 30 minutes where absent.
    #[serde(default = "defaults::acceptance_timeout")]
    pub(crate) test_timeout: Period,
    /// How long a deployment may exist before `greenroom prune guests` collects it, whoever made it; two
    /// hours where absent.
    #[serde(default = "defaults::acceptance_ttl")]
    pub(crate) ttl: Period,
    /// The suite that is run where none is named.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) test_suite: Option<Located<String>>,
    /// The environment whose variables, sizes and features it runs with; its own where absent.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) configuration: Option<Located<EnvironmentName>>,
}

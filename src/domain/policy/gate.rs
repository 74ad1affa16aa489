//! What gates look at, and what they say.

use super::{Consent, Lineage, Signatures, Wanted};
use crate::domain::model::{DeployOptions, DeploymentId, EnvironmentName, Timestamp, UnitId, Version};
use serde::Serialize;
use std::fmt;

/// A condition that a deployment has to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// No other rollout is open.
    Unfinished,
    /// The environment is not frozen.
    Freeze,
    /// Nobody locked the environment.
    Lock,
    /// The commit is not older than the live one.
    Stale,
    /// Nothing that greenroom did not make is in the way.
    Overwrite,
    /// Somebody else agreed.
    Approval,
    /// Something speaks for the new version.
    Tests,
    /// This image succeeded in the environment before.
    Promotion,
    /// No vulnerability counts against the image.
    Scan,
    /// This image is signed by those who have to.
    Signature,
}

impl Gate {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Freeze => "freeze",
            Self::Lock => "lock",
            Self::Stale => "stale",
            Self::Overwrite => "overwrite",
            Self::Approval => "approval",
            Self::Tests => "tests",
            Self::Promotion => "promotion",
            Self::Scan => "scan",
            Self::Signature => "signature",
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which way a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To a new release.
    Deploy,
    /// Back to one that was live here before: being older is the point of it, it needs no new proof,
    /// and a freeze does not stop it.
    Rollback,
}

/// What somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub struct AdmissionRequest {
    /// Where.
    pub environment: EnvironmentName,
    /// What.
    pub version: Version,
    /// Which way.
    pub way: Way,
    /// When it is asked, by the run's clock.
    pub at: Timestamp,
    /// What is not left to the configuration.
    pub options: DeployOptions,
}

/// How an environment is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionRules {
    /// Without it approval, tests and promotion are not asked for. What belongs to others stays
    /// protected: that has its own switch.
    pub enabled: bool,
    /// Whose agreement is needed, where somebody has to agree.
    pub approval: Option<Wanted>,
    /// What greenroom did not make may be overwritten.
    pub allow_overwrite: bool,
    /// Something has to speak for the new version.
    pub require_tests: bool,
    /// Windows in which nothing is deployed.
    pub freezes: Vec<FreezeWindow>,
}

impl Default for ProtectionRules {
    /// The defaults of the configuration.
    fn default() -> Self {
        Self {
            enabled: true,
            approval: None,
            allow_overwrite: false,
            require_tests: true,
            freezes: Vec::new(),
        }
    }
}

/// A window in which nothing is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeWindow {
    /// The environments it is about; all of them when empty.
    pub environments: Vec<EnvironmentName>,
    /// When it begins.
    pub from: Timestamp,
    /// When it is over: from this instant on deployments go through.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who ordered it by a command, which a command takes off; `None` for one of the configuration.
    pub who: Option<String>,
}

/// Somebody wants nothing to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Who.
    pub who: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is over; `None` where somebody has to take it off.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// Something in the way that greenroom did not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The unit it is in.
    pub unit: UnitId,
    /// What it is, in words.
    pub what: String,
}

/// A rollout that began and did not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its id.
    pub deployment: DeploymentId,
    /// What it was bringing.
    pub version: Version,
    /// Who started it.
    pub who: String,
    /// When it was started.
    pub since: Timestamp,
}

/// What is known of the image in the environment before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The environment before (`protection.from`).
    pub from: EnvironmentName,
    /// What is missing of the proof that this very image, by digest, succeeded there.
    pub missing: Vec<String>,
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How the commit relates to the live one.
    pub lineage: Lineage,
    /// What is in the way, unit by unit.
    pub foreign: Vec<Foreign>,
    /// A rollout that is open in the ledger.
    pub unfinished: Option<Unfinished>,
    /// How many suites are run against the new version.
    pub suites: usize,
    /// Whether there is a health check.
    pub health_check: bool,
    /// The environment before, where one is required.
    pub promotion: Option<Promotion>,
    /// What was found of signatures, where some are asked for.
    pub signatures: Option<Signatures>,
    /// Locks that stand.
    pub locks: Vec<Lock>,
    /// Who agreed, where somebody has to.
    pub consent: Option<Consent>,
}

/// A gate that is not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The gate.
    pub gate: Gate,
    /// Why, as a fragment: "staging is frozen until …".
    pub reason: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reason, self.fix)
    }
}

/// What the gates say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It may go ahead.
    Allowed {
        /// What is worth knowing all the same, one sentence each.
        notes: Vec<String>,
    },
    /// It may not; every gate that is not met.
    Refused(Vec<Refusal>),
}

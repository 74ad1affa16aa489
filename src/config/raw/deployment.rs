//! How a new version takes over.

use super::super::environment::{BackupMode, RollbackStrategy};
use super::super::place::Located;
use super::super::range::{maybe_share, maybe_within};
use super::super::scalar::{BatchSize, Share};
use crate::domain::model::{OnInconclusive, Period};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a new version takes over.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Deployment")]
pub(crate) struct RawDeployment {
    /// `direct`, `rolling`, `blue-green` or `canary`, as a word or with settings; `direct` where absent.
    #[serde(default)]
    pub(crate) strategy: Option<Located<RawStrategy>>,
    /// Path that answers with 2xx when the service is ready; `/health` where absent.
    #[serde(default)]
    pub(crate) health_check_path: Option<Located<String>>,
    /// Time between two health checks; 2 s where absent. Shorter at first, until one holds.
    #[serde(default)]
    pub(crate) health_check_interval: Option<Located<Period>>,
    /// The longest wait until the service is ready; 60 s where absent.
    #[serde(default)]
    pub(crate) health_check_timeout: Option<Located<Period>>,
    /// Deploy to the environment before first; true where absent.
    #[serde(default)]
    pub(crate) test_first: Option<bool>,
    /// Require passed tests of this digest in the environment before; true where absent.
    #[serde(default)]
    pub(crate) require_tests: Option<Located<bool>>,
    /// Go on to the next environment of the promotion order; false where absent.
    #[serde(default)]
    pub(crate) auto_promote: bool,
    /// Remove what a failed deployment left; true where absent.
    #[serde(default)]
    pub(crate) cleanup_on_failure: Option<bool>,
    /// What is saved before; nothing where absent.
    #[serde(default)]
    pub(crate) backup: Option<Located<BackupMode>>,
    /// How many backups of each unit are kept; 3 where absent.
    #[serde(default, deserialize_with = "maybe_within::<_, _, 1, 1000>")]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) keep_backups: Option<u32>,
    /// How long a retired instance may take to finish its requests; 30 s where absent.
    #[serde(default)]
    pub(crate) drain: Option<Period>,
    /// What happens on failure.
    #[serde(default)]
    pub(crate) rollback: RawRollback,
}

/// How the candidate takes over from the live version.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Strategy", transform = super::super::schema::bare_strategies)]
pub(crate) enum RawStrategy {
    /// All units at once, all traffic at once.
    Direct,
    /// Batch after batch.
    Rolling(RawRolling),
    /// The candidate stands complete beside the live version; then all traffic moves.
    BlueGreen,
    /// A growing share of traffic, each share judged before the next.
    Canary(Box<RawCanary>),
}

/// Batch after batch.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Rolling")]
pub(crate) struct RawRolling {
    /// How many units change at a time, or `25%`; 1 where absent.
    #[serde(default)]
    pub(crate) batch: Option<BatchSize>,
    /// How long to wait between batches; no time where absent.
    #[serde(default)]
    pub(crate) pause: Period,
    /// How many units may fail and keep their previous version; 0 where absent.
    #[serde(default)]
    pub(crate) max_failures: u32,
}

/// A growing share of traffic.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Canary")]
pub(crate) struct RawCanary {
    /// The shares before 100 %, ascending; 5, 25, 50 where absent.
    #[serde(default)]
    pub(crate) steps: Option<Located<Vec<Located<Share>>>>,
    /// How long each share is observed; 60 s where absent.
    #[serde(default)]
    pub(crate) every: Option<Located<Period>>,
    /// What the observed traffic must look like.
    #[serde(default)]
    pub(crate) analysis: RawAnalysis,
    /// Take whole units instead of a share of traffic.
    #[serde(default)]
    pub(crate) by_units: bool,
}

/// What the observed traffic must look like.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Analysis")]
pub(crate) struct RawAnalysis {
    /// Highest share of failed answers, 0 to 1; 0.01 where absent.
    #[serde(default, deserialize_with = "maybe_share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) error_rate: Option<f64>,
    /// Highest 95th percentile of the time to answer.
    #[serde(default)]
    pub(crate) p95: Option<Period>,
    /// Fewer requests than this say nothing; 20 where absent.
    #[serde(default)]
    pub(crate) min_requests: Option<u64>,
    /// What follows when too little was seen; `pause` where absent.
    #[serde(default)]
    pub(crate) on_inconclusive: Option<OnInconclusive>,
    /// Figures from Prometheus instead of the router's own.
    #[serde(default)]
    pub(crate) prometheus: Option<Located<RawPrometheus>>,
    /// Chance of a false alarm that the comparison with the baseline may have, 0 to 1.
    #[serde(default, deserialize_with = "located_share")]
    #[schemars(with = "Option<f64>", range(min = 0.0, max = 1.0))]
    pub(crate) alpha: Option<Located<f64>>,
    /// How much worse than the baseline is still good, 0 to 1.
    #[serde(default, deserialize_with = "located_share")]
    #[schemars(with = "Option<f64>", range(min = 0.0, max = 1.0))]
    pub(crate) margin: Option<Located<f64>>,
}

fn located_share<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Located<f64>>, D::Error> {
    let located = Located::<f64>::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&located.value) {
        Ok(Some(located))
    } else {
        Err(serde::de::Error::custom(format_args!(
            "{} is not between 0 and 1",
            located.value
        )))
    }
}

/// Figures from Prometheus.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Prometheus")]
#[expect(
    dead_code,
    reason = "read and checked in full, though this version does not ask Prometheus"
)]
pub(crate) struct RawPrometheus {
    /// Where it is.
    pub(crate) url: String,
    /// Query for the number of requests.
    #[serde(default)]
    pub(crate) requests: Option<String>,
    /// Query for the number of failed ones.
    #[serde(default)]
    pub(crate) errors: Option<String>,
    /// Query for the time to answer.
    #[serde(default)]
    pub(crate) latency: Option<String>,
}

/// What happens on failure.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Rollback")]
pub(crate) struct RawRollback {
    /// Whether there is a way back; true where absent.
    #[serde(default)]
    pub(crate) enabled: Option<bool>,
    /// Whether it is taken without asking; true where absent, unless the strategy is `manual`.
    #[serde(default)]
    pub(crate) automatic: Option<bool>,
    /// How long the previous release may take to be ready again; 300 s where absent.
    #[serde(default)]
    pub(crate) health_check_timeout: Option<Located<Period>>,
    /// The longest that the way back may take; a plain number means minutes.
    #[serde(default)]
    #[schemars(with = "Option<Period>")]
    pub(crate) timeout: Option<Located<String>>,
    /// Which release comes back; `previous` where absent.
    #[serde(default)]
    pub(crate) rollback_strategy: RollbackStrategy,
    /// How long the new version is watched after it has taken over; no time where absent.
    #[serde(default)]
    pub(crate) watch: Period,
}

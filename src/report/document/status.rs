//! How environments stand.

use crate::domain::history::{Approval, Drift, Guard, Live, OpenRollout, Status, Switched};
use crate::domain::model::{DeploymentId, EnvironmentName, Origin, Release, Timestamp, Version};
use crate::domain::rollout::{Outcome, StepId};
use serde::Serialize;

/// How some environments stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.status/1", rename_all = "camelCase")]
pub struct StatusDocument<'a> {
    /// Where the ledger is, in words.
    pub ledger: &'a str,
    /// Each environment.
    pub environments: Vec<StatusRow<'a>>,
}

/// How one environment stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusRow<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The release on record; `None` before the first.
    pub live: Option<LiveStatus<'a>>,
    /// The rollout that has not finished.
    pub open: Option<OpenRow<'a>>,
    /// Who switched its protection, where somebody did.
    pub protection: Option<&'a Switched>,
    /// How the last rollout that ended did.
    pub last: Option<LastRow<'a>>,
    /// Locks and freezes that stand.
    pub guards: &'a [Guard],
    /// Approvals that stand.
    pub approvals: &'a [Approval],
    /// What differs between the ledger and what runs; left out where nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<&'a [Drift]>,
}

/// The release on record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveStatus<'a> {
    /// The service.
    pub service: &'a str,
    /// The release.
    pub release: &'a Release,
    /// When it became the version on record.
    pub since: Timestamp,
    /// Who brought it, why, from where.
    pub by: &'a Origin,
    /// The deployment that brought it.
    pub deployment: &'a DeploymentId,
}

/// A rollout that has not finished, or halted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenRow<'a> {
    /// Its deployment.
    pub deployment: &'a DeploymentId,
    /// The version that it brings.
    pub version: &'a Version,
    /// When it was planned.
    pub started: Timestamp,
    /// Whether it halted and waits for a person.
    pub halted: bool,
    /// The step it is at, where its newest record is about one.
    pub step: Option<StepId>,
    /// Who works on it now; `None`, where it did not halt, means that its process died.
    pub holder: Option<&'a str>,
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastRow<'a> {
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// The same in one or two sentences.
    pub summary: &'a str,
}

impl<'a> StatusRow<'a> {
    /// Shows how an environment stands by its ledger, with what guards it. `drift` is what a look at what runs
    /// found, where somebody looked.
    pub fn of(
        status: &'a Status,
        guards: &'a [Guard],
        approvals: &'a [Approval],
        drift: Option<&'a [Drift]>,
    ) -> Self {
        let last = status.last.as_ref();
        Self {
            environment: &status.environment,
            live: status.live.as_ref().map(LiveStatus::of),
            open: status.open.as_ref().map(OpenRow::of),
            protection: status.protection.as_ref(),
            last: last.map(|(at, outcome, summary)| LastRow {
                at: *at,
                outcome: *outcome,
                summary,
            }),
            guards,
            approvals,
            drift,
        }
    }
}

impl<'a> LiveStatus<'a> {
    fn of(live: &'a Live) -> Self {
        Self {
            service: &live.service,
            release: &live.release,
            since: live.since,
            by: &live.by,
            deployment: &live.deployment,
        }
    }
}

impl<'a> OpenRow<'a> {
    fn of(open: &'a OpenRollout) -> Self {
        let lease = open.lease.as_ref();
        Self {
            deployment: &open.plan.deployment,
            version: &open.plan.candidate.version,
            started: open.started,
            halted: open.halted,
            step: open.step,
            holder: lease.map(|lease| lease.holder.who.as_str()),
        }
    }
}

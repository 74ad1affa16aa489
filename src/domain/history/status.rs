//! How an environment stands, from its newest record and at most five others.

use super::protection::{ProtectionRecord, Switched};
use super::refs::{EVENT, FINISHED, LIVE, OPEN, PROMOTED, forward_step};
use super::standing::{newest_of, told_in};
use super::{Unreadable, event_of};
use crate::domain::model::{DeploymentId, EnvironmentName, Origin, Record, Release, Tenure, Timestamp};

use crate::domain::rollout::{Event, Outcome, Plan, Step, StepId};

/// The release on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The release.
    pub release: Release,
    /// The service.
    pub service: String,
    /// When it became the version on record.
    pub since: Timestamp,
    /// Who brought it, why, from where.
    pub by: Origin,
    /// The deployment that brought it.
    pub deployment: DeploymentId,
}

/// A rollout that has not finished, or halted.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenRollout {
    /// Its plan.
    pub plan: Plan,
    /// When it was planned.
    pub started: Timestamp,
    /// When its newest record was written.
    pub last: Timestamp,
    /// Whether it halted and waits for a person.
    pub halted: bool,
    /// The step it is at, where its newest record is about one.
    pub step: Option<StepId>,
    /// What that step is, where it is part of the way forward.
    pub act: Option<Step>,
    /// Who works on it now; `None`, when it did not halt, means that its process died.
    pub lease: Option<Tenure>,
}

/// How an environment stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The environment.
    pub environment: EnvironmentName,
    /// The release on record; `None` before the first.
    pub live: Option<Live>,
    /// The rollout that has not finished.
    pub open: Option<OpenRollout>,
    /// How and when the last rollout that ended did. While a rollout is open and has not halted this
    /// is `None`.
    pub last: Option<(Timestamp, Outcome, String)>,
    /// Who switched its protection, where somebody did: this stands above the configuration.
    pub protection: Option<Switched>,
}

/// The records besides `head` that [`status`] needs: at most five.
pub fn wanted(head: &Record) -> Vec<u64> {
    let last = if head.refs.contains_key(OPEN) {
        OPEN
    } else {
        FINISHED
    };
    let mut wanted: Vec<u64> = [LIVE, PROMOTED, last, EVENT]
        .iter()
        .filter_map(|name| head.refs.get(*name).copied())
        .chain(newest_of::<ProtectionRecord>(head))
        .filter(|seq| *seq != head.seq)
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// How the environment stands whose newest record is `head`. `others` are the records that
/// [`wanted`] names; `lease` is the environment's, where it is held.
///
/// # Errors
/// When a record that is needed is not there or is not what it should be.
pub fn status(head: &Record, others: &[Record], lease: Option<Tenure>) -> Result<Status, Unreadable> {
    let record_at = |seq: u64| {
        std::iter::once(head)
            .chain(others)
            .find(|record| record.seq == seq)
            .ok_or_else(|| Unreadable {
                seq,
                reason: format!("record {} leads to it, and it is not there", head.seq),
            })
    };
    let at = |name: &str| head.refs.get(name).copied().map(record_at).transpose();
    let live = match (at(LIVE)?, at(PROMOTED)?) {
        (Some(planned), promoted) => {
            let plan = plan_of(planned)?;
            Some(Live {
                release: plan.candidate,
                service: plan.service,
                since: promoted.unwrap_or(planned).at,
                by: plan.origin,
                deployment: plan.deployment,
            })
        }
        (None, _) => None,
    };
    // Where the newest record is not about a rollout (a scan), it leads to the newest that is.
    let newest = at(EVENT)?.unwrap_or(head);
    let open = match at(OPEN)? {
        Some(planned) => Some(open_rollout(planned, newest, lease)?),
        None => None,
    };
    let halted = open.as_ref().is_some_and(|open| open.halted);
    let last = match () {
        () if halted => outcome_of(newest)?,
        () if open.is_some() => None,
        () => at(FINISHED)?.map(outcome_of).transpose()?.flatten(),
    };
    let protection = match newest_of::<ProtectionRecord>(head) {
        Some(seq) => told_in(record_at(seq)?)?,
        None => None,
    };
    Ok(Status {
        environment: head.environment.clone(),
        live,
        open,
        last,
        protection,
    })
}

fn open_rollout(planned: &Record, head: &Record, lease: Option<Tenure>) -> Result<OpenRollout, Unreadable> {
    let plan = plan_of(planned)?;
    let event = event_of(head)?;
    let step = match &event {
        Some(
            Event::Began { step }
            | Event::Judged { step, .. }
            | Event::BackedUp { step, .. }
            | Event::Ended { step, .. },
        ) => Some(*step),
        _ => None,
    };
    Ok(OpenRollout {
        started: planned.at,
        last: head.at,
        // A halted rollout that is taken up again has a newer record.
        halted: matches!(event, Some(Event::Finished { .. })),
        step,
        act: step.and_then(|step| forward_step(&plan, step).cloned()),
        plan,
        lease,
    })
}

fn plan_of(record: &Record) -> Result<Plan, Unreadable> {
    match event_of(record)? {
        Some(Event::Planned(plan)) => Ok(*plan),
        _ => Err(Unreadable {
            seq: record.seq,
            reason: "it should hold a plan and does not".to_owned(),
        }),
    }
}

fn outcome_of(record: &Record) -> Result<Option<(Timestamp, Outcome, String)>, Unreadable> {
    Ok(match event_of(record)? {
        Some(Event::Finished { outcome, summary, .. }) => Some((record.at, outcome, summary)),
        _ => None,
    })
}

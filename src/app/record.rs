//! What the ledger says about one environment, in a fixed number of reads.

use super::error::AppError;
use crate::domain::model::{
    Draft, EnvironmentName, ErrorKind, Explanation, PortError, Record, Stored, UnitId,
};
use crate::domain::rollout::{Event, Plan, Rollout};
use crate::ports::Ledger;
use crate::report::Recorded;

/// How often another writer may be first.
const MOST_CONFLICTS: usize = 100;
/// Name of the reference to the plan of what is live.
const LIVE: &str = "live";
/// Name of the reference to the plan of a rollout that has not come to its end.
const OPEN: &str = "open";

/// How an environment stands according to its ledger.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentRecord {
    /// The newest record.
    pub head: Option<Stored>,
    /// The plan that brought what is live.
    pub live: Option<Plan>,
    /// The plan of a rollout that is under way, halted, or whose process died.
    pub open: Option<UnfinishedRollout>,
}

/// A rollout that has not come to its end.
#[derive(Debug, Clone)]
pub struct UnfinishedRollout {
    /// Where its plan stands in the ledger.
    pub seq: u64,
    /// When it was planned.
    pub since: crate::domain::model::Timestamp,
    /// Its plan.
    pub plan: Plan,
}

impl EnvironmentRecord {
    /// Reads how `environment` stands: the head, and at most two more records.
    ///
    /// # Errors
    /// When the ledger cannot be read, or holds something else where a plan should be.
    pub fn read(ledger: &dyn Ledger, environment: &EnvironmentName) -> Result<Self, AppError> {
        let Some(head) = ledger.head(environment)? else {
            return Ok(Self::default());
        };
        let refs = &head.record.refs;
        let planned = |name: &str| -> Result<Option<(Record, Plan)>, AppError> {
            refs.get(name)
                .map(|&seq| plan_at(ledger, environment, seq))
                .transpose()
        };
        let live = planned(LIVE)?.map(|(_, plan)| plan);
        let open = planned(OPEN)?.map(|(record, plan)| UnfinishedRollout {
            seq: record.seq,
            since: record.at,
            plan,
        });
        Ok(Self {
            live,
            open,
            head: Some(head),
        })
    }
}

impl EnvironmentRecord {
    /// Every unit that the record knows of, wanted or not, with repetition.
    pub fn units(&self) -> impl Iterator<Item = &UnitId> {
        let plans = [self.live.as_ref(), self.open.as_ref().map(|open| &open.plan)];
        plans
            .into_iter()
            .flatten()
            .flat_map(|plan| &plan.placements)
            .map(|placement| &placement.unit)
    }
}

impl UnfinishedRollout {
    /// The rollout as it stands after everything that was recorded of it, and those records.
    ///
    /// # Errors
    /// When the record cannot be read or does not fit its plan.
    pub fn replay(
        &self,
        ledger: &dyn Ledger,
        environment: &EnvironmentName,
        head: &Stored,
    ) -> Result<(Rollout, Vec<Recorded>), AppError> {
        let events = events(ledger, environment, self.seq, head.record.seq)?;
        let rollout = Rollout::replay(
            self.plan.clone(),
            events.iter().skip(1).map(|recorded| &recorded.event),
        )
        .map_err(|rejected| {
            let message = format!("the ledger of {environment} does not fit its plan");
            AppError::record(Explanation::new(message).because(&rejected))
        })?;
        Ok((rollout, events))
    }
}

/// The events of the deployment whose plan is record `first`, up to record `last`.
///
/// # Errors
/// When a record cannot be read.
pub fn events(
    ledger: &dyn Ledger,
    environment: &EnvironmentName,
    first: u64,
    last: u64,
) -> Result<Vec<Recorded>, AppError> {
    let mut events = Vec::new();
    let mut deployment = None;
    for seq in first..=last {
        let record = read(ledger, environment, seq)?;
        if deployment.is_none() {
            deployment.clone_from(&record.deployment);
        }
        if record.deployment == deployment && record.kind == "rollout" {
            events.push(Recorded {
                seq,
                at: record.at,
                event: event(&record)?,
            });
        }
    }
    Ok(events)
}

/// Appends a record that changes nothing that runs and so needs no lease: after whatever is the newest, beside
/// a rollout that may be under way, and under the newest record's epoch. `next` makes it, of the newest record,
/// again for each writer that was first; with `None` nothing is appended.
///
/// # Errors
/// When the ledger does not take it, or somebody else is always first; those of `next`.
pub(super) fn append_beside(
    ledger: &dyn Ledger,
    environment: &EnvironmentName,
    doing: &str,
    mut next: impl FnMut(Option<&Stored>) -> Result<Option<Draft>, AppError>,
) -> Result<Option<Stored>, AppError> {
    for _ in 0..MOST_CONFLICTS {
        let head = ledger.head(environment)?;
        let Some(draft) = next(head.as_ref())? else {
            return Ok(None);
        };
        let draft = Draft {
            epoch: head.as_ref().map_or(0, |head| head.record.epoch),
            ..draft
        };
        match ledger.append(environment, head.as_ref(), &draft) {
            Err(error) if error.kind == ErrorKind::Conflict => {}
            done => return Ok(Some(done?)),
        }
    }
    Err(AppError::Port(PortError::new(
        ErrorKind::Conflict,
        doing,
        "another writer is always first",
    )))
}

/// Every record of an environment, oldest first.
///
/// # Errors
/// When one cannot be read.
pub fn all(ledger: &dyn Ledger, environment: &EnvironmentName) -> Result<Vec<Record>, AppError> {
    match ledger.head(environment)? {
        Some(head) => (0..=head.record.seq)
            .map(|seq| read(ledger, environment, seq))
            .collect(),
        None => Ok(Vec::new()),
    }
}

fn plan_at(ledger: &dyn Ledger, environment: &EnvironmentName, seq: u64) -> Result<(Record, Plan), AppError> {
    let record = read(ledger, environment, seq)?;
    match event(&record)? {
        Event::Planned(plan) => Ok((record, *plan)),
        _ => Err(AppError::record(
            Explanation::new(format!(
                "record {seq} of {environment} should be a plan and is not"
            ))
            .fix("run `greenroom audit verify`"),
        )),
    }
}

fn read(ledger: &dyn Ledger, environment: &EnvironmentName, seq: u64) -> Result<Record, AppError> {
    let stored: Result<Option<Stored>, PortError> = ledger.read(environment, seq);
    stored?.map(|stored| stored.record).ok_or_else(|| {
        AppError::record(
            Explanation::new(format!("record {seq} of {environment} is gone from the ledger"))
                .fix("run `greenroom audit verify`"),
        )
    })
}

fn event(record: &Record) -> Result<Event, AppError> {
    serde_json::from_value(record.body.clone()).map_err(|error| {
        let message = format!(
            "record {} of {} cannot be understood: a newer greenroom may have written it",
            record.seq, record.environment
        );
        AppError::record(Explanation::new(message).because(&error))
    })
}

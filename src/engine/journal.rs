//! The journal: events on their way into the ledger, and to whoever watches.

use super::site::RedactText;
use crate::domain::history;
use crate::domain::model::{Draft, EnvironmentName, ErrorKind, PortError, Record, Stored, Timestamp};
use crate::domain::rollout::{Event, Plan, StepResult};
use crate::ports::{Clock, Ledger};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// How often another writer may be first before something else must be wrong.
const MOST_CONFLICTS: u32 = 1_000;

/// Watches events as they are recorded.
pub trait Observer: Send + Sync {
    /// An event was recorded as number `seq`.
    fn on(&mut self, seq: u64, at: Timestamp, event: &Event);
}

/// An event could not be recorded. Nothing may be done that the ledger does not know of.
#[derive(Debug, Error)]
#[error("the ledger of {environment} does not take the record: {source}")]
pub struct JournalError {
    /// Whose ledger.
    pub environment: EnvironmentName,
    /// Why.
    #[source]
    pub source: PortError,
}

/// Writes one deployment's events under one lease.
pub struct Journal {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Takes secrets out of reasons and logs.
    pub redact: RedactText,
    /// The plan whose deployment this is.
    pub plan: Plan,
    /// Epoch of the lease.
    pub epoch: u64,
    /// The newest record that is known.
    pub head: Option<Stored>,
    /// Who watches.
    pub observers: Vec<Box<dyn Observer>>,
}

impl Journal {
    /// Appends an event, with secrets taken out, and returns it as it was recorded.
    ///
    /// # Errors
    /// When the ledger refuses: a newer lease has written, or it cannot be reached.
    pub fn record(&mut self, event: Event) -> Result<Event, JournalError> {
        let event = self.redacted(event);
        let at = self.clock.now();
        let stored = self.append(at, &event).map_err(|source| JournalError {
            environment: self.plan.environment.clone(),
            source,
        })?;
        let seq = stored.record.seq;
        self.head = Some(stored);
        self.show(seq, at, &event);
        Ok(event)
    }

    /// Shows those who watch what was recorded before, so that they see one list.
    pub fn show(&mut self, seq: u64, at: Timestamp, event: &Event) {
        for observer in &mut self.observers {
            observer.on(seq, at, event);
        }
    }

    fn append(&mut self, at: Timestamp, event: &Event) -> Result<Stored, PortError> {
        let body = serde_json::to_value(event)
            .map_err(|error| PortError::new(ErrorKind::Invalid, "writing an event", &error))?;
        let mut conflicts = 0;
        let mut wait = Duration::from_millis(50);
        let mut uncertain = false;
        loop {
            let previous = self.head.as_ref().map(|head| &head.record);
            let draft = Draft {
                at,
                epoch: self.epoch,
                deployment: Some(self.plan.deployment.clone()),
                kind: history::ROLLOUT.to_owned(),
                refs: history::refs_after(previous, &self.plan, event),
                body: body.clone(),
            };
            match self.try_append(&draft, uncertain) {
                Ok(Some(stored)) => return Ok(stored),
                Ok(None) if conflicts < MOST_CONFLICTS => conflicts += 1,
                Ok(None) => {
                    let doing = format!("recording an event of {}", self.plan.deployment);
                    return Err(PortError::new(
                        ErrorKind::Conflict,
                        doing,
                        "another writer is always first",
                    ));
                }
                Err(error)
                    if matches!(error.kind, ErrorKind::Transient | ErrorKind::Ambiguous)
                        && wait < Duration::from_secs(5) =>
                {
                    uncertain = true;
                    let _ = self.clock.sleep(wait);
                    wait *= 2;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Appends after the head that is known. `None` when another record stands there: the head is then
    /// the new one. When an earlier try was `uncertain`, what stands there may be this very record.
    fn try_append(&mut self, draft: &Draft, uncertain: bool) -> Result<Option<Stored>, PortError> {
        let environment = &self.plan.environment;
        match self.ledger.append(environment, self.head.as_ref(), draft) {
            Ok(stored) => Ok(Some(stored)),
            // Another kind of record came in between (a lock, an approval): write after it.
            Err(error) if error.kind == ErrorKind::Conflict => {
                if uncertain {
                    let place = self.head.as_ref().map_or(0, |head| head.record.seq + 1);
                    let there = self.ledger.read(environment, place)?;
                    if let Some(own) = there.filter(|there| is_of(&there.record, draft)) {
                        return Ok(Some(own));
                    }
                }
                self.head = self.ledger.head(environment)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The event without secrets. A plan holds none: that is checked before it is made.
    fn redacted(&self, mut event: Event) -> Event {
        let clean = |text: &mut String| *text = (self.redact)(text);
        match &mut event {
            Event::Ended {
                result: StepResult::Failed { reason, units },
                ..
            } => {
                clean(reason);
                for unit in units {
                    clean(&mut unit.reason);
                    clean(&mut unit.logs);
                }
            }
            Event::Ended {
                result: StepResult::Inconclusive { reason },
                ..
            }
            | Event::Judged { reason, .. } => clean(reason),
            Event::Resumed { origin } | Event::Aborted { origin } => clean(&mut origin.reason),
            Event::Finished {
                summary, warnings, ..
            } => {
                clean(summary);
                warnings.iter_mut().for_each(clean);
            }
            Event::Planned(_)
            | Event::Began { .. }
            | Event::BackedUp { .. }
            | Event::Ended {
                result: StepResult::Done,
                ..
            }
            | Event::Interrupted { .. } => {}
        }
        event
    }
}

/// Whether `record` was written from `draft`: under one lease one journal writes, and not twice the same
/// event within a millisecond.
fn is_of(record: &Record, draft: &Draft) -> bool {
    (
        record.at,
        record.epoch,
        &record.deployment,
        &record.kind,
        &record.body,
    ) == (draft.at, draft.epoch, &draft.deployment, &draft.kind, &draft.body)
}

//! A rollout under a lease, with everything that is recorded collected.

use super::Deployed;
use crate::app::announce::{Announcement, End};
use crate::app::error::AppError;
use crate::app::watch::Watchers;
use crate::app::workspace::Workspace;
use crate::app::world::World;
use crate::engine::{DriveError, Journal, LeaseKeeper, Observer, Session};
use crate::model::{EnvironmentName, Origin, Timestamp};
use crate::ports::{ErrorKind, Holder};
use crate::report::Recorded;
use crate::rollout::{Event, Plan, Rollout};
use std::sync::{Arc, Mutex, PoisonError};

/// The lease on an environment, kept alive until this is dropped.
pub struct Hold {
    keeper: LeaseKeeper,
}

impl Hold {
    /// The epoch under which records are written.
    pub(crate) fn epoch(&self) -> u64 {
        self.keeper.epoch()
    }

    /// Takes the lease.
    ///
    /// # Errors
    /// [`AppError::Busy`] while another run holds it.
    pub fn take(
        workspace: &Workspace,
        environment: &EnvironmentName,
        origin: &Origin,
        purpose: String,
    ) -> Result<Self, AppError> {
        let (lease, period) = (workspace.lease()?, workspace.lease_period()?);
        let who = format!("{} ({})", origin.actor.name, origin.actor.via);
        let holder = Holder {
            who,
            run: origin.run.clone(),
            purpose,
        };
        let held = lease
            .acquire(environment, &holder, period)
            .map_err(|error| match error.kind {
                ErrorKind::Conflict => AppError::Busy {
                    environment: environment.clone(),
                    holder: error.message,
                },
                _ => AppError::Port(error),
            })?;
        Ok(Self {
            keeper: LeaseKeeper::keep(lease, environment.clone(), held, period),
        })
    }
}

/// What was recorded, in order.
pub(crate) type Events = Arc<Mutex<Vec<Recorded>>>;

struct Collector(Events);

impl Observer for Collector {
    fn on(&mut self, seq: u64, at: Timestamp, event: &Event) {
        let recorded = Recorded {
            seq,
            at,
            event: event.clone(),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(recorded);
    }
}

/// The journal of `plan`'s deployment, at the end of its environment's ledger, and what it will have
/// recorded.
///
/// # Errors
/// When the ledger cannot be read.
pub fn journal(
    workspace: &Workspace,
    world: &World,
    plan: &Plan,
    hold: &Hold,
    watchers: &Watchers,
) -> Result<(Journal, Events), AppError> {
    let ledger = workspace.ledger()?;
    let events = Events::default();
    let mut observers = watchers.of(&plan.environment, &world.redactor);
    observers.push(Box::new(Collector(Arc::clone(&events))));
    let journal = Journal {
        head: ledger.head(&plan.environment)?,
        ledger,
        clock: Arc::clone(&workspace.context.clock),
        redact: Arc::clone(&world.site.redact),
        plan: plan.clone(),
        epoch: hold.epoch(),
        observers,
    };
    Ok((journal, events))
}

/// Who hears of a rollout, and in which words.
pub(in crate::app) struct Audience<'a> {
    /// What was recorded.
    pub(in crate::app) events: &'a Events,
    /// Who watches it.
    pub(in crate::app) watchers: &'a Watchers,
    /// What is told the forge, where there is one.
    pub(in crate::app) announcement: Option<Announcement>,
}

/// Drives a rollout to its end.
///
/// # Errors
/// When it has to be left where it is.
pub(in crate::app) fn drive(
    world: &World,
    rollout: Rollout,
    mut journal: Journal,
    hold: &Hold,
    audience: Audience<'_>,
) -> Result<Deployed, AppError> {
    let Audience {
        events,
        watchers,
        announcement,
    } = audience;
    let recorded = || events.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let environment = rollout.plan().environment.clone();
    let telling = announcement.map(|announcement| {
        let (telling, observer) = announcement.open(&recorded());
        journal.observers.push(observer);
        telling
    });
    let session = Session::new(&world.site, rollout, journal, &hold.keeper);
    let mut session = session.telling(watchers.waiter(&environment));
    let outcome = session.drive();
    let head = session.journal().head.as_ref().map(|head| head.hash.clone());
    let events = recorded();
    // What a signal ended before somebody took it up again is past.
    let interrupted = events
        .iter()
        .rev()
        .take_while(|recorded| !matches!(recorded.event, Event::Resumed { .. } | Event::Aborted { .. }))
        .any(|recorded| matches!(recorded.event, Event::Interrupted { .. }));
    let end = End {
        events: &events,
        head: head.clone(),
        interrupted,
    };
    // Where another run holds the environment by now, the rest is that run's to tell.
    let lost = matches!(outcome, Err(DriveError::LeaseLost));
    let forge_deployment = telling
        .filter(|_| !lost)
        .and_then(|telling| telling.end(end, watchers));
    Ok(Deployed {
        environment,
        outcome: outcome?,
        interrupted,
        events,
        head,
        notes: Vec::new(),
        forge_deployment,
    })
}

//! A rollout under a lease, with everything that is recorded collected.

use super::Deployed;
use crate::app::announce::{Announcement, Audience, End, Ended};
use crate::app::error::AppError;
use crate::app::hold::Hold;
use crate::app::workspace::Workspace;
use crate::app::world::World;
use crate::domain::model::Timestamp;
use crate::domain::rollout::{Event, Plan, Rollout};
use crate::engine::{DriveError, Journal, Observer, Session};
use crate::report::Recorded;
use std::sync::{Arc, Mutex, PoisonError};

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
    audience: &Audience,
) -> Result<(Journal, Events), AppError> {
    let ledger = workspace.ledger()?;
    let events = Events::default();
    let mut observers = audience.watchers.of(&plan.environment, &world.redactor);
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
pub(in crate::app) struct Listeners<'a> {
    /// What was recorded.
    pub(in crate::app) events: &'a Events,
    /// Who watches it.
    pub(in crate::app) audience: &'a Audience,
    /// What is told the forge, where there is one.
    pub(in crate::app) announcement: Option<Announcement>,
}

/// What a rollout came to, while its environment is still held.
pub(in crate::app) struct Driven {
    deployed: Result<Deployed, AppError>,
    ended: Option<Ended>,
}

impl Driven {
    /// Gives the environment free, so that nobody waits for a forge, and then lets the forge hear the end.
    ///
    /// # Errors
    /// When the rollout had to be left where it is.
    pub(in crate::app) fn release(self, hold: Hold, audience: &Audience) -> Result<Deployed, AppError> {
        drop(hold);
        let forge_deployment = self.ended.and_then(|ended| ended.settle(audience));
        Ok(Deployed {
            forge_deployment,
            ..self.deployed?
        })
    }
}

/// Drives a rollout to its end.
pub(in crate::app) fn drive(
    world: &World,
    rollout: Rollout,
    mut journal: Journal,
    hold: &Hold,
    listeners: Listeners<'_>,
) -> Driven {
    let Listeners {
        events,
        audience,
        announcement,
    } = listeners;
    let recorded = || events.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let environment = rollout.plan().environment.clone();
    let telling = announcement.map(|announcement| {
        let (telling, observer) = announcement.open(&recorded());
        journal.observers.push(observer);
        telling
    });
    let session = Session::new(&world.site, rollout, journal, &hold.keeper);
    let mut session = session.telling(audience.watchers.waiter(&environment));
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
    let ended = telling
        .filter(|_| !lost)
        .map(|telling| telling.end(&end, audience));
    let deployed = outcome.map(|outcome| Deployed {
        environment,
        outcome,
        interrupted,
        events,
        head,
        notes: Vec::new(),
        forge_deployment: None,
    });
    Driven {
        deployed: deployed.map_err(AppError::from),
        ended,
    }
}

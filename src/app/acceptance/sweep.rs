//! Acceptance deployments that are there, by the marks that they carry and by the ledger, and their end.

use crate::app::announce;
use crate::app::announce::Audience;
use crate::app::error::{AppError, Exit};
use crate::app::hold::Hold;
use crate::app::temporary;
use crate::app::workspace::Workspace;
use crate::app::world::sweeper;
use crate::config::environment::Environment;
use crate::domain::history::AcceptanceTerms;
use crate::domain::model::{EnvironmentName, ErrorKind, Origin, PortError, Timestamp};
use crate::ports::{Clock, ExpiringResource, Removal, Stop, Sweeper};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Time between two looks at what is ending.
const INTERVAL: Duration = Duration::from_millis(50);
/// What it gets to end by itself.
const GRACE: Duration = Duration::from_secs(10);

/// An acceptance deployment that is there, or of which something may be.
pub struct Known {
    /// Its name.
    pub id: EnvironmentName,
    /// How it was made; `None` for one that only its own mark tells of.
    pub made: Option<AcceptanceTerms>,
    /// From then on anybody may remove it: as its mark says, else as the ledger does.
    pub expires: Timestamp,
    things: Vec<(usize, ExpiringResource)>,
    /// Why it cannot be looked for everywhere.
    blind: Option<String>,
}

impl Known {
    /// What of it is there, in words.
    pub fn things(&self) -> impl Iterator<Item = &str> {
        self.things.iter().map(|(_, thing)| thing.what.as_str())
    }
}

/// What there is.
pub struct AcceptanceSurvey {
    /// Every acceptance deployment, the first to end first.
    pub known: Vec<Known>,
    /// Environments at which could not be looked, and why.
    pub unreachable: Vec<(EnvironmentName, AppError)>,
    sweepers: Vec<Arc<dyn Sweeper>>,
    /// Environments that were looked at.
    swept: Vec<EnvironmentName>,
}

/// Looks for acceptance deployments of `only`, or of every environment.
///
/// # Errors
/// When the ledger cannot be read, or there is no such environment.
pub fn survey(workspace: &Workspace, only: Option<&EnvironmentName>) -> Result<AcceptanceSurvey, AppError> {
    let environments: Vec<&Environment> = match only {
        Some(name) => vec![workspace.environment(name)?],
        None => workspace.project.environments.values().collect(),
    };
    let (mut survey, mut found) = look(workspace, &environments);
    let ledger = workspace.ledger()?;
    let mut made: BTreeMap<EnvironmentName, AcceptanceTerms> = BTreeMap::new();
    for name in ledger.environments()? {
        if let Some(how) = temporary::made(ledger.as_ref(), &name)? {
            made.insert(name, how);
        }
    }
    let names: BTreeSet<EnvironmentName> = found.keys().chain(made.keys()).cloned().collect();
    for id in names {
        let how = made.remove(&id);
        let other = |how: &AcceptanceTerms| only.is_some_and(|only| how.of != *only);
        if how.as_ref().is_some_and(other) {
            continue;
        }
        let things = found.remove(&id).unwrap_or_default();
        let marked = things.iter().map(|(_, thing)| thing.expires).max();
        let Some(expires) = marked.or(how.as_ref().map(|how| how.expires)) else {
            continue;
        };
        let blind = how.as_ref().and_then(|how| blind(workspace, &survey, &how.of));
        survey.known.push(Known {
            id,
            made: how,
            expires,
            things,
            blind,
        });
    }
    survey
        .known
        .sort_by(|one, two| (one.expires, &one.id).cmp(&(two.expires, &two.id)));
    Ok(survey)
}

/// What carries an end, by the environment that it was made for, and the sweeper that found it.
type Things = BTreeMap<EnvironmentName, Vec<(usize, ExpiringResource)>>;

/// Lets the sweepers of these environments look.
fn look(workspace: &Workspace, environments: &[&Environment]) -> (AcceptanceSurvey, Things) {
    let mut survey = AcceptanceSurvey {
        known: Vec::new(),
        unreachable: Vec::new(),
        sweepers: Vec::new(),
        swept: Vec::new(),
    };
    let mut found = Things::new();
    for environment in environments.iter().filter(|found| found.temporary.is_none()) {
        let looked = sweeper(workspace, environment).and_then(|sweeper| match sweeper {
            Some(sweeper) => Ok(Some((sweeper.list()?, sweeper))),
            None => Ok(None),
        });
        match looked {
            Ok(Some((things, sweeper))) => {
                for thing in things {
                    let same = found.entry(thing.environment.clone()).or_default();
                    // Two environments may keep theirs in the same place.
                    if !same.iter().any(|(_, known)| *known == thing) {
                        same.push((survey.sweepers.len(), thing));
                    }
                }
                survey.sweepers.push(sweeper);
                survey.swept.push(environment.name.value.clone());
            }
            Ok(None) => {}
            Err(error) => survey.unreachable.push((environment.name.value.clone(), error)),
        }
    }
    (survey, found)
}

/// Why nothing can be said about what was made from `of`.
fn blind(workspace: &Workspace, survey: &AcceptanceSurvey, of: &EnvironmentName) -> Option<String> {
    if !workspace.project.environments.contains_key(of) {
        return Some(format!(
            "it was made from {of}, which is no longer configured: bring it back to have it removed"
        ));
    }
    if survey.swept.contains(of) {
        return None;
    }
    let failed = survey.unreachable.iter().find(|(name, _)| name == of);
    let why = failed.map_or("its target is another one now".to_owned(), |(_, error)| {
        error.to_string()
    });
    Some(format!(
        "{of}, which it was made from, cannot be looked at: {why}"
    ))
}

/// What became of one.
pub struct AcceptanceRemoval {
    /// Its name.
    pub id: EnvironmentName,
    /// Nothing is left of it; or why something may be.
    pub result: Result<(), AppError>,
}

/// Removes `known` wherever it is found, and tells and records that nothing is left of it. Signals that come
/// meanwhile do not end this: a second one ends what still stops by force.
pub fn remove(
    workspace: &Workspace,
    survey: &AcceptanceSurvey,
    known: &Known,
    origin: &Origin,
    audience: &Audience,
) -> AcceptanceRemoval {
    AcceptanceRemoval {
        id: known.id.clone(),
        result: removed(workspace, survey, known, origin, audience),
    }
}

fn removed(
    workspace: &Workspace,
    survey: &AcceptanceSurvey,
    known: &Known,
    origin: &Origin,
    audience: &Audience,
) -> Result<(), AppError> {
    if let Some(why) = &known.blind {
        return Err(AppError::not_allowed(why.clone()));
    }
    let purpose = "removing an acceptance deployment".to_owned();
    let hold = Hold::take(workspace, &known.id, origin, purpose)?;
    for (place, thing) in &known.things {
        if let Some(sweeper) = survey.sweepers.get(*place) {
            end(sweeper.as_ref(), thing, workspace.context.clock.as_ref())?;
        }
    }
    // Before the record: whoever follows a process that was killed here finds it on record, and tells it again.
    announce::departure(workspace, &known.id, audience);
    temporary::end(workspace, &known.id, origin, &hold)
}

/// Ends one thing: by asking first, then by force.
fn end(sweeper: &dyn Sweeper, thing: &ExpiringResource, clock: &dyn Clock) -> Result<(), PortError> {
    let mut stop = Stop::Graceful;
    let mut until = clock.monotonic() + GRACE;
    loop {
        match sweeper.remove(thing, stop) {
            Ok(Removal::Gone) => return Ok(()),
            Ok(Removal::Stopping) => {}
            Err(error) if error.kind == ErrorKind::Transient && clock.monotonic() < until => {}
            Err(error) => return Err(error),
        }
        let interrupted = clock.sleep(INTERVAL).is_err();
        if interrupted {
            let _ = clock.interruption();
        }
        if interrupted || clock.monotonic() >= until {
            if stop == Stop::Force && !interrupted {
                return Err(PortError::new(
                    ErrorKind::Ambiguous,
                    format!("removing {}", thing.environment),
                    format!(
                        "{} is still there after {} seconds",
                        thing.what,
                        sweeper.patience().as_secs()
                    ),
                )
                .fix(format!(
                    "try again with greenroom acceptance cleanup {}",
                    thing.environment
                )));
            }
            if stop == Stop::Graceful {
                stop = Stop::Force;
                until = clock.monotonic() + sweeper.patience();
            }
        }
    }
}

/// The exit code of several removals: halted when something may be left, busy when somebody is at work
/// there and nothing worse happened.
pub fn exit(ended: &[AcceptanceRemoval]) -> Exit {
    let mut worst = Exit::Done;
    for one in ended {
        match &one.result {
            Ok(()) => {}
            Err(AppError::Busy { .. }) if worst == Exit::Done => worst = Exit::Busy,
            Err(AppError::Busy { .. }) => {}
            Err(_) => worst = Exit::Halted,
        }
    }
    worst
}

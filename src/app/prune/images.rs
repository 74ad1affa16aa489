//! Plans and deletes old images, repository by repository, on record.

use super::super::error::{AppError, Exit};
use super::super::workspace::Workspace;
use super::needed::Ledgers;
use crate::domain::model::{
    Digest, Draft, EnvironmentName, ErrorKind, Explanation, Holder, Origin, Period, Tag,
};
use crate::domain::retention::{Doomed, PrunePlan, Rules};
use crate::engine::LeaseKeeper;
use crate::images::{CONNECTIONS, ImageSurvey, Stopped, Sweep, SweepProgress, Swept};
use crate::ports::Ledger;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The chain of the ledger that holds what was pruned, and the name of the lease that keeps two prunes
/// apart.
pub const CHAIN: &str = "greenroom-prune";
/// Images named by one record, far below the largest record.
const PER_RECORD: usize = 5_000;
/// What is asked for. What is `None` is as the project's `retention` says.
#[derive(Debug, Clone, Default)]
pub struct PruneOptions {
    /// Only this repository; every one of the project where `None`.
    pub repository: Option<String>,
    /// Of each environment's builds, at least this many stay.
    pub keep_last: Option<u32>,
    /// So do all that are younger.
    pub keep_for: Option<Period>,
    /// Whatever was pushed less than this ago stays.
    pub grace: Option<Period>,
    /// Go on when nothing was ever recorded of any environment.
    pub no_ledger: bool,
    /// Delete; else only plan.
    pub apply: bool,
}

/// What one repository came to.
#[derive(Debug)]
pub struct Pruned {
    /// The repository.
    pub repository: String,
    /// What stays and what goes.
    pub plan: PrunePlan,
    /// What was done; `None` where it was only planned.
    pub swept: Option<Swept>,
}

/// What a prune came to.
#[derive(Debug)]
pub struct Done {
    /// The rules that held.
    pub rules: Rules,
    /// Each repository.
    pub repositories: Vec<Pruned>,
}

impl Done {
    /// The exit code: halted when something was left half, refused when the registry or the ledger would
    /// not have it and nothing was deleted.
    pub fn exit(&self) -> Exit {
        let swept = || {
            self.repositories
                .iter()
                .filter_map(|pruned| pruned.swept.as_ref())
        };
        let half = swept().any(|swept| !swept.failed.is_empty() || !swept.broken.is_empty());
        let deleted = swept().any(|swept| !swept.deleted.is_empty());
        match swept().find_map(|swept| swept.stopped.as_ref()) {
            Some(Stopped::Interrupted(_)) => Exit::Interrupted,
            Some(_) if deleted || half => Exit::Halted,
            Some(_) => Exit::Refused,
            None if half => Exit::Halted,
            None => Exit::Done,
        }
    }
}

/// Plans what goes, and deletes it where that was asked for.
///
/// # Errors
/// [`AppError::NotAllowed`] when anything that matters cannot be read: then nothing is deleted anywhere.
/// [`AppError::Busy`] while another prune deletes.
pub fn prune(
    workspace: &Workspace,
    ask: &PruneOptions,
    origin: &Origin,
    progress: &dyn Fn(SweepProgress<'_>),
) -> Result<Done, AppError> {
    let rules = rules(workspace, ask);
    let repositories = repositories(workspace, ask)?;
    let own: EnvironmentName = CHAIN.parse()?;
    if workspace.project.environments.contains_key(&own) {
        let message = format!("an environment cannot be called {CHAIN} while images are pruned");
        return Err(AppError::project(Explanation::new(message).fix("rename it")));
    }
    let hold = ask.apply.then(|| hold(workspace, &own, origin)).transpose()?;
    let ledgers = Ledgers::read(workspace, own.clone()).map_err(unsafe_to_go_on)?;
    if ledgers.is_empty() && !ask.no_ledger {
        let message =
            "nothing is deleted: the ledger has no record of any environment, so what runs is not known";
        return Err(AppError::not_allowed(Explanation::new(message).fix(
            "where nothing was ever deployed from here, say --no-ledger; else bring the ledger here first",
        )));
    }
    let registry = workspace.registry();
    let needed = || ledgers.needed().map_err(|error| error.to_string());
    let held = || hold.as_ref().is_none_or(|hold| !hold.is_lost());
    let surveys: Vec<(&String, ImageSurvey<'_>)> = repositories
        .iter()
        .map(|repository| {
            let sweep = Sweep {
                registry: registry.as_ref(),
                repository,
                rules: &rules,
                clock: workspace.context.clock.as_ref(),
                connections: CONNECTIONS,
                needed: &needed,
                held: &held,
                progress,
            };
            match ImageSurvey::new(sweep) {
                Ok(survey) => Ok((repository, survey)),
                Err(stopped) => Err(AppError::not_allowed(format!(
                    "{repository}: {}",
                    nothing(&stopped)
                ))),
            }
        })
        .collect::<Result<_, _>>()?;
    // No repository is touched before all of them could be read.
    let mut pruned: Vec<Pruned> = Vec::new();
    for (repository, survey) in surveys {
        let plan = survey.plan().clone();
        pruned.push(Pruned {
            repository: repository.clone(),
            plan,
            swept: ask.apply.then(|| survey.apply()),
        });
    }
    known_elsewhere(&mut pruned);
    if let Some(hold) = &hold {
        record(workspace, &own, hold.epoch(), origin, &pruned)?;
    }
    Ok(Done {
        rules,
        repositories: pruned,
    })
}

fn rules(workspace: &Workspace, ask: &PruneOptions) -> Rules {
    let retention = workspace.project.retention.clone().unwrap_or_default();
    Rules {
        keep_last: ask.keep_last.unwrap_or(retention.keep_last),
        keep_for: ask.keep_for.unwrap_or(retention.keep_for),
        grace: ask.grace.unwrap_or(retention.grace),
        environments: workspace.project.environments.keys().cloned().collect(),
    }
}

/// The repositories of the project, or the one that was asked for.
fn repositories(workspace: &Workspace, ask: &PruneOptions) -> Result<Vec<String>, AppError> {
    let image = workspace.project.image.as_ref();
    let own = image.map(|image| image.repository.as_str());
    let environments = workspace.project.environments.values();
    let known: BTreeSet<&str> = environments
        .filter_map(|environment| workspace.images_of(environment))
        .chain(own)
        .collect();
    let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
    match &ask.repository {
        Some(repository) if known.contains(repository) => Ok(vec![repository.clone()]),
        Some(repository) => Err(AppError::usage(format!(
            "{repository} is none of this project's repositories, which are: {}. What others keep in theirs \
             is not in this project's ledger",
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        ))),
        None if known.is_empty() => Err(AppError::usage(
            "this project has no image, so there is nothing to prune",
        )),
        None => Ok(known),
    }
}

fn hold(workspace: &Workspace, own: &EnvironmentName, origin: &Origin) -> Result<LeaseKeeper, AppError> {
    let (lease, period) = (workspace.lease()?, workspace.lease_period()?);
    let holder = Holder {
        who: format!("{} ({})", origin.actor.name, origin.actor.via),
        run: origin.run.clone(),
        purpose: "pruning images".to_owned(),
    };
    let held = lease
        .acquire(own, &holder, period)
        .map_err(|error| match error.kind {
            ErrorKind::Conflict => AppError::Busy {
                environment: own.clone(),
                holder: error.why.message,
            },
            _ => AppError::Port(error),
        })?;
    Ok(LeaseKeeper::keep(lease, own.clone(), held, period))
}

/// Whatever keeps a ledger from being read is a reason to delete nothing.
fn unsafe_to_go_on(error: AppError) -> AppError {
    match error {
        AppError::Record(_) | AppError::Port(_) | AppError::Io { .. } => {
            AppError::not_allowed(error.explanation().while_doing("nothing is deleted"))
        }
        other => other,
    }
}

fn nothing(stopped: &Stopped) -> String {
    match stopped {
        Stopped::Refused(refused) => refused.to_string(),
        other => format!("nothing is deleted: {other}"),
    }
}

/// An image that an environment needs is absent only where no repository has it.
fn known_elsewhere(pruned: &mut [Pruned]) {
    let there: Vec<Digest> = pruned
        .iter()
        .flat_map(|pruned| pruned.plan.keep.iter().map(|kept| kept.digest.clone()))
        .collect();
    for pruned in pruned {
        pruned
            .plan
            .absent
            .retain(|absent| !there.contains(&absent.digest));
    }
}

/// Writes down what was deleted, by whom. The digest is also the name by which GitHub knows a deleted
/// version, which it gives back for 30 days.
fn record(
    workspace: &Workspace,
    own: &EnvironmentName,
    epoch: u64,
    origin: &Origin,
    pruned: &[Pruned],
) -> Result<(), AppError> {
    let ledger = workspace.ledger()?;
    let empty: &[Doomed] = &[];
    for pruned in pruned {
        let Some(swept) = &pruned.swept else { continue };
        let mut parts: Vec<&[Doomed]> = swept.deleted.chunks(PER_RECORD).collect();
        if parts.is_empty() && (!swept.failed.is_empty() || swept.stopped.is_some()) {
            parts.push(empty);
        }
        for part in parts {
            append(
                workspace,
                ledger.as_ref(),
                own,
                epoch,
                body(origin, pruned, swept, part)?,
            )?;
        }
    }
    Ok(())
}

/// What the ledger keeps of a sweep: the body of a record of the kind `prune`.
#[derive(Serialize)]
struct SweepRecord<'a> {
    origin: &'a Origin,
    repository: &'a str,
    /// The tags of each image that went, by its digest.
    deleted: BTreeMap<&'a Digest, &'a Vec<Tag>>,
    failed: Vec<&'a Digest>,
    skipped: usize,
    broken: &'a [Digest],
    stopped: Option<String>,
}

fn body(origin: &Origin, pruned: &Pruned, swept: &Swept, part: &[Doomed]) -> Result<Value, AppError> {
    let record = SweepRecord {
        origin,
        repository: &pruned.repository,
        deleted: part.iter().map(|image| (&image.digest, &image.tags)).collect(),
        failed: swept.failed.iter().map(|left| &left.image.digest).collect(),
        skipped: swept.skipped.len(),
        broken: &swept.broken,
        stopped: swept.stopped.as_ref().map(ToString::to_string),
    };
    serde_json::to_value(record).map_err(|error| AppError::record(&error))
}

fn append(
    workspace: &Workspace,
    ledger: &dyn Ledger,
    own: &EnvironmentName,
    epoch: u64,
    body: Value,
) -> Result<(), AppError> {
    let head = ledger.head(own)?;
    let draft = Draft {
        at: workspace.context.clock.now(),
        epoch,
        deployment: None,
        kind: "prune".to_owned(),
        refs: BTreeMap::new(),
        body,
    };
    ledger.append(own, head.as_ref(), &draft)?;
    Ok(())
}

//! Locks and freezes: put on and taken off by a person, on record. They need no lease: a rollout that is
//! under way has passed its gates and is not touched.

use super::error::AppError;
use super::listed;
use super::workspace::Workspace;
use crate::domain::history::{Guard, GuardChange, GuardKind, Guards, Told};
use crate::domain::model::{EnvironmentName, Explanation, Timestamp};

/// Most locks and freezes that stand at once: what gates read stays small.
const MOST: usize = 50;

/// Everything that stands, or will, and is not over: two reads.
///
/// # Errors
/// When the ledger cannot be read or understood.
pub fn standing(workspace: &Workspace, environment: &EnvironmentName) -> Result<Vec<Guard>, AppError> {
    let ledger = workspace.ledger()?;
    let head = ledger.head(environment)?;
    let found = listed::newest::<Guards>(ledger.as_ref(), head.as_ref())?;
    Ok(still(workspace, found))
}

/// A guard of `kind` by whoever asks, from `from` (else now) until `until`.
///
/// # Errors
/// [`AppError::Usage`] without a reason, for a freeze without an end, or when it would be over before it begins
/// or already.
pub fn guard(
    workspace: &Workspace,
    kind: GuardKind,
    (from, until): (Option<Timestamp>, Option<Timestamp>),
    reason: &str,
) -> Result<Guard, AppError> {
    let now = workspace.context.clock.now();
    let from = from.unwrap_or(now);
    if let Some(until) = until.filter(|until| *until <= from.max(now)) {
        return Err(AppError::usage(
            Explanation::new(format!(
                "it would be over at {}, before it begins or already",
                until.human()
            ))
            .fix("name a later time"),
        ));
    }
    if kind == GuardKind::Freeze && until.is_none() {
        return Err(AppError::usage(
            Explanation::new("a freeze has an end").fix("name it with --until"),
        ));
    }
    Ok(Guard {
        kind,
        from,
        until,
        origin: workspace.context.origin(listed::reason(reason)?, None),
    })
}

/// Puts `guard` on, and writes it down.
///
/// # Errors
/// When too many stand, or the ledger does not take it.
pub fn put(workspace: &Workspace, environment: &EnvironmentName, guard: &Guard) -> Result<(), AppError> {
    workspace.environment(environment)?;
    let doing = format!("guarding {environment}");
    listed::change::<Guards>(workspace, environment, &doing, |found| {
        let mut standing = still(workspace, found);
        if standing.len() >= MOST {
            return Err(AppError::usage(
                Explanation::new(format!("{MOST} locks and freezes of {environment} stand already"))
                    .fix("take some off"),
            ));
        }
        standing.push(guard.clone());
        Ok(Some(Guards {
            change: GuardChange::Put(guard.clone()),
            standing,
        }))
    })?;
    Ok(())
}

/// Takes off everything of `kind`, and writes down who did. Another person's goes only with a reason.
///
/// # Errors
/// [`AppError::Usage`] without a reason where one is needed; when the ledger does not take it.
pub fn lift(
    workspace: &Workspace,
    environment: &EnvironmentName,
    kind: GuardKind,
    reason: Option<&str>,
    dry_run: bool,
) -> Result<Vec<Guard>, AppError> {
    workspace.environment(environment)?;
    let actor = workspace.context.actor();
    let reason = reason.map(listed::reason).transpose()?;
    let origin = workspace
        .context
        .origin(reason.unwrap_or("taken off by whoever put it on"), None);
    let mut lifted = Vec::new();
    let doing = format!("taking a guard off {environment}");
    listed::change::<Guards>(workspace, environment, &doing, |found| {
        let (gone, standing): (Vec<Guard>, Vec<Guard>) = still(workspace, found)
            .into_iter()
            .partition(|guard| guard.kind == kind);
        let foreign = gone.iter().find(|guard| guard.origin.actor != actor);
        if let (None, Some(guard)) = (reason, foreign) {
            return Err(AppError::usage(
                Explanation::new(format!(
                    "{:?} put it on ({})",
                    guard.origin.actor.name, guard.origin.reason
                ))
                .fix("say with --reason why you take it off"),
            ));
        }
        lifted.clone_from(&gone);
        Ok((!gone.is_empty() && !dry_run).then(|| Guards {
            change: GuardChange::Lifted {
                guards: gone,
                origin: origin.clone(),
            },
            standing,
        }))
    })?;
    Ok(lifted)
}

/// One guard in words.
pub fn told(guard: &Guard) -> String {
    let what = match guard.kind {
        GuardKind::Lock => "locked",
        GuardKind::Freeze => "frozen",
    };
    let until = guard.until.map_or("until it is taken off".to_owned(), |until| {
        format!("until {}", until.human())
    });
    let origin = &guard.origin;
    format!(
        "{what} from {} {until} by {} ({}): {}",
        guard.from.human(),
        origin.actor.name,
        origin.actor.via,
        origin.reason
    )
}

fn still(workspace: &Workspace, found: Option<Told<Guards>>) -> Vec<Guard> {
    let now = workspace.context.clock.now();
    let mut standing = found.map(|list| list.body.standing).unwrap_or_default();
    standing.retain(|guard| !guard.is_over(now));
    standing
}

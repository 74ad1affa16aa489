//! Protection: what is configured, unless a person switched it; the ledger says who, when and why.

use super::error::AppError;
use super::workspace::Workspace;
use crate::config::Environment;
use crate::history::{self, PROTECTION, Protection, Switched};
use crate::model::{Draft, EnvironmentName};
use crate::ports::{ErrorKind, PortError};

/// How often another writer may be first.
const MOST_CONFLICTS: usize = 100;
/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// What a wish to switch came to.
pub struct Done {
    /// The switch that stands now.
    pub standing: Switched,
    /// Whether this wish changed anything.
    pub changed: bool,
}

/// The newest switch of the environment's protection: two reads.
///
/// # Errors
/// When the ledger cannot be read or understood.
pub fn newest(workspace: &Workspace, environment: &EnvironmentName) -> Result<Option<Switched>, AppError> {
    let ledger = workspace.ledger()?;
    let Some(head) = ledger.head(environment)? else {
        return Ok(None);
    };
    let Some(seq) = history::switch_of(&head.record) else {
        return Ok(None);
    };
    let stored = if seq == head.record.seq {
        Some(head)
    } else {
        ledger.read(environment, seq)?
    };
    let switched = stored
        .map(|stored| history::switched(&stored.record))
        .transpose()
        .map_err(|error| AppError::Record(error.to_string()))?;
    // What guards an environment is never guessed.
    switched.flatten().map(Some).ok_or_else(|| {
        AppError::Record(format!(
            "record {seq} of {environment} should be a switch of its protection and is not: run `greenroom \
             audit verify`"
        ))
    })
}

/// The environment with its protection as it is in force.
///
/// # Errors
/// As [`newest`].
pub fn in_force(workspace: &Workspace, environment: &Environment) -> Result<Environment, AppError> {
    let mut environment = environment.clone();
    if let Some(switched) = newest(workspace, &environment.name.value)? {
        environment.protection.enabled = switched.protection.enabled;
    }
    Ok(environment)
}

/// Switches the protection and writes down who did, and why. Nothing that runs is changed, and a rollout
/// that is under way has passed its gates, so that no lease is needed: the switch can be thrown while
/// somebody is at work, or has died at it.
///
/// # Errors
/// [`AppError::Usage`] without a reason that can be kept; when the ledger does not take it.
pub fn switch(
    workspace: &Workspace,
    environment: &EnvironmentName,
    enabled: bool,
    reason: &str,
) -> Result<Done, AppError> {
    workspace.environment(environment)?;
    let reason = checked(reason)?;
    let ledger = workspace.ledger()?;
    let protection = Protection {
        enabled,
        origin: workspace.context.origin(reason, None),
    };
    let mut body = serde_json::to_value(&protection)
        .map_err(|error| AppError::Record(format!("the switch cannot be written down: {error}")))?;
    workspace.redactor().redact_document(&mut body);
    for _ in 0..MOST_CONFLICTS {
        let head = ledger.head(environment)?;
        let standing = newest(workspace, environment)?;
        // Switched by hand is more than configured the same: it stays when the configuration changes.
        if let Some(standing) = standing.filter(|standing| standing.protection.enabled == enabled) {
            return Ok(Done {
                standing,
                changed: false,
            });
        }
        let previous = head.as_ref().map(|head| &head.record);
        let draft = Draft {
            at: workspace.context.clock.now(),
            epoch: previous.map_or(0, |record| record.epoch),
            deployment: None,
            kind: PROTECTION.to_owned(),
            refs: history::refs_after_switch(previous),
            body: body.clone(),
        };
        match ledger.append(environment, head.as_ref(), &draft) {
            Err(error) if error.kind == ErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
            Ok(stored) => {
                return Ok(Done {
                    standing: Switched {
                        at: stored.record.at,
                        seq: stored.record.seq,
                        protection,
                    },
                    changed: true,
                });
            }
        }
    }
    Err(AppError::Port(PortError::new(
        ErrorKind::Conflict,
        format!("switching the protection of {environment}"),
        "another writer is always first",
    )))
}

/// The switch in one sentence.
pub fn told(switched: &Switched) -> String {
    let Protection { enabled, origin } = &switched.protection;
    format!(
        "protection was switched {} at {} by {} ({}): {}",
        if *enabled { "on" } else { "off" },
        switched.at.human(),
        origin.actor.name,
        origin.actor.via,
        origin.reason
    )
}

fn checked(reason: &str) -> Result<&str, AppError> {
    let reason = reason.trim();
    let fits = (1..=LONGEST_REASON).contains(&reason.chars().count());
    if fits && !reason.chars().any(char::is_control) {
        return Ok(reason);
    }
    Err(AppError::Usage(format!(
        "the reason has to be one line of 1 to {LONGEST_REASON} characters: it is what others read later"
    )))
}

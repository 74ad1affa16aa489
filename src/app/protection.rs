//! Protection: what is configured, unless a person switched it; the ledger says who, when and why.

use super::error::AppError;
use super::listed;
use super::record::append_beside;
use super::workspace::Workspace;
use crate::config::Environment;
use crate::history::{self, PROTECTION, Protection, Switched};
use crate::model::{Draft, EnvironmentName, Stored};
use crate::ports::Ledger;

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
    let head = ledger.head(environment)?;
    standing(ledger.as_ref(), head.as_ref())
}

/// The newest switch of an environment whose newest record is `head`: one more read at most.
fn standing(ledger: &dyn Ledger, head: Option<&Stored>) -> Result<Option<Switched>, AppError> {
    let Some(head) = head.map(|head| &head.record) else {
        return Ok(None);
    };
    let Some(seq) = history::switch_of(head) else {
        return Ok(None);
    };
    let environment = &head.environment;
    let record = if seq == head.seq {
        Some(head.clone())
    } else {
        ledger.read(environment, seq)?.map(|stored| stored.record)
    };
    let switched = record
        .map(|record| history::switched(&record))
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
    let reason = listed::reason(reason)?;
    let ledger = workspace.ledger()?;
    let protection = Protection {
        enabled,
        origin: workspace.context.origin(reason, None),
    };
    let mut body = serde_json::to_value(&protection)
        .map_err(|error| AppError::Record(format!("the switch cannot be written down: {error}")))?;
    workspace.redactor().redact_document(&mut body);
    let mut standing_so = None;
    let doing = format!("switching the protection of {environment}");
    let appended = append_beside(ledger.as_ref(), environment, &doing, |head| {
        // Switched by hand is more than configured the same: it stays when the configuration changes.
        let found = standing(ledger.as_ref(), head)?;
        standing_so = found.filter(|found| found.protection.enabled == enabled);
        Ok(standing_so.is_none().then(|| Draft {
            at: workspace.context.clock.now(),
            epoch: 0,
            deployment: None,
            kind: PROTECTION.to_owned(),
            refs: history::refs_after_switch(head.map(|head| &head.record)),
            body: body.clone(),
        }))
    })?;
    let switched = appended.map(|stored| Switched {
        at: stored.record.at,
        seq: stored.record.seq,
        protection,
    });
    let changed = switched.is_some();
    let standing = switched
        .or(standing_so)
        .ok_or_else(|| AppError::Record(format!("{doing}: nothing was written, and nothing stands")))?;
    Ok(Done { standing, changed })
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

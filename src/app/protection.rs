//! Protection: what is configured, unless a person switched it; the ledger says who, when and why.

use super::error::AppError;
use super::listed;
use super::workspace::Workspace;
use crate::config::Environment;
use crate::domain::history::{ProtectionRecord, Switched};
use crate::domain::model::EnvironmentName;

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
    listed::newest(ledger.as_ref(), head.as_ref())
}

/// The environment with its protection as it is in force.
///
/// # Errors
/// As [`newest`].
pub fn in_force(workspace: &Workspace, environment: &Environment) -> Result<Environment, AppError> {
    let mut environment = environment.clone();
    if let Some(switched) = newest(workspace, &environment.name.value)? {
        environment.protection.enabled = switched.body.enabled;
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
    let protection = ProtectionRecord {
        enabled,
        origin: workspace.context.origin(reason, None),
    };
    let mut standing_so = None;
    let doing = format!("switching the protection of {environment}");
    let appended = listed::change::<ProtectionRecord>(workspace, environment, &doing, |found| {
        // Switched by hand is more than configured the same: it stays when the configuration changes.
        standing_so = found.filter(|found| found.body.enabled == enabled);
        Ok(standing_so.is_none().then(|| protection.clone()))
    })?;
    let switched = appended.map(|stored| Switched {
        at: stored.record.at,
        seq: stored.record.seq,
        body: protection,
    });
    let changed = switched.is_some();
    let standing = switched
        .or(standing_so)
        .ok_or_else(|| AppError::record(format!("{doing}: nothing was written, and nothing stands")))?;
    Ok(Done { standing, changed })
}

/// The switch in one sentence.
pub fn told(switched: &Switched) -> String {
    let ProtectionRecord { enabled, origin } = &switched.body;
    format!(
        "protection was switched {} at {} by {} ({}): {}",
        if *enabled { "on" } else { "off" },
        switched.at.human(),
        origin.actor.name,
        origin.actor.via,
        origin.reason
    )
}

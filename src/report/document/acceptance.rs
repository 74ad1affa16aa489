//! Acceptance deployments: one that was tested, those that are there, and those that were removed.

use crate::domain::model::{Endpoint, EnvironmentName, Origin, Timestamp, Verdict};
use serde::Serialize;

/// An acceptance deployment that was made or tested.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.acceptance/1", rename_all = "camelCase")]
pub struct AcceptanceDocument<'a> {
    /// Its name.
    pub id: &'a EnvironmentName,
    /// The environment that it is made from.
    pub environment: &'a EnvironmentName,
    /// The suite that is run; those of the environment where `None`.
    pub suite: Option<&'a str>,
    /// From then on anybody may remove it.
    pub expires: Timestamp,
    /// Where it answers; `None` where this command did not make it, or where it does not stand.
    pub url: Option<&'a Endpoint>,
    /// What the suite came to; `None` where it was not begun.
    pub verdict: Option<Verdict>,
    /// Whether a signal came.
    pub interrupted: bool,
    /// Whether it was removed; `None` where it was to stay.
    pub removed: Option<bool>,
    /// The exit code.
    pub exit: u8,
}

/// Acceptance deployments that are there.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.acceptances/1", rename_all = "camelCase")]
pub struct AcceptancesDocument<'a> {
    /// Each, the first to end first.
    pub acceptances: Vec<AcceptanceRow<'a>>,
}

/// Acceptance deployments that were found, and those of them that were removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.prune-guests/1", rename_all = "camelCase")]
pub struct PruneGuestsDocument<'a> {
    /// The exit code.
    pub exit: u8,
    /// Those that are meant, the first to end first.
    pub found: Vec<AcceptanceRow<'a>>,
    /// What became of each; empty where nothing was to be touched.
    pub removed: Vec<RemovalRow<'a>>,
}

/// An acceptance deployment that is there, or of which something may be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptanceRow<'a> {
    /// Its name.
    pub id: &'a EnvironmentName,
    /// The environment that it was made from; `None` where the ledger does not know it.
    pub environment: Option<&'a EnvironmentName>,
    /// Who made it, why, from where; `None` where the ledger does not know it.
    pub by: Option<&'a Origin>,
    /// The suite that it was made for.
    pub suite: Option<&'a str>,
    /// From then on anybody may remove it.
    pub expires: Timestamp,
    /// Whether that time is over.
    pub overdue: bool,
    /// What of it is there, in words.
    pub found: Vec<&'a str>,
}

/// What became of one that was to be removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovalRow<'a> {
    /// Its name.
    pub id: &'a EnvironmentName,
    /// Whether nothing of it is left.
    pub removed: bool,
    /// Why it is not removed.
    pub error: Option<String>,
}

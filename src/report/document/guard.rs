//! Locks and freezes: put on, taken off, or shown.

use crate::domain::history::Guard;
use crate::domain::model::EnvironmentName;
use serde::Serialize;

/// A lock that was put on one environment, or the locks that were taken off it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.locks/1", rename_all = "camelCase")]
pub struct LocksDocument<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// Whether nothing was written down.
    pub dry_run: bool,
    /// The locks, in a field that says what became of them.
    #[serde(flatten)]
    pub locks: LocksShown<'a>,
}

/// Locks, and what became of them: the name of the field that holds them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LocksShown<'a> {
    /// It was put on.
    Put(&'a Guard),
    /// They were taken off.
    Lifted(&'a [Guard]),
}

/// Freezes of some environments.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.freezes/1", rename_all = "camelCase")]
pub struct FreezesDocument {
    /// Whether nothing was written down.
    pub dry_run: bool,
    /// Whether they were taken off; else they stand.
    pub lifted: bool,
    /// Each environment that was named, in that order.
    pub environments: Vec<FreezeRow>,
}

/// The freezes of one environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreezeRow {
    /// The environment.
    pub environment: EnvironmentName,
    /// Its freezes.
    pub freezes: Vec<Guard>,
}

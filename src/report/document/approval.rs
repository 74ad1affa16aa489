//! Approvals of an environment: given, withdrawn, or shown.

use crate::domain::history::Approval;
use crate::domain::model::EnvironmentName;
use serde::Serialize;

/// Approvals of one environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.approvals/1", rename_all = "camelCase")]
pub struct ApprovalsDocument<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// Whether nothing was written down.
    pub dry_run: bool,
    /// The approvals, in a field that says what is true of them.
    #[serde(flatten)]
    pub approvals: ApprovalsShown<'a>,
}

/// Approvals, and what is true of them: the name of the field that holds them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ApprovalsShown<'a> {
    /// They stand.
    Standing(&'a [Approval]),
    /// They were withdrawn.
    Withdrawn(&'a [Approval]),
    /// They were given.
    Approved(&'a [Approval]),
}

impl<'a> ApprovalsShown<'a> {
    /// The approvals, whatever is true of them.
    pub fn all(self) -> &'a [Approval] {
        match self {
            Self::Standing(all) | Self::Withdrawn(all) | Self::Approved(all) => all,
        }
    }
}

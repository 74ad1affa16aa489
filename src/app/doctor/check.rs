//! What one look came to.

use crate::app::error::Exit;

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStatus {
    /// As it has to be.
    Ok,
    /// It works, and somebody should know about it.
    Warning,
    /// It does not work.
    Failed,
    /// There is nothing to look at, or it could not be looked at because of something that failed.
    NotApplicable,
}

/// Whose matter a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The configuration, or what is installed and set where greenroom runs.
    Setup,
    /// What is to be reached: it does not answer, or does not allow it.
    Access,
}

/// One look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorCheck {
    /// What it belongs to: `project`, or the name of an environment.
    pub area: String,
    /// What was looked at: "storage local-zfs".
    pub what: String,
    /// How it was found.
    pub standing: CheckStatus,
    /// What was found, in words.
    pub found: String,
    /// Whose matter it is, where it failed.
    pub cause: Option<Cause>,
    /// What makes it right: commands, or what to write where. Empty where it is right.
    pub fix: Vec<String>,
}

impl DoctorCheck {
    fn new(what: impl Into<String>, standing: CheckStatus, found: impl Into<String>) -> Self {
        Self {
            area: String::new(),
            what: what.into(),
            standing,
            found: found.into(),
            cause: None,
            fix: Vec::new(),
        }
    }

    /// It is as it has to be.
    pub(super) fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(what, CheckStatus::Ok, found)
    }

    /// There is nothing to look at.
    pub(super) fn skipped(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(what, CheckStatus::NotApplicable, why)
    }

    /// It works, and somebody should know.
    pub(super) fn warning(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(what, CheckStatus::Warning, found)
    }

    /// The configuration or this machine is to be changed.
    pub(super) fn setup(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            cause: Some(Cause::Setup),
            ..Self::new(what, CheckStatus::Failed, found)
        }
    }

    /// It does not answer, or does not allow it.
    pub(super) fn access(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            cause: Some(Cause::Access),
            ..Self::new(what, CheckStatus::Failed, found)
        }
    }

    /// The same with what makes it right.
    #[must_use]
    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix.push(fix.into());
        self
    }

    /// The same, belonging to `area`.
    #[must_use]
    pub(super) fn of(mut self, area: &str) -> Self {
        area.clone_into(&mut self.area);
        self
    }
}

/// The exit code: configuration first, since nothing else can be judged without it.
pub fn exit(checks: &[DoctorCheck]) -> Exit {
    let caused = |cause| checks.iter().any(|check| check.cause == Some(cause));
    if caused(Cause::Setup) {
        Exit::Configuration
    } else if caused(Cause::Access) {
        Exit::Refused
    } else {
        Exit::Done
    }
}

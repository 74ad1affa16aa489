//! What a look at everything that has to be reached came to.

use crate::app::doctor::{Cause, CheckStatus, DoctorCheck, exit};
use crate::report::document::{DoctorCause, DoctorDocument, DoctorResult, DoctorRow};

/// Shows every look, and the exit code.
pub fn doctor(checks: &[DoctorCheck]) -> DoctorDocument<'_> {
    DoctorDocument {
        exit: exit(checks) as u8,
        checks: checks.iter().map(row).collect(),
    }
}

fn row(check: &DoctorCheck) -> DoctorRow<'_> {
    DoctorRow {
        area: &check.area,
        what: &check.what,
        standing: match check.standing {
            CheckStatus::Ok => DoctorResult::Ok,
            CheckStatus::Warning => DoctorResult::Warning,
            CheckStatus::Failed => DoctorResult::Failed,
            CheckStatus::NotApplicable => DoctorResult::NotApplicable,
        },
        found: &check.found,
        cause: check.cause.map(|cause| match cause {
            Cause::Setup => DoctorCause::Setup,
            Cause::Access => DoctorCause::Access,
        }),
        fix: &check.fix,
    }
}

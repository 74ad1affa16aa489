//! What a look at everything that has to be reached came to.

use crate::app::doctor::{Cause, Check, Standing, exit};
use crate::report::document::{DoctorCause, DoctorDocument, DoctorResult, DoctorRow};

/// Shows every look, and the exit code.
pub fn doctor(checks: &[Check]) -> DoctorDocument<'_> {
    DoctorDocument {
        exit: exit(checks) as u8,
        checks: checks.iter().map(row).collect(),
    }
}

fn row(check: &Check) -> DoctorRow<'_> {
    DoctorRow {
        area: &check.area,
        what: &check.what,
        standing: match check.standing {
            Standing::Ok => DoctorResult::Ok,
            Standing::Warning => DoctorResult::Warning,
            Standing::Failed => DoctorResult::Failed,
            Standing::NotApplicable => DoctorResult::NotApplicable,
        },
        found: &check.found,
        cause: check.cause.map(|cause| match cause {
            Cause::Setup => DoctorCause::Setup,
            Cause::Access => DoctorCause::Access,
        }),
        fix: &check.fix,
    }
}

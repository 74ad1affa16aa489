//! Why a use case ended without success.

use crate::app::error::AppError;
use crate::config::Report;
use crate::domain::model::Explanation;
use crate::domain::policy::Refusal;
use crate::report::document::{FailureDetail, FailureDocument, FailureReason, RefusalRow};

/// Shows an error, and the exit code.
pub fn failure(error: &AppError) -> FailureDocument {
    FailureDocument {
        exit: error.exit() as u8,
        error: reason(error),
    }
}

/// Shows an error where it is part of another document.
pub fn reason(error: &AppError) -> FailureReason {
    let (kind, detail) = match error {
        AppError::Configuration(problems) => {
            let report = Report {
                diagnostics: &problems.problems,
                sources: &problems.sources,
            };
            let problems = report.problems();
            (
                "configuration".to_owned(),
                FailureDetail::Configuration { problems },
            )
        }
        AppError::Refused(refusals) => {
            let refusals = refusals.iter().map(refusal).collect();
            ("refused".to_owned(), FailureDetail::Refused { refusals })
        }
        AppError::Busy { environment, holder } => {
            let why = error.explanation();
            let detail = FailureDetail::Busy {
                environment: environment.clone(),
                holder: holder.clone(),
                causes: why.causes,
                fix: why.fix,
            };
            ("busy".to_owned(), detail)
        }
        other => {
            let Explanation { message, causes, fix } = other.explanation();
            let kind = format!("{:?}", other.exit()).to_lowercase();
            let detail = FailureDetail::Other { message, causes, fix };
            (kind, detail)
        }
    };
    FailureReason { kind, detail }
}

fn refusal(refusal: &Refusal) -> RefusalRow {
    RefusalRow {
        gate: refusal.gate.as_str(),
        reason: refusal.reason.clone(),
        fix: refusal.fix.clone(),
    }
}

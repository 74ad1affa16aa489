//! What a deployment would do.

use super::reason;
use crate::app::deploy::Prepared;
use crate::app::error::AppError;
use crate::domain::model::EnvironmentName;
use crate::report::document::PlanRow;

/// Shows what would be done in `environment`.
pub fn plan<'a>(environment: &'a EnvironmentName, prepared: &'a Prepared) -> PlanRow<'a> {
    match prepared {
        Prepared::Ready { plan, notes } => PlanRow::Ready {
            environment,
            plan,
            notes,
        },
        Prepared::AlreadyLive(live) => PlanRow::AlreadyLive {
            environment,
            live: &live.candidate.version,
        },
    }
}

/// Shows why nothing can be done in `environment`.
pub fn failed_plan<'a>(environment: &'a EnvironmentName, error: &AppError) -> PlanRow<'a> {
    PlanRow::Failed {
        environment,
        error: reason(error),
    }
}

//! What a person does after a run that did not succeed.

use crate::model::EnvironmentName;
use crate::rollout::Outcome;

/// One sentence; `None` where there is nothing to do. `previous` is what served before, if anything.
pub(super) fn advice(
    outcome: Option<Outcome>,
    environment: &EnvironmentName,
    previous: Option<&str>,
) -> Option<String> {
    let see = format!("see `greenroom history {environment}`");
    Some(match (outcome, previous) {
        (Some(Outcome::Succeeded), _) => return None,
        (Some(Outcome::RolledBack), Some(previous)) => {
            format!("previous version {previous} is serving; {see}")
        }
        (Some(Outcome::RolledBack), None) => format!("nothing is serving; {see}"),
        (Some(Outcome::Halted), _) => format!(
            "fix the cause, then `greenroom resume {environment}` to go on or `greenroom abort {environment}` to go back; {see}"
        ),
        (None, _) => format!("`greenroom resume {environment}` takes it up where it was; {see}"),
    })
}

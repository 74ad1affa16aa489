//! What a person does after a run that did not succeed.

use crate::domain::model::EnvironmentName;
use crate::domain::rollout::{Kind, Outcome};

/// One sentence; `None` where there is nothing to do. `previous` is what served before, if anything.
pub(super) fn advice(
    kind: Kind,
    outcome: Option<Outcome>,
    environment: &EnvironmentName,
    previous: Option<&str>,
) -> Option<String> {
    let see = format!("see `greenroom history {environment}`");
    Some(match (outcome, previous) {
        (Some(Outcome::Succeeded), _) => return None,
        // Whoever wanted to leave a version is left with it.
        (Some(Outcome::RolledBack), Some(previous)) if kind == Kind::Rollback => format!(
            "{previous} is serving still; name another version to go back to: `greenroom history {environment}` lists them"
        ),
        (Some(Outcome::RolledBack), Some(previous)) => {
            format!("nothing is urgent, {previous} is serving: deploy again when the cause is gone; {see}")
        }
        (Some(Outcome::RolledBack), None) => {
            format!("nothing is serving: deploy again when the cause is gone; {see}")
        }
        (Some(Outcome::Halted), _) => format!(
            "fix the cause, then `greenroom resume {environment}` to go on or `greenroom abort {environment}` to go back; {see}"
        ),
        (None, _) => format!("`greenroom resume {environment}` takes it up where it was; {see}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_that_was_taken_back_is_not_called_harmless() {
        let environment: EnvironmentName = "production".parse().unwrap();
        let said = |kind| advice(kind, Some(Outcome::RolledBack), &environment, Some("1.3.0")).unwrap();
        assert!(said(Kind::Deploy).starts_with("nothing is urgent, 1.3.0 is serving"));
        assert_eq!(
            said(Kind::Rollback),
            "1.3.0 is serving still; name another version to go back to: `greenroom history production` lists them"
        );
    }
}

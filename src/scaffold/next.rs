//! What is left for a person to do.

use super::choices::{Approvals, Choices, Ci, Target, TriggerKind};
use super::ecosystem::Ecosystem;
use super::facts::secrets;

/// The next three steps: what has to be made, what has to be known, and the first run. Each is a text of
/// one or more lines.
pub fn next_steps(choices: &Choices) -> Vec<String> {
    vec![places(choices), credentials(choices), first_run(choices)]
}

/// Environments, runners and values that only a person knows.
fn places(choices: &Choices) -> String {
    let mut lines = Vec::new();
    if choices.ci.contains(&Ci::GitHub) {
        let reviewers = if choices.approvals == Approvals::GitHub {
            "; give production its required reviewers"
        } else {
            ""
        };
        lines.push(format!(
            "In GitHub under Settings → Environments make staging, acceptance and production{reviewers}."
        ));
        if choices.triggers.contains(&TriggerKind::Label) {
            lines.push("Staging has to allow refs/pull/*/merge, or a label deploys nothing.".to_owned());
        }
        if !choices.action.is_released() {
            lines.push(
                "There is no release of the action yet: name a commit with --action OWNER/REPO@COMMIT#VERSION."
                    .to_owned(),
            );
        }
    }
    let runner = choices.runner();
    if runner.own {
        lines.push(format!(
            "Register one machine of your own as a runner with the label {}; files stay on it from job to job.",
            runner.label
        ));
    }
    match choices.target {
        Target::Local => {}
        Target::Command => {
            lines.push("Put your hosts into environments/*.yaml (url, DEPLOY_HOST).".to_owned());
        }
        Target::Proxmox => lines.push(
            "Put your cluster into environments/*.yaml; greenroom doctor shows what is missing.".to_owned(),
        ),
    }
    lines.join("\n")
}

fn credentials(choices: &Choices) -> String {
    let mut lines = Vec::new();
    let target = secrets(choices.target);
    if !target.is_empty() {
        lines.push(format!(
            "Give each environment its secrets: {}.",
            target.join(", ")
        ));
    }
    match choices.registry.as_ref().and_then(|name| name.registry()) {
        None => {}
        Some("ghcr.io") if choices.ci.contains(&Ci::GitHub) => lines.push(
            "Images go to ghcr.io with the token of the workflow; for `cleanup` give the repository the role \
             Admin on the package."
                .to_owned(),
        ),
        Some(host) => lines.push(format!(
            "Make an environment `registry` with the secrets REGISTRY_USERNAME and REGISTRY_PASSWORD of {host}, \
             and give them to staging, acceptance and production as well."
        )),
    }
    if lines.is_empty() {
        "No secrets are needed.".to_owned()
    } else {
        lines.join("\n")
    }
}

fn first_run(choices: &Choices) -> String {
    let mut lines = Vec::new();
    if choices.ecosystem == Ecosystem::Go {
        lines.push("Give the commit a version: git tag v0.1.0.".to_owned());
    }
    lines.push("See what would happen: greenroom plan -e staging.".to_owned());
    let how = if choices.triggers.contains(&TriggerKind::Push) {
        "push to develop"
    } else if choices.triggers.contains(&TriggerKind::Dispatch) {
        "start the workflow Deploy to staging by hand"
    } else {
        "put the label deploy-to-staging on a pull request to main"
    };
    lines.push(format!("Then commit the files to main and {how}."));
    if choices.approvals == Approvals::Ledger {
        lines.push("Before production somebody else says: greenroom approve production.".to_owned());
    }
    lines.join("\n")
}

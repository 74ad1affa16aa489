//! What is left for a person to do.

use super::choices::{Approvals, Choices, Ci, TargetChoice, TriggerKind};
use super::ecosystem::Ecosystem;
use super::facts::secrets;

/// The next steps: what the code has to be like, what has to be made, what has to be known, and the first run.
/// Each is a text of one or more lines.
pub fn next_steps(choices: &Choices) -> Vec<String> {
    [
        code(choices),
        places(choices),
        credentials(choices),
        first_run(choices),
    ]
    .into_iter()
    .filter(|step| !step.is_empty())
    .collect()
}

/// What was taken for granted: the first deployment fails where it is not so.
fn code(choices: &Choices) -> String {
    let what = match choices.ecosystem {
        Ecosystem::Python => "app/server.py",
        Ecosystem::Node => "src/server.js",
        Ecosystem::Rust => "an executable of the service's name",
        Ecosystem::Go => "the Go package at the root",
        Ecosystem::Static => return "The files in public/ are what is shipped.".to_owned(),
    };
    format!(
        "The service is taken to be {what}, to listen on the port in $PORT and to answer {}: else change \
         greenroom.yaml and Containerfile.",
        choices.ecosystem.habits().health
    )
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
        TargetChoice::Local => {}
        TargetChoice::Command => {
            lines.push("Put your hosts into environments/*.yaml (url, DEPLOY_HOST).".to_owned());
        }
        TargetChoice::Proxmox => lines.push(
            "Put your cluster into environments/*.yaml; greenroom doctor shows what is missing.".to_owned(),
        ),
    }
    lines.join("\n")
}

/// Secrets that have to be given; empty where none is needed.
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
    lines.join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_about_the_code_of_every_ecosystem() {
        let mut choices = Choices {
            service: "shop".parse().unwrap(),
            triggers: [TriggerKind::Push].into(),
            target: TargetChoice::Local,
            registry: None,
            ecosystem: Ecosystem::Python,
            approvals: Approvals::None,
            jobs: crate::scaffold::Jobs::One,
            ci: [Ci::GitHub].into(),
            scanner: crate::scaffold::Scanner::None,
            runner: None,
            action: crate::scaffold::ActionPin::default(),
            ledger: "greenroom-ledger".to_owned(),
            begins: crate::scaffold::Begins::default(),
            settings: std::collections::BTreeMap::new(),
        };
        for ecosystem in Ecosystem::ALL {
            choices.ecosystem = *ecosystem;
            let steps = next_steps(&choices);
            // Without a registry and with processes of this machine nobody has to give secrets.
            assert_eq!(steps.len(), 3, "{steps:?}");
            assert!(steps[0].starts_with("The "), "{steps:?}");
        }
        choices.ecosystem = Ecosystem::Python;
        assert!(
            next_steps(&choices)[0].contains("app/server.py") && next_steps(&choices)[0].contains("/health")
        );
    }
}

//! Whether, where and what this run deploys.

use super::context::Context;
use super::error::AppError;
use super::workspace::Workspace;
use crate::config::detect;
use crate::config::project::Trigger;
use crate::domain::model::{EnvironmentName, Explanation};
use crate::domain::trigger::{
    ContextFacts, Decision, Filter, Rule, TriggerEvent, When, decide, foreign, gitlab, jenkins, manual,
};
use crate::host::environment::Ci;
use crate::host::files::read_bounded;
use serde_json::Value;

/// The largest event payload that is read; GitHub sends at most 25 MB to a webhook.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Decides by what a person named on the command line, else by the event at hand. An event about a change that
/// comes from a fork deploys nothing, whatever was named. Without an event the
/// surroundings may name the environment (`ENVIRONMENT`, `NODE_ENV`), and a project's only environment
/// is meant in any case.
///
/// # Errors
/// When the event's file cannot be read, or a rule's pattern makes no sense.
pub fn decision(
    workspace: &Workspace,
    named: Option<&EnvironmentName>,
    git_ref: Option<&str>,
) -> Result<Decision, AppError> {
    let event = event(&workspace.context)?;
    if let Some(environment) = named {
        workspace.environment(environment)?;
        return Ok(foreign(&event).unwrap_or_else(|| manual(environment.clone(), git_ref)));
    }
    if event == TriggerEvent::Absent
        && let Some((environment, reason)) = surroundings(workspace)
    {
        return Ok(Decision {
            reason,
            ..manual(environment, git_ref)
        });
    }
    let rules = rules(&workspace.project.triggers)?;
    let environments: Vec<EnvironmentName> = workspace.project.environments.keys().cloned().collect();
    // Only a rule about paths needs to know which files changed, and asking git costs time.
    let wanted = rules
        .iter()
        .any(|rule| matches!(&rule.when, When::Push { paths, .. } if !paths.is_empty()));
    let changed = match event.span().filter(|_| wanted) {
        Some((from, to)) => workspace.git().changed(from, to)?,
        None => None,
    };
    Ok(decide(&event, &rules, &environments, changed.as_deref()))
}

/// The environment that is meant where no event decides, and why.
fn surroundings(workspace: &Workspace) -> Option<(EnvironmentName, String)> {
    let environment = &workspace.context.environment;
    let mut all = workspace.project.environments.keys();
    if let (Some(only), None) = (all.next(), all.next()) {
        let reason = format!("{only} is the only environment, and there is no event that says otherwise");
        return Some((only.clone(), reason));
    }
    // On a CI system such a variable says where the build runs, not where it is to go.
    let detection = detect(environment.variables());
    let known = detection
        .environment()
        .filter(|name| workspace.project.environments.contains_key(name));
    let decided = known.filter(|_| detection.decided_by.is_some() && !environment.is_ci())?;
    Some((decided, detection.reason()))
}

/// The event at hand.
///
/// # Errors
/// When its file cannot be read.
pub(super) fn event(context: &Context) -> Result<TriggerEvent, AppError> {
    let environment = &context.environment;
    let inputs = || {
        let inputs = environment.inputs().into_iter();
        inputs
            .map(|(name, value)| (name.replace('-', "_"), value))
            .collect()
    };
    match environment.ci() {
        Some(Ci::GitLab) => return Ok(gitlab::event(environment.variables(), inputs())),
        Some(Ci::Jenkins) => return Ok(jenkins::event(environment.variables(), inputs())),
        Some(Ci::GitHub) | None => {}
    }
    if environment.event_name().is_empty() {
        return Ok(TriggerEvent::Absent);
    }
    let payload = match environment.event_path() {
        Some(path) => {
            let doing = format!("reading the event from {}", path.display());
            let bytes = read_bounded(path, LARGEST).map_err(AppError::io(doing.clone()))?;
            serde_json::from_slice(&bytes).map_err(|error| {
                AppError::project(Explanation::new(format!("{doing}: it is not JSON")).because(&error))
            })?
        }
        None => Value::Null,
    };
    let facts = ContextFacts {
        reference: environment.reference().map(str::to_owned),
        sha: environment.sha(),
        repository_id: environment.repository_id(),
    };
    Ok(TriggerEvent::parse(environment.event_name(), &payload, &facts))
}

fn rules(triggers: &[Trigger]) -> Result<Vec<Rule>, AppError> {
    let filter = |patterns: &[String]| {
        Filter::parse(patterns)
            .map_err(|error| AppError::project(Explanation::of(&error).while_doing("in triggers")))
    };
    triggers
        .iter()
        .map(|trigger| {
            Ok(match trigger {
                Trigger::Push {
                    branches,
                    paths,
                    environment,
                } => Rule {
                    when: When::Push {
                        branches: filter(branches)?,
                        paths: filter(paths)?,
                    },
                    environment: Some(environment.clone()),
                },
                Trigger::Dispatch { environment } => Rule {
                    when: When::Dispatch,
                    environment: environment.clone(),
                },
                Trigger::Label {
                    name,
                    base,
                    environment,
                } => Rule {
                    when: When::Label {
                        name: name.clone(),
                        base: filter(base)?,
                    },
                    environment: Some(environment.clone()),
                },
            })
        })
        .collect()
}

//! Quick checks before the build.

use super::attended::Attended;
use super::error::AppError;
use super::restricted::RestrictedRunner;
use super::template::Templates;
use super::workspace::Workspace;
use crate::domain::model::Period;
use crate::host::runner::LocalRunner;
use crate::ports::{Command, Runner};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One check that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// Its name.
    pub name: String,
    /// How long it took.
    pub took: Period,
}

/// Runs the configured checks in order, up to the first that fails. `each` hears of every one.
///
/// # Errors
/// [`AppError::Validation`] for the first that fails, with the end of its output.
pub fn validate(workspace: &Workspace, mut each: impl FnMut(&Validated)) -> Result<(), AppError> {
    let variables = workspace.context.environment.variables();
    let mut runner: Arc<dyn Runner> = Arc::new(LocalRunner::new(variables, workspace.root.clone()));
    if let Some(policy) = &workspace.project.commands {
        runner = Arc::new(RestrictedRunner::new(runner, policy.clone()));
    }
    // A person who ends greenroom ends the check as well.
    let attended = Attended::new(runner, Arc::clone(&workspace.context.clock));
    let secrets = workspace
        .project
        .environments
        .values()
        .flat_map(|environment| environment.secrets.values());
    let templates = Templates::new(variables.clone(), secrets.map(|source| &source.value));
    let facts = BTreeMap::from([("service".to_owned(), workspace.project.service.clone())]);
    for check in &workspace.project.validate {
        let rendered: Result<Vec<String>, _> = check
            .run
            .iter()
            .map(|word| templates.render(word, &facts))
            .collect();
        let command = Command {
            argv: rendered.map_err(|error| AppError::project(&error))?,
            directory: None,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            timeout: check.timeout,
        };
        let finished = attended
            .run(&command)
            .map_err(|error| match attended.interrupted() {
                Some(signal) => AppError::Interrupted(signal),
                None => AppError::Port(error),
            })?;
        if finished.code != Some(0) {
            let how = match finished.code {
                _ if finished.timed_out => format!("did not end within {}", check.timeout),
                Some(code) => format!("exited with {code}"),
                None => "was ended by a signal".to_owned(),
            };
            let output = format!("{}{}", finished.stdout, finished.stderr);
            return Err(AppError::validation(format!(
                "validation {} {how}, so nothing was built or deployed\n{}",
                check.name,
                tail(&output)
            )));
        }
        each(&Validated {
            name: check.name.clone(),
            took: finished.took,
        });
    }
    Ok(())
}

/// The last twenty lines.
fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

//! A run that was refused before anything was touched: one check that lists every condition at once. It makes
//! no deployment, and one that GitHub made for the job is left to GitHub.

use super::audience::Audience;
use super::mailbox::Words;
use super::speaker;
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use crate::config::{Diagnostic, DiagnosticSeverity, Environment};
use crate::domain::model::{CommitId, Remark, RemarkLevel, Version};
use crate::domain::policy::Gate;
use crate::host;

use crate::report::forge::{self as words, RefusedRun};
use crate::report::markdown::Unmet;
use std::sync::Arc;

/// What was to be brought where.
pub(in crate::app) struct Intent<'a> {
    /// Where.
    pub(in crate::app) environment: &'a Environment,
    /// Which version.
    pub(in crate::app) version: &'a Version,
    /// Its commit.
    pub(in crate::app) commit: Option<&'a CommitId>,
}

/// Tells of a refusal. Errors that are none are left to the log of the run: they say nothing about the commit.
pub(in crate::app) fn refusal(
    workspace: &Workspace,
    intent: &Intent<'_>,
    error: &AppError,
    audience: &Audience,
) {
    let Some(unmet) = conditions(error) else {
        return;
    };
    let (announcer, name) = (audience.announcer(workspace), &intent.environment.name.value);
    if !workspace.project.github.checks {
        return;
    }
    let (Some(forges), Some(commit)) = (announcer.forges(name, &audience.watchers), intent.commit) else {
        return;
    };
    let redact = |text: &str| workspace.redactor().redact(text).into_owned();
    let refused = RefusedRun {
        service: workspace.project.service.clone(),
        environment: name.clone(),
        version: intent.version.to_string(),
        commit: commit.clone(),
        unmet: unmet
            .into_iter()
            .map(|unmet| Unmet {
                reason: redact(&unmet.reason),
                fix: redact(&unmet.fix),
                ..unmet
            })
            .collect(),
        waits_for_person: waits(error),
        remarks: remarks(error, &workspace.context.environment),
        at: workspace.context.clock.now(),
    };
    let mailbox = speaker::start(Arc::clone(&forges.forge), None);
    mailbox.end(Words {
        check: Some(words::check_refused(
            &refused,
            &super::around(&announcer, intent.environment),
        )),
        ..Words::default()
    });
    announcer.settle(&mailbox, name, &audience.watchers);
}

/// What is not met; `None` where the error is no refusal.
pub fn conditions(error: &AppError) -> Option<Vec<Unmet>> {
    match error {
        AppError::Refused(refusals) => {
            let unmet = refusals.iter().map(|refusal| Unmet {
                what: refusal.gate.to_string(),
                reason: refusal.reason.clone(),
                fix: refusal.fix.clone(),
            });
            Some(unmet.collect())
        }
        AppError::NotAllowed(why) => {
            let unmet = Unmet {
                what: "event".to_owned(),
                reason: why.cause_line(),
                fix: why.fix.clone().unwrap_or_default(),
            };
            Some(vec![unmet])
        }
        AppError::Configuration(problems) => Some(problems.problems.iter().map(problem).collect()),
        AppError::Usage(_)
        | AppError::Project(_)
        | AppError::Busy { .. }
        | AppError::Port(_)
        | AppError::Drive(_)
        | AppError::Validation(_)
        | AppError::Scan(_)
        | AppError::Interrupted(_)
        | AppError::CutOff(_)
        | AppError::Record(_)
        | AppError::Io { .. } => None,
    }
}

/// Whether somebody only has to agree.
fn waits(error: &AppError) -> bool {
    matches!(error, AppError::Refused(refusals) if refusals.iter().any(|refusal| refusal.gate == Gate::Approval))
}

fn problem(diagnostic: &Diagnostic) -> Unmet {
    Unmet {
        what: "configuration".to_owned(),
        reason: diagnostic.message.clone(),
        fix: diagnostic.help.clone().unwrap_or_default(),
    }
}

/// The lines that an error is about. A file outside of the repository has no place in it.
fn remarks(error: &AppError, environment: &host::environment::ProcessEnvironment) -> Vec<Remark> {
    let AppError::Configuration(problems) = error else {
        return Vec::new();
    };
    let Some(repository) = environment.get("GITHUB_WORKSPACE") else {
        return Vec::new();
    };
    let remark = |diagnostic: &Diagnostic| {
        let place = diagnostic.place?;
        let file = environment.directory().join(&problems.sources.of(place)?.path);
        let path = file.strip_prefix(repository).ok()?.to_str()?.to_owned();
        Some(Remark {
            level: match diagnostic.severity {
                DiagnosticSeverity::Error => RemarkLevel::Failure,
                DiagnosticSeverity::Note => RemarkLevel::Notice,
            },
            path,
            line: place.line,
            title: "greenroom".to_owned(),
            message: match &diagnostic.help {
                Some(help) => format!("{}: {help}", diagnostic.message),
                None => diagnostic.message.clone(),
            },
        })
    };
    problems.problems.iter().filter_map(remark).collect()
}

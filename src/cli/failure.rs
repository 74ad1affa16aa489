//! Errors as people and programs read them: what, where, and how to fix it.

use super::publish;
use super::shell::Shell;
use crate::app::announce::conditions;
use crate::app::{AppError, Exit, document};
use crate::config::Report;
use crate::domain::model::{EnvironmentName, Explanation};
use crate::host::environment::{Ci, ProcessEnvironment};
use crate::report::annotations::{Annotation, AnnotationLevel};
use crate::report::markdown;
use crate::report::workflow_command;
use std::io::Write as _;
use std::process::ExitCode;

/// Shows an error and gives its exit code.
pub(super) fn show(shell: &Shell, error: &AppError) -> Exit {
    if shell.is_json() {
        shell.json(&document::failure(error));
    }
    beside(shell, None, error)
}

/// Shows an error that is no document of its own: as text, and to the runner. `place` is the environment that it
/// is about, where the command has several.
pub(super) fn beside(shell: &Shell, place: Option<&EnvironmentName>, error: &AppError) -> Exit {
    let exit = text_only(shell, error);
    annotate(shell, error);
    summarize(shell, place, error);
    exit
}

/// Adds an error to the step's summary, where whoever looks for what came of the run looks first. Secrets are
/// taken out first: what is escaped is not found any more.
pub(super) fn summarize(shell: &Shell, place: Option<&EnvironmentName>, error: &AppError) {
    if !shell.has_summary() {
        return;
    }
    let refused = matches!(error, AppError::Refused(_) | AppError::NotAllowed(_));
    let summary = match conditions(error).filter(|_| refused) {
        Some(mut unmet) => {
            for condition in &mut unmet {
                condition.reason = shell.redact(&condition.reason);
                condition.fix = shell.redact(&condition.fix);
            }
            markdown::refusal(place, &unmet)
        }
        None => {
            let told = shell.redact(&text(error, false));
            let heading = match error {
                AppError::Configuration(_) | AppError::Refused(_) => error.to_string(),
                other => other.explanation().message,
            };
            markdown::failed(place, &shell.redact(&heading), &told)
        }
    };
    publish::summarize(shell, &summary);
}

/// Shows an error as text, and gives its exit code.
pub(super) fn text_only(shell: &Shell, error: &AppError) -> Exit {
    let terminal = shell.context.environment.terminals().stderr;
    let colour = terminal && !shell.context.environment.no_color();
    for line in text(error, colour).lines() {
        shell.warn(line);
    }
    error.exit()
}

/// An error before there is a shell.
pub(super) fn without_shell(error: &AppError) -> ExitCode {
    let _ = writeln!(std::io::stderr().lock(), "{}", text(error, false));
    ExitCode::from(error.exit() as u8)
}

/// Shows why a command line was not understood, or the help that it asked for. Text from outside stands in
/// it, which a runner must not take for a command.
pub(super) fn unparsed(environment: &ProcessEnvironment, error: &clap::Error) -> ExitCode {
    // Help and version are no errors, and go to standard output.
    let code = if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    };
    if environment.ci() == Some(Ci::GitHub) {
        let text = error.render().to_string();
        let lines: Vec<String> = text.lines().map(workflow_command::neutral).collect();
        let text = lines.join("\n");
        let _ = if error.use_stderr() {
            writeln!(std::io::stderr().lock(), "{text}")
        } else {
            writeln!(std::io::stdout().lock(), "{text}")
        };
    } else {
        let _ = error.print();
    }
    ExitCode::from(code as u8)
}

fn text(error: &AppError, colour: bool) -> String {
    match error {
        AppError::Configuration(problems) => {
            let report = Report {
                diagnostics: &problems.problems,
                sources: &problems.sources,
            };
            report.render(colour)
        }
        AppError::Refused(refusals) => {
            let mut text = String::from("error: refused, nothing was deployed\n");
            for refusal in refusals {
                text += &format!(
                    "  {}: {}\n    fix: {}\n",
                    refusal.gate, refusal.reason, refusal.fix
                );
            }
            text
        }
        AppError::Busy { .. }
        | AppError::Usage(_)
        | AppError::Project(_)
        | AppError::NotAllowed(_)
        | AppError::Port(_)
        | AppError::Drive(_)
        | AppError::Validation(_)
        | AppError::Scan(_)
        | AppError::CutOff(_)
        | AppError::Interrupted(_)
        | AppError::Record(_)
        | AppError::Io { .. } => format!("error: {}", explained(&error.explanation())),
    }
}

/// What happened, what it came from and what to do about it, each on lines of its own.
fn explained(why: &Explanation) -> String {
    let mut text = why.message.clone();
    for cause in &why.causes {
        text += &format!("\n  caused by: {}", indented(cause));
    }
    if let Some(fix) = &why.fix {
        text += &format!("\n  fix: {}", indented(fix));
    }
    text
}

/// A text of several lines, all but the first moved in, so that it stays one thing.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

fn annotate(shell: &Shell, error: &AppError) {
    if shell.context.environment.ci() == Some(Ci::GitHub) {
        // How many problems there are helps nobody who cannot see where.
        let message = match error {
            AppError::Configuration(_) => text(error, false),
            AppError::Refused(_) => error.to_string(),
            other => explained(&other.explanation()),
        };
        let annotation = Annotation {
            level: AnnotationLevel::Error,
            title: "greenroom".to_owned(),
            message: shell.redact(&message),
            place: None,
        };
        shell.command(&annotation.command());
    }
}

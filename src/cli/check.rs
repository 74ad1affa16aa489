//! `greenroom check`.

use super::shell::Shell;
use crate::app::{AppError, Exit};
use crate::config::{DiagnosticSeverity, Report};
use crate::report::document::CheckDocument;

/// Validate all configuration and show every problem at once
///
/// Example: greenroom check --format json
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(shell: &Shell, _: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let report = Report {
        diagnostics: &workspace.project.notes,
        sources: &workspace.sources,
    };
    if shell.is_json() {
        shell.json(&CheckDocument {
            valid: true,
            notes: report.problems(),
        });
        return Ok(Exit::Done);
    }
    let style = shell.style();
    let shown = report.render(style.colour);
    if !shown.is_empty() && !shell.global.quiet {
        shell.out(shown.trim_end());
        shell.out("");
    }
    let environments = workspace.project.environments.len();
    let notes = workspace
        .project
        .notes
        .iter()
        .filter(|note| note.severity == DiagnosticSeverity::Note)
        .count();
    let notes = if notes == 0 {
        String::new()
    } else {
        format!(", {notes} note(s)")
    };
    shell.say(&format!(
        "{} is valid: service {}, {environments} environment(s){notes}",
        shell
            .global
            .config
            .as_deref()
            .map_or("greenroom.yaml".into(), |file| file.to_string_lossy()),
        workspace.project.service
    ));
    Ok(Exit::Done)
}

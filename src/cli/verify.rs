//! `greenroom verify`.

use super::publish::{Publication, ReportArgs};
use super::shell::Shell;
use crate::app::verify::{VerifyOptions, verify};
use crate::app::{AppError, Exit};
use crate::domain::model::{Endpoint, EnvironmentName, Verdict};
use crate::report::RunReport;

/// Run an environment's suites against what runs there now
///
/// Example: greenroom verify staging --suite smoke --junit smoke.xml
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment
    environment: EnvironmentName,
    /// Only this suite
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,
    /// Another base URL than the configured one
    #[arg(long, value_name = "URL")]
    url: Option<Endpoint>,
    #[command(flatten)]
    reports: ReportArgs,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let environment = workspace.environment(&args.environment)?;
    let verified = verify(
        &workspace,
        environment,
        &VerifyOptions {
            suite: args.suite.clone(),
            url: args.url.clone(),
            limit: None,
        },
    )?;
    let report = verified.report()?;
    show_checks(shell, &report);
    let mut publication = Publication::default();
    publication.add(report);
    publication.publish(shell, &args.reports);
    Ok(if verified.verdict == Verdict::Pass {
        Exit::Done
    } else {
        Exit::CheckFailed
    })
}

/// Tells what each check came to, and how many passed.
pub(super) fn show_checks(shell: &Shell, report: &RunReport) {
    for check in &report.checks {
        let suite = check
            .suite
            .as_deref()
            .map_or(String::new(), |suite| format!("{suite} / "));
        shell.say(&format!(
            "{:<12} {suite}{}: {}",
            check.verdict.to_string(),
            check.name,
            check.reason
        ));
    }
    let passed = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Pass)
        .count();
    shell.say(&format!("{passed} of {} checks passed", report.checks.len()));
}

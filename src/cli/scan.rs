//! `greenroom scan`.

use super::outcome::take;
use super::publish::{Publication, ReportArgs};
use super::rollback::configured;
use super::shell::Shell;
use crate::app::scan::{self, ImageScan, ScanOptions};
use crate::app::{AppError, Exit, Workspace, rollback};
use crate::domain::model::EnvironmentName;
use crate::domain::scan::ScanResult;
use crate::host::files::{PUBLIC, replace};
use crate::report;
use crate::report::document::ScanDocument;
use std::path::PathBuf;

/// Scan an image for vulnerabilities and judge it for an environment
///
/// Scans what is live there, or the image that is named. The result goes into the environment's record.
/// Exits with 0 when nothing counts, or when the environment is only warned; with 6 when something counts;
/// with 3 when the scan says nothing about the image (another digest, no packages, a system at its end of
/// life, a database that is too old, a report that cannot be read), which is never a pass.
///
/// Example: greenroom scan -e production --live --sarif scan.sarif
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment whose rules hold
    #[arg(short, long, value_name = "ENV")]
    environment: EnvironmentName,
    /// An image that exists, by tag or digest
    #[arg(long, value_name = "TAG|DIGEST")]
    image: Option<String>,
    /// What is live in the environment; so it is, too, where no image is named
    #[arg(long, conflicts_with = "image")]
    live: bool,
    /// Judge this report of Trivy or Grype instead of running the scanner
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the findings as SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Hand the findings in at GitHub's code scanning (GITHUB_REPOSITORY, GITHUB_REF, GITHUB_TOKEN)
    #[arg(long)]
    upload: bool,
    /// The same, but what GitHub does not take is a warning: code scanning may not be enabled there
    #[arg(long, conflicts_with = "upload")]
    try_upload: bool,
    /// Go back to the version before when something counts against what is live, and that stops
    /// deployments in this environment
    #[arg(long, conflicts_with = "image")]
    rollback: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let wish = ScanOptions {
        environment: args.environment.clone(),
        image: args.image.clone(),
        report: args.report.clone(),
    };
    let scan = scan::scan(&workspace, &wish)?;
    let assessment = &scan.assessment;
    let mut publication = Publication::default();
    publication.add_scan(assessment);
    publication.set("environment", assessment.environment.as_str());
    publication.set("image", &assessment.image.to_string());
    publication.set("digest", assessment.image.digest.as_str());
    publication.add_other(&ScanDocument::of(assessment));
    for line in report::scan::text(assessment) {
        shell.say(&line);
    }
    // What could not be handed in is told when everything else is done.
    let handed_in = hand_in(shell, &workspace, &scan, args, &mut publication);
    let mut exit = match assessment.judgment.result {
        ScanResult::Pass => Exit::Done,
        ScanResult::Blocked if assessment.lets_pass() => {
            shell.warn(&format!("warning: {}", assessment.headline()));
            Exit::Done
        }
        ScanResult::Blocked => {
            shell.warn(&format!("error: refused: {}", assessment.headline()));
            Exit::Refused
        }
        ScanResult::Error => {
            shell.warn(&format!("error: {}, which is no pass", assessment.headline()));
            Exit::Configuration
        }
    };
    if exit == Exit::Refused && args.rollback {
        exit = go_back(shell, &workspace, &scan, &mut publication).unwrap_or_else(|error| {
            super::failure::beside(shell, Some(&scan.assessment.environment), &error)
        });
    }
    publication.publish(shell, &args.reports);
    // The result is there; what came of it is told beside it.
    if let Err(error) = handed_in {
        let failed = super::failure::beside(shell, Some(&scan.assessment.environment), &error);
        exit = if exit == Exit::Done { failed } else { exit };
    }
    Ok(exit)
}

/// Writes and uploads the findings, where that was asked for.
fn hand_in(
    shell: &Shell,
    workspace: &Workspace,
    scan: &ImageScan,
    args: &Args,
    publication: &mut Publication,
) -> Result<(), AppError> {
    let sarif = || report::sarif::render(&scan.assessment);
    if let Some(file) = &args.sarif {
        let path = shell.context.environment.directory().join(file);
        replace(&path, sarif().as_bytes(), PUBLIC)
            .map_err(AppError::io(format!("writing {}", file.display())))?;
        publication.set("sarif_file", &file.to_string_lossy());
    }
    if args.upload || args.try_upload {
        match scan::upload(workspace, scan, sarif()) {
            Ok(place) => shell.tell(&format!("the findings are at {place}")),
            Err(error) if args.try_upload => shell.warn(&format!("warning: {error}")),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Brings the version before back, as `greenroom rollback` does.
fn go_back(
    shell: &Shell,
    workspace: &Workspace,
    scan: &ImageScan,
    publication: &mut Publication,
) -> Result<Exit, AppError> {
    let environment = &scan.assessment.environment;
    let selector = configured(workspace, environment)?;
    let reason = format!("a scan of what is live: {}", scan.assessment.headline());
    let origin = shell.context.origin(reason, None);
    let done = rollback::rollback(workspace, environment, &selector, origin, &shell.audience(false));
    take(shell, environment, done, publication)
}

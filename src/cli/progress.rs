//! How far a run has come: as lines for people, and as outputs of the step.

use super::publish::Publication;
use super::shell::Shell;
use crate::app::image_build::Built;
use crate::app::pipeline::RunProgress;
use crate::domain::scan::{Assessment, ScanResult};
use crate::report;

/// Tells how far the run has come.
pub(super) fn tell(shell: &Shell, progress: &RunProgress<'_>) {
    match progress {
        RunProgress::Decided(decision) => {
            let sign = if decision.should_deploy {
                "deploying"
            } else {
                "not deploying"
            };
            shell.tell(&format!("{sign}: {}", decision.reason));
        }
        RunProgress::Identified(identity) => {
            let commit = identity
                .commit
                .as_ref()
                .map_or(String::new(), |commit| format!(" at {}", commit.short()));
            shell.tell(&format!(
                "version {}{commit}, {}",
                identity.version,
                identity.time.human()
            ));
        }
        RunProgress::Validated(validated) => {
            shell.tell(&format!(
                "validation {} passed ({})",
                validated.name, validated.took
            ));
        }
        RunProgress::ValidationSkipped(0) => {}
        RunProgress::ValidationSkipped(count) => {
            shell.warn(&format!(
                "warning: {count} check(s) before the build were skipped, as was asked"
            ));
        }
        RunProgress::Built(built) => tell_built(shell, built),
        RunProgress::Untagged => shell.tell("the image gets no tag: it was not let in"),
        RunProgress::Scanned(assessment) => tell_scan(shell, assessment),
        RunProgress::Promoted(next) => shell.tell(&format!("going on to {next}: autoPromote is on")),
    }
}

/// Tells what a scan came to, and that it is passed over where the environment is only warned.
pub(super) fn tell_scan(shell: &Shell, assessment: &Assessment) {
    let lines = report::scan::text(assessment);
    shell.tell(&format!("scan: {}", lines.join("\n")));
    if assessment.judgment.result == ScanResult::Blocked && assessment.lets_pass() {
        shell.warn(&format!(
            "warning: {}; {} goes on all the same",
            assessment.headline(),
            assessment.environment
        ));
    }
}

fn tell_built(shell: &Shell, built: &Built) {
    let tag = built
        .tags
        .first()
        .map_or(String::new(), |tag| format!(" as {tag}"));
    shell.tell(&format!("image {}{tag}", built.artifact));
    // What greenroom packs itself takes no time worth telling.
    if let Some(made) = built
        .made
        .as_ref()
        .filter(|made| made.builder.is_some() || made.startup.is_some())
    {
        shell.tell(&super::console::made(made));
    }
    if let Some(withheld) = &built.withheld {
        shell.tell(&format!("note: {withheld}"));
    }
}

/// Takes down what the step's outputs say.
pub(super) fn note(progress: &RunProgress<'_>, publication: &mut Publication) {
    match progress {
        RunProgress::Decided(decision) => {
            publication.set(
                "should_deploy",
                if decision.should_deploy { "true" } else { "false" },
            );
            publication.set("reason", &decision.reason);
            let meant = decision.environment.as_slice();
            publication.set_matrix(if decision.should_deploy { meant } else { &[] });
            if let Some(environment) = &decision.environment {
                publication.set("environment", environment.as_str());
            }
            if let Some(git_ref) = &decision.git_ref {
                publication.set("ref", git_ref);
            }
        }
        RunProgress::Identified(identity) => {
            publication.set("version", identity.version.as_str());
            if let Some(commit) = &identity.commit {
                publication.set("sha", commit.as_str());
            }
        }
        RunProgress::Built(built) => {
            let tags: Vec<&str> = built.tags.iter().map(crate::domain::model::Tag::as_str).collect();
            publication.set("tags", &tags.join("\n"));
            publication.set("image", &built.artifact.to_string());
            publication.set("digest", built.artifact.digest.as_str());
        }
        RunProgress::Scanned(assessment) => publication.add_scan(assessment),
        RunProgress::Untagged => publication.set("tags", ""),
        RunProgress::Validated(_) | RunProgress::ValidationSkipped(_) | RunProgress::Promoted(_) => {}
    }
}

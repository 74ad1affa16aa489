//! What a command leaves behind: step outputs, step annotations, JUnit, JSON.

use super::shell::Shell;
use crate::app::AppError;
use crate::app::deploy::Deployed;
use crate::domain::model::EnvironmentName;
use crate::domain::scan::Assessment;
use crate::host::environment::Ci;
use crate::host::files::{PUBLIC, read_bounded, replace};
use crate::host::workflow::{WorkflowFiles, delimiter};
use crate::report::annotations::{self, Annotation};
use crate::report::document::RunsDocument;
use crate::report::outputs::{NAMES, Outputs};
use crate::report::{RunReport, dotenv, json, junit, markdown, scan};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The largest file of variables that outputs are added to, in bytes.
const MOST_VARIABLES: u64 = 64 * 1024;

/// Where reports go.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ReportArgs {
    /// Write the checks as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Write the summary as Markdown; in GitHub Actions it also goes to the step summary, in GitLab CI
    /// and Jenkins to greenroom-summary.md where no file is named
    #[arg(long, value_name = "FILE")]
    pub(super) summary: Option<PathBuf>,
}

/// Collects the reports of one command.
#[derive(Default)]
pub(super) struct Publication {
    reports: Vec<RunReport>,
    /// JSON of what has no report: environments that were refused, failed, or had nothing to do.
    others: Vec<Value>,
    /// Markdown of the scans that were judged.
    scans: String,
    /// Annotations of the same.
    scan_annotations: Vec<Annotation>,
    outputs: Outputs,
    idle: bool,
}

impl Publication {
    /// A rollout that came to its end, and where the forge shows it.
    ///
    /// # Errors
    /// When its events do not begin with a plan.
    pub(super) fn add_rollout(&mut self, deployed: &Deployed) -> Result<(), AppError> {
        self.add(deployed.report()?);
        self.add_place(deployed);
        Ok(())
    }

    /// Where the forge shows a rollout.
    pub(super) fn add_place(&mut self, deployed: &Deployed) {
        if let Some(number) = deployed.forge_deployment {
            self.set("github_deployment", &number.to_string());
        }
    }

    /// The report of a rollout that came to its end.
    pub(super) fn add(&mut self, report: RunReport) {
        self.reports.push(report);
    }

    /// An output of the step.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        declared(name);
        self.outputs.set(name, value);
    }

    /// The environments that are meant, as a list for a job matrix.
    pub(super) fn set_matrix(&mut self, environments: &[EnvironmentName]) {
        self.set("matrix", &matrix(environments));
    }

    /// An environment without a rollout, as JSON.
    pub(super) fn add_other(&mut self, document: &impl Serialize) {
        self.others
            .push(serde_json::to_value(document).unwrap_or_default());
    }

    /// A scan that was judged. Its annotations come after those of rollouts.
    pub(super) fn add_scan(&mut self, assessment: &Assessment) {
        self.scans.push_str(&markdown::scan(assessment));
        self.scans.push('\n');
        self.scan_annotations.extend(scan::annotations(assessment));
        self.set("scan_result", &assessment.judgment.result.to_string());
        self.set("scan_findings", &assessment.judgment.counts.total().to_string());
    }

    /// There was nothing to do, or it is so already.
    pub(super) fn nothing_done(&mut self) {
        self.idle = true;
    }

    /// Whether nothing had to be done at all.
    pub(super) fn is_idle(&self) -> bool {
        self.idle && self.reports.is_empty()
    }

    /// Writes everything. Reports never fail a deployment that went well: what cannot be written is
    /// a warning.
    pub(super) fn publish(mut self, shell: &Shell, args: &ReportArgs) {
        if let Some(last) = self.reports.last() {
            self.outputs.extend(Outputs::of(last));
        }
        let rollouts = self.reports.iter().flat_map(annotations::of);
        let chosen = annotations::render(rollouts.chain(self.scan_annotations.drain(..)).collect());
        if shell.context.environment.ci() == Some(Ci::GitHub) {
            for command in &chosen.commands {
                shell.command(command);
            }
        }
        self.write_summary(shell, args, &chosen.overflow);
        if let Some(file) = &args.junit {
            let documents: Vec<String> = self.reports.iter().map(junit::render).collect();
            for (index, document) in documents.iter().enumerate() {
                written(shell, &numbered(file, index), document);
            }
        }
        self.write_outputs(shell);
        if shell.is_json() {
            self.print(shell);
        }
    }

    fn write_summary(&mut self, shell: &Shell, args: &ReportArgs, overflow: &[Annotation]) {
        let files = workflow_files(shell);
        let file = summary_file(shell, args);
        for (index, report) in self.reports.iter().enumerate() {
            // The annotations that GitHub does not keep belong to the action as a whole.
            let overflow = if index == 0 { overflow } else { &[] };
            let room = files.summary_room().min(markdown::MOST_BYTES);
            let text = markdown::render(report, overflow, room);
            if let Err(error) = files.add_summary(&text) {
                shell.warn(&format!("warning: the step summary was not written: {error}"));
            }
            if let Some(file) = &file {
                let text = markdown::render(report, overflow, markdown::MOST_BYTES);
                written(shell, &numbered(file, index), &text);
            }
        }
        self.write_scans(shell, file.as_deref(), &files);
        // Where nothing was to be reported on, nothing was written.
        if let Some(file) = file.filter(|file| args.summary.is_some() || file.is_file()) {
            self.outputs.set("summary_file", &file.to_string_lossy());
        }
    }

    /// Scans come after the rollouts that they stopped or let pass.
    fn write_scans(&self, shell: &Shell, file: Option<&Path>, files: &WorkflowFiles) {
        if self.scans.is_empty() {
            return;
        }
        if self.scans.len() <= files.summary_room()
            && let Err(error) = files.add_summary(&self.scans)
        {
            shell.warn(&format!("warning: the step summary was not written: {error}"));
        }
        if let Some(file) = file {
            written(shell, &numbered(file, self.reports.len()), &self.scans);
        }
    }

    /// Writes the step's outputs alone, where the run ended before there was anything to report on.
    pub(super) fn write_outputs(&self, shell: &Shell) {
        if let Err(error) = hand_on(shell, &self.outputs) {
            shell.warn(&format!("warning: the step outputs were not written: {error}"));
        }
    }

    /// One report is the document; several are a list.
    fn print(&self, shell: &Shell) {
        let values: Vec<Value> = self
            .reports
            .iter()
            .map(|report| serde_json::from_str(&json::render(report)).unwrap_or(Value::Null))
            .chain(self.others.iter().cloned())
            .collect();
        match values.as_slice() {
            [one] => shell.json(one),
            _ => shell.json(&RunsDocument { runs: &values }),
        }
    }
}

/// Adds to the step's summary what belongs to no rollout.
pub(super) fn summarize(shell: &Shell, markdown: &str) {
    if let Err(error) = workflow_files(shell).add_summary(&shell.redact(markdown)) {
        shell.warn(&format!("warning: the step summary was not written: {error}"));
    }
}

/// Adds what a command showed to the step's summary, under this heading. Secrets are taken out first: what is
/// escaped is not found any more.
pub(super) fn summarize_shown(shell: &Shell, heading: &str, lines: &str) {
    summarize(shell, &markdown::shown(heading, &shell.redact(lines)));
}

fn workflow_files(shell: &Shell) -> WorkflowFiles {
    let environment = &shell.context.environment;
    WorkflowFiles {
        outputs: environment.output_path().map(Path::to_path_buf),
        summary: environment.summary_path().map(Path::to_path_buf),
    }
}

/// Writes step outputs of a command that deploys nothing.
pub(super) fn outputs(shell: &Shell, values: &[(&str, String)]) -> Result<(), AppError> {
    let mut outputs = Outputs::default();
    for (name, value) in values {
        declared(name);
        outputs.set(name, value);
    }
    hand_on(shell, &outputs)
}

/// The environments as a JSON list: `fromJSON` makes a job matrix of it.
pub(super) fn matrix(environments: &[EnvironmentName]) -> String {
    serde_json::to_string(environments).unwrap_or_default()
}

/// An output that nobody declared is seen by nobody.
fn declared(name: &str) {
    debug_assert!(NAMES.contains(&name), "{name} is not among the outputs::NAMES");
}

/// Hands outputs on to later steps and jobs, by every way that there is.
fn hand_on(shell: &Shell, outputs: &Outputs) -> Result<(), AppError> {
    let delimiter = delimiter().map_err(AppError::io("making a delimiter for outputs"))?;
    let text = outputs
        .render(&delimiter)
        .map_err(|error| AppError::project(&error))?;
    workflow_files(shell)
        .add_outputs(&text)
        .map_err(AppError::io("writing the step outputs"))?;
    let environment = &shell.context.environment;
    let named = shell.global.dotenv.as_ref();
    let named = named.map(|file| environment.directory().join(file));
    let Some(file) = named.or_else(|| environment.dotenv_path()) else {
        return Ok(());
    };
    let doing = format!("adding outputs to {}", file.display());
    let before = match read_bounded(&file, MOST_VARIABLES) {
        Ok(before) => String::from_utf8_lossy(&before).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(AppError::io(doing)(error)),
    };
    let dotenv = dotenv::render(&before, outputs);
    if !dotenv.left_out.is_empty() {
        let names = dotenv.left_out.join(", ");
        shell.warn(&format!(
            "warning: {} has no room for {names}: GitLab takes 5 KiB",
            file.display()
        ));
    }
    replace(&file, dotenv.text.as_bytes(), PUBLIC).map_err(AppError::io(doing))
}

/// Where the summary goes beside the step's own.
fn summary_file(shell: &Shell, args: &ReportArgs) -> Option<PathBuf> {
    let artifact = || shell.context.environment.summary_artifact();
    args.summary.clone().or_else(artifact)
}

fn written(shell: &Shell, file: &Path, text: &str) {
    let file = shell.context.environment.directory().join(file);
    if let Err(error) = replace(&file, text.as_bytes(), PUBLIC) {
        shell.warn(&format!("warning: {} was not written: {error}", file.display()));
    }
}

/// `report.xml`, `report-2.xml`, …
fn numbered(file: &Path, index: usize) -> PathBuf {
    if index == 0 {
        return file.to_path_buf();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = match file.extension() {
        Some(extension) => format!("{stem}-{}.{}", index + 1, extension.to_string_lossy()),
        None => format!("{stem}-{}", index + 1),
    };
    file.with_file_name(name)
}

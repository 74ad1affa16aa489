//! A scanner that is run, and writes its report to standard output.
//!
//! Exit codes say little: Trivy ends with 0 whatever it finds unless `--exit-code` is given, and with 1
//! for every error; Grype ends with 2 when `--fail-on` is met, and with 1 for every error. So the report
//! is taken with 0 and with the codes that are known to mean findings, and its reader finds out whether
//! it is complete; with every other code there is no report, whatever was written.

use super::LARGEST;
use crate::domain::model::{Artifact, ErrorKind, Explanation, Period, PortError, Secret};
use crate::ports::{Captured, Command, Runner, Scanner};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// Renders a template for an image; the error is a sentence.
pub type RenderImage = Arc<dyn Fn(&str, &Artifact) -> Result<String, String> + Send + Sync>;

/// Most lines of the scanner's own messages that an error shows.
const LINES: usize = 20;

/// What a command needs to be a scanner.
#[derive(Clone)]
pub struct ScannerSettings {
    /// The program and its arguments, as templates; each stays one argument.
    pub argv: Vec<String>,
    /// Renders them.
    pub render: RenderImage,
    /// Working directory; the runner's where `None`.
    pub directory: Option<PathBuf>,
    /// Variables that it gets.
    pub variables: BTreeMap<String, String>,
    /// Secret variables that it gets.
    pub secrets: BTreeMap<String, Secret>,
    /// Time limit.
    pub timeout: Period,
    /// Exit codes other than 0 with which the report is whole.
    pub findings_exit_codes: Vec<i32>,
}

/// A scanner that is run for every image.
pub struct CommandScanner {
    settings: ScannerSettings,
    runner: Arc<dyn Runner>,
}

impl CommandScanner {
    /// A scanner with these settings, run by `runner`.
    pub fn new(settings: ScannerSettings, runner: Arc<dyn Runner>) -> Self {
        Self { settings, runner }
    }

    fn error(&self, kind: ErrorKind, image: &Artifact, why: impl Into<Explanation>) -> PortError {
        let program = self.settings.argv.first().map_or("", String::as_str);
        PortError::new(kind, format!("scanning {image} with {program}"), why)
    }

    fn judge(&self, image: &Artifact, captured: Captured) -> Result<Vec<u8>, PortError> {
        let finished = captured.finished;
        let told = |message: String| Explanation::new(message).caused_by(tail(&finished.stderr));
        if captured.overflowed {
            let cause = format!("it wrote more than {} MiB and was ended", LARGEST >> 20);
            return Err(self
                .error(ErrorKind::Invalid, image, cause)
                .fix("let it write less (trivy: --list-all-pkgs=false, --severity)"));
        }
        if finished.timed_out {
            let cause = told(format!("it did not end within {}", self.settings.timeout));
            return Err(self
                .error(ErrorKind::Transient, image, cause)
                .fix("give it more time with `scan.timeout`, or fetch its database beforehand"));
        }
        match finished.code {
            Some(code) if code == 0 || self.settings.findings_exit_codes.contains(&code) => {
                Ok(captured.stdout)
            }
            Some(code) => {
                let cause = told(format!("it failed with exit code {code}"));
                Err(self
                    .error(ErrorKind::Invalid, image, cause)
                    .fix("if that means that it found something, say so with `scan.findingsExitCode`"))
            }
            None => Err(self.error(
                ErrorKind::Transient,
                image,
                told("it was ended by a signal".to_owned()),
            )),
        }
    }
}

impl Scanner for CommandScanner {
    fn scan(&self, image: &Artifact) -> Result<Vec<u8>, PortError> {
        let argv: Result<Vec<String>, String> = self
            .settings
            .argv
            .iter()
            .map(|word| (self.settings.render)(word, image))
            .collect();
        let command = Command {
            argv: argv.map_err(|cause| self.error(ErrorKind::Invalid, image, cause))?,
            directory: self.settings.directory.clone(),
            variables: self.settings.variables.clone(),
            secrets: self.settings.secrets.clone(),
            timeout: self.settings.timeout,
        };
        let captured = self
            .runner
            .capture(&command, LARGEST, &mut |_| ControlFlow::Continue(()))?;
        self.judge(image, captured)
    }
}

/// The last lines of what the scanner told.
fn tail(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

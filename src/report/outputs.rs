//! Step outputs for the file that `GITHUB_OUTPUT` names.

use super::RunReport;
use crate::domain::rollout::Outcome;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use thiserror::Error;

/// Every output that a command may set. `action.yml` declares the same: an output that it does not declare
/// is seen by nobody outside of the action.
pub const NAMES: [&str; 22] = [
    "should_deploy",
    "environment",
    "reason",
    "ref",
    "sha",
    "version",
    "tags",
    "image",
    "digest",
    "url",
    "outcome",
    "deployment_id",
    "github_deployment",
    "previous_version",
    "rolled_back_to",
    "summary_file",
    "ledger_head",
    "matrix",
    "scan_result",
    "scan_findings",
    "sarif_file",
    "acceptance_id",
];

/// What all outputs of a job may hold together, in bytes (GitHub: 1 MB per job).
const MOST_BYTES: usize = 1_000_000;

/// Outputs that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OutputError {
    /// The name is not one that an output may have.
    #[error(
        "writing outputs: {name:?} is not an output name (letters, digits, '_' and '-', not starting with a digit or '-')"
    )]
    Name {
        /// The name, as given.
        name: String,
    },
    /// The delimiter could end a value early.
    #[error(
        "writing outputs: the delimiter is unfit or the value of {name} holds it; choose another delimiter"
    )]
    Delimiter {
        /// The output.
        name: String,
    },
    /// Together they are too large.
    #[error("writing outputs: {bytes} bytes together, at most {MOST_BYTES} are kept by GitHub")]
    TooLarge {
        /// How large they are.
        bytes: usize,
    },
}

/// Named values, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs(BTreeMap<String, String>);

impl Outputs {
    /// What a finished run says: `outcome`, `environment`, `version`, `url`, `deployment_id`, … as
    /// far as they are known.
    pub fn of(report: &RunReport) -> Self {
        let changes = &report.changes;
        let image = changes.image.after.as_deref();
        let digest = image
            .and_then(|image| image.rsplit_once('@'))
            .map(|(_, digest)| digest);
        let back = (report.outcome == Some(Outcome::RolledBack)).then(|| report.previous_version());
        let outcome = report.outcome.map(|outcome| match outcome {
            Outcome::Succeeded => "succeeded",
            Outcome::RolledBack => "rolledBack",
            Outcome::Halted => "halted",
        });
        let head = report.history.head.as_ref().map(ToString::to_string);
        let mut outputs = Self::default();
        for (name, value) in [
            ("environment", Some(report.environment.as_str())),
            ("version", Some(report.version())),
            ("image", image),
            ("digest", digest),
            ("sha", changes.commit.after.as_deref()),
            ("url", report.url.as_deref()),
            ("outcome", outcome),
            ("deployment_id", Some(report.deployment.as_str())),
            ("previous_version", report.previous_version()),
            ("rolled_back_to", back.flatten()),
            ("ledger_head", head.as_deref()),
        ] {
            if let Some(value) = value {
                outputs.set(name, value);
            }
        }
        outputs
    }

    /// Sets one output; a later value replaces an earlier one.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The value of one output.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Every output with its value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds all of `others`; theirs win.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// All outputs as `name<<delimiter`, the value, and the delimiter, which is the only form in
    /// which no value can be taken for another output. The delimiter must be random
    /// (`ghadelimiter_` and at least 16 random digits).
    ///
    /// # Errors
    /// A name is malformed, a value holds the delimiter, or all together are over 1 MB.
    pub fn render(&self, delimiter: &str) -> Result<String, OutputError> {
        let fit = delimiter.len() >= 16 && delimiter.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let mut text = String::new();
        for (name, value) in &self.0 {
            if !is_output_name(name) {
                return Err(OutputError::Name { name: name.clone() });
            }
            if !fit || value.contains(delimiter) || name.contains(delimiter) {
                return Err(OutputError::Delimiter { name: name.clone() });
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
        }
        if text.len() > MOST_BYTES {
            return Err(OutputError::TooLarge { bytes: text.len() });
        }
        Ok(text)
    }
}

fn is_output_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{failed_health, first_removed, folded, success};

    const DELIMITER: &str = "ghadelimiter_0123456789abcdef";

    #[test]
    fn a_run_says_what_happened() {
        let outputs = Outputs::of(&folded(&failed_health()));
        assert_eq!(outputs.get("outcome"), Some("rolledBack"));
        assert_eq!(outputs.get("rolled_back_to"), Some("1.2.0"));
        assert_eq!(outputs.get("digest").map(str::len), Some(71));
        assert_eq!(Outputs::of(&folded(&success())).get("rolled_back_to"), None);
        let first = Outputs::of(&folded(&first_removed()));
        assert_eq!(
            (first.get("previous_version"), first.get("rolled_back_to")),
            (None, None)
        );
    }

    #[test]
    fn malformed_names_are_refused() {
        for name in ["", "1a", "-a", "a b", "a=b", "a<<b", "ä", "a\nb"] {
            let mut outputs = Outputs::default();
            outputs.set(name, "x");
            assert_eq!(
                outputs.render(DELIMITER),
                Err(OutputError::Name {
                    name: name.to_owned()
                }),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_value_cannot_hold_the_delimiter_and_the_delimiter_must_be_hard_to_guess() {
        let mut outputs = Outputs::default();
        outputs.set("reason", &format!("x\n{DELIMITER}\nevil=1"));
        assert!(matches!(
            outputs.render(DELIMITER),
            Err(OutputError::Delimiter { .. })
        ));
        assert!(outputs.render("ghadelimiter_fedcba9876543210").is_ok());
        for unfit in [
            "",
            "EOF",
            "a delimiter with blanks",
            "delimiter\nwith_a_line_break",
        ] {
            assert!(
                matches!(outputs.render(unfit), Err(OutputError::Delimiter { .. })),
                "{unfit:?}"
            );
        }
    }

    #[test]
    fn more_than_github_keeps_is_refused() {
        let mut outputs = Outputs::default();
        outputs.set("matrix", &"x".repeat(MOST_BYTES));
        assert!(matches!(
            outputs.render(DELIMITER),
            Err(OutputError::TooLarge { .. })
        ));
    }
}

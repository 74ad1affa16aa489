//! What is wrong with a configuration, where, and how to fix it.

use super::place::{Located, Span};
use crate::domain::model::SecretSource;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiagnosticSeverity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but something in it has no effect in this version.
    Note,
}

impl DiagnosticSeverity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Note => "note",
        }
    }
}

/// Another place that has to do with a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub place: Span,
    /// What is there.
    pub label: String,
}

/// One problem. [`super::render::Report`] shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: DiagnosticSeverity,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// Where; `None` when no file could be read at all.
    pub place: Option<Span>,
    /// What stands at the place, in a few words.
    pub label: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
    /// How to fix it.
    pub help: Option<String>,
    /// What stands at the place is not to be shown.
    pub confidential: bool,
}

impl Diagnostic {
    /// An error at `place`.
    pub fn error(place: Span, message: impl Into<String>) -> Self {
        Self {
            severity: DiagnosticSeverity::Error,
            message: message.into(),
            place: Some(place),
            label: None,
            related: Vec::new(),
            help: None,
            confidential: false,
        }
    }

    /// A note at `place`.
    pub fn note(place: Span, message: impl Into<String>) -> Self {
        Self {
            severity: DiagnosticSeverity::Note,
            ..Self::error(place, message)
        }
    }

    /// An error that no line can be blamed for, as when the first file cannot be read.
    pub fn without_place(message: impl Into<String>) -> Self {
        Self {
            severity: DiagnosticSeverity::Error,
            message: message.into(),
            place: None,
            label: None,
            related: Vec::new(),
            help: None,
            confidential: false,
        }
    }

    /// The error for a secret whose value is not where its source says.
    pub fn missing_secret(name: &str, source: &Located<SecretSource>) -> Self {
        let (what, help) = match &source.value {
            SecretSource::Env(variable) => (
                format!("the environment variable {variable} is not set"),
                format!("set {variable} for this command, or change the source of `{name}`"),
            ),
            SecretSource::File(path) => (
                format!("the file {path} cannot be read"),
                format!("put the value into {path}, or change the source of `{name}`"),
            ),
        };
        Self::error(source.place, format!("the secret `{name}` is missing: {what}")).help(help)
    }

    /// Says how to fix it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what stands at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn related(mut self, place: Span, label: impl Into<String>) -> Self {
        self.related.push(Related {
            place,
            label: label.into(),
        });
        self
    }
}

//! How console lines look: colours, signs, and the folding marks of a CI system.

use crate::domain::model::Timestamp;
use crate::report::workflow_command::neutral;

/// How a CI system folds lines of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Groups {
    /// It does not.
    None,
    /// `::group::` and `::endgroup::`.
    GitHub,
    /// `section_start` and `section_end` (GitLab CI, "custom collapsible sections").
    GitLab,
}

/// What the place that the lines go to can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours.
    pub colour: bool,
    /// Characters outside ASCII; greenroom's own only, names are shown as they are.
    pub unicode: bool,
    /// Folding marks.
    pub groups: Groups,
    /// A status line shows the step that is running, so its beginning needs no line of its own.
    pub live: bool,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Faint,
    Good,
    Bad,
    Doubt,
}

impl Style {
    /// Plain ASCII lines without folding marks.
    pub const PLAIN: Self = Self {
        colour: false,
        unicode: false,
        groups: Groups::None,
        live: false,
    };

    /// A line: neutralised where the GitHub runner would read a command in it, then coloured.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let text = if self.groups == Groups::GitHub {
            neutral(text)
        } else {
            text.to_owned()
        };
        let code = match tone {
            _ if !self.colour => return text,
            Tone::Plain => return text,
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Doubt => "33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// The sign for how something went.
    pub(super) fn sign(self, tone: Tone) -> &'static str {
        match (tone, self.unicode) {
            (Tone::Good, true) => "✓",
            (Tone::Good, false) => "ok",
            (Tone::Bad, true) => "✗",
            (Tone::Bad, false) => "FAILED",
            (Tone::Doubt, _) => "?",
            (Tone::Plain | Tone::Faint, true) => "·",
            (Tone::Plain | Tone::Faint, false) => "-",
        }
    }

    /// The line that begins a fold.
    pub(super) fn open(self, name: &str, at: Timestamp, title: &str) -> Option<String> {
        match self.groups {
            Groups::None => None,
            Groups::GitHub => Some(format!("::group::{title}")),
            Groups::GitLab => Some(format!(
                "\u{1b}[0Ksection_start:{}:{name}[collapsed=true]\r\u{1b}[0K{title}",
                at.unix_millis() / 1_000
            )),
        }
    }

    /// The line that ends it.
    pub(super) fn close(self, name: &str, at: Timestamp) -> Option<String> {
        match self.groups {
            Groups::None => None,
            Groups::GitHub => Some("::endgroup::".to_owned()),
            Groups::GitLab => Some(format!(
                "\u{1b}[0Ksection_end:{}:{name}\r\u{1b}[0K",
                at.unix_millis() / 1_000
            )),
        }
    }
}

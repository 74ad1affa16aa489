//! Diagnostics as a person or a machine reads them.

use super::diagnostic::{Diagnostic, DiagnosticSeverity};
use super::place::{Sources, Span};
use crate::domain::model::{ConfigurationProblem, LabelledPosition, TextPosition};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::ops::Range;

/// Longest line that is shown, in characters.
const WIDEST: usize = 110;

/// Diagnostics with the files that they are about.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The problems, in the order in which they are shown.
    pub diagnostics: &'a [Diagnostic],
    /// The files.
    pub sources: &'a Sources,
}

impl Report<'_> {
    /// As rustc would show them: message, file, line, the line itself, and how to fix it. With ANSI
    /// colours where `colour` is set. Ends with a line break unless there is nothing to show.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
        .term_width(WIDEST);
        self.diagnostics
            .iter()
            .map(|diagnostic| {
                let shown = renderer.render(&[self.group(diagnostic)]);
                let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
                format!("{}\n", lines.join("\n"))
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn group<'d>(&'d self, diagnostic: &'d Diagnostic) -> Group<'d> {
        let level = match diagnostic.severity {
            DiagnosticSeverity::Error => Level::ERROR,
            DiagnosticSeverity::Note => Level::NOTE,
        };
        let mut group = Group::with_title(level.primary_title(visible(&diagnostic.message)));
        let mut remaining: Vec<(Span, &str)> = diagnostic
            .related
            .iter()
            .map(|related| (related.place, related.label.as_str()))
            .collect();
        if let Some(place) = diagnostic.place {
            let same_file: Vec<_> = remaining
                .extract_if(.., |(other, _)| other.file == place.file)
                .collect();
            group = group.element(self.snippet(
                (place, diagnostic.label.as_deref().unwrap_or("")),
                &same_file,
                diagnostic.confidential,
            ));
        }
        for other in remaining {
            group = group.element(self.snippet(other, &[], false));
        }
        match &diagnostic.help {
            Some(help) => group.element(Level::HELP.message(visible(help))),
            None => group,
        }
    }

    fn snippet<'d>(
        &'d self,
        primary: (Span, &'d str),
        others: &[(Span, &'d str)],
        confidential: bool,
    ) -> Snippet<'d, annotate_snippets::Annotation<'d>> {
        let (path, text) = self
            .sources
            .of(primary.0)
            .map_or(("", ""), |source| (source.path.as_str(), source.text.as_str()));
        let shown = if confidential {
            masked(text, primary.0)
        } else {
            Cow::Borrowed(text)
        };
        let mut snippet =
            Snippet::source(shown)
                .path(path)
                .annotation(annotation(AnnotationKind::Primary, text, primary));
        for other in others {
            snippet = snippet.annotation(annotation(AnnotationKind::Context, text, *other));
        }
        snippet
    }

    /// The same problems as a machine reads them.
    pub fn problems(&self) -> Vec<ConfigurationProblem> {
        self.diagnostics
            .iter()
            .map(|diagnostic| ConfigurationProblem {
                severity: diagnostic.severity.as_str(),
                message: diagnostic.message.clone(),
                position: diagnostic.place.map(|place| self.position(place)),
                related: diagnostic
                    .related
                    .iter()
                    .map(|related| LabelledPosition {
                        position: self.position(related.place),
                        label: related.label.clone(),
                    })
                    .collect(),
                help: diagnostic.help.clone(),
            })
            .collect()
    }

    fn position(&self, place: Span) -> TextPosition {
        TextPosition {
            file: self.sources.of(place).map(|source| source.path.clone()),
            line: place.line,
            column: place.column,
            length: self.sources.text(place).chars().count(),
        }
    }
}

/// A list of objects: `severity`, `message`, and where known `file`, `line`, `column`, `length` (in
/// characters), `related` (places with a `label`) and `help`.
impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.problems().serialize(serializer)
    }
}

/// The text with an asterisk for each byte at `place`, so that every other place stays where it is.
fn masked(text: &str, place: Span) -> Cow<'_, str> {
    let Some(written) = text.get(place.range()) else {
        return Cow::Borrowed("");
    };
    let stars: String = written
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { '*' })
        .collect();
    let Range { start, end } = place.range();
    Cow::Owned([&text[..start], &stars, &text[end..]].concat())
}

/// Marks a place up to the end of its first line.
fn annotation<'d>(
    kind: AnnotationKind,
    text: &str,
    (place, label): (Span, &'d str),
) -> annotate_snippets::Annotation<'d> {
    let range = place.range();
    let written = text.get(range.clone()).unwrap_or("");
    let length = written.lines().next().map_or(0, |line| line.trim_end().len());
    let span = range.start.min(text.len())..(range.start + length).min(text.len());
    let annotation = kind.span(span);
    if label.is_empty() {
        annotation
    } else {
        annotation.label(visible(label))
    }
}

/// The text without control characters, which could move the cursor of whoever looks at it.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

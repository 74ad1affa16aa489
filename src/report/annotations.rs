//! Annotations: the few lines that GitHub shows beside a run and in the diff.

use super::workflow_command::{data, property};
use super::{RunReport, foreign};
use crate::domain::model::Verdict;

/// How many of each kind GitHub keeps for a step; a composite action is one step (actions/runner,
/// `_maxCountPerIssueType`).
pub const MOST_PER_KIND: usize = 10;
/// How much of a message the runner keeps, in characters.
const LONGEST: usize = 4096;

/// How serious an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnotationLevel {
    /// Something failed.
    Error,
    /// Something needs a look.
    Warning,
    /// Good to know.
    Notice,
}

impl AnnotationLevel {
    const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Notice];

    fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// One annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How serious it is.
    pub level: AnnotationLevel,
    /// A short heading.
    pub title: String,
    /// What there is to say; may have several lines.
    pub message: String,
    /// A file of the repository it is about, and the line in it.
    pub place: Option<(String, u32)>,
}

impl Annotation {
    /// The workflow command that makes it.
    pub fn command(&self) -> String {
        let place = self.place.as_ref().map_or_else(String::new, |(file, line)| {
            format!("file={},line={line},", property(&foreign::line(file)))
        });
        let title = property(&foreign::clip(&foreign::line(&self.title), 255));
        let message = data(&foreign::clip(&foreign::block(&self.message), LONGEST));
        format!("::{} {place}title={title}::{message}", self.level.as_str())
    }
}

/// What becomes of the annotations of one action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Lines to print: at most ten of each kind.
    pub commands: Vec<String>,
    /// The rest, for the summary.
    pub overflow: Vec<Annotation>,
}

/// Chooses what is printed: the first [`MOST_PER_KIND`] of each kind, in order. To be called once for
/// a whole action, with the annotations of all of its runs.
pub fn render(annotations: Vec<Annotation>) -> Annotations {
    let mut chosen = Annotations::default();
    let mut used = [0; AnnotationLevel::ALL.len()];
    for annotation in annotations {
        let kind = annotation.level as usize;
        if used[kind] < MOST_PER_KIND {
            used[kind] += 1;
            chosen.commands.push(annotation.command());
        } else {
            chosen.overflow.push(annotation);
        }
    }
    chosen
}

/// The annotations of one run, most important first: why it did not succeed, the checks that failed,
/// the units that failed, the warnings; for a success its one line.
pub fn of(report: &RunReport) -> Vec<Annotation> {
    let annotation = |level, title: &str, message: String| Annotation {
        level,
        title: title.to_owned(),
        message,
        place: None,
    };
    let headline = report.headline();
    let mut annotations = Vec::new();
    if report.succeeded() {
        let message = report.summary.clone().unwrap_or_default();
        annotations.push(annotation(AnnotationLevel::Notice, &headline, message));
    } else {
        let cause = report.cause.iter().cloned().chain(report.next_action());
        annotations.push(annotation(
            AnnotationLevel::Error,
            &headline,
            cause.collect::<Vec<_>>().join("\n"),
        ));
    }
    let serious = if report.succeeded() {
        AnnotationLevel::Warning
    } else {
        AnnotationLevel::Error
    };
    for check in report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail)
    {
        let unit = check
            .unit
            .as_ref()
            .map(|unit| format!(" on {unit}"))
            .unwrap_or_default();
        annotations.push(annotation(
            serious,
            &format!("{}{unit} failed", check.name),
            check.reason.clone(),
        ));
    }
    for failure in &report.failures {
        if let Some(unit) = &failure.unit {
            let title = format!("{unit} failed in {}", report.environment);
            annotations.push(annotation(
                serious,
                &title,
                format!("{}: {}", failure.description, failure.reason),
            ));
        }
    }
    let warning = |text: &String| {
        annotation(
            AnnotationLevel::Warning,
            report.environment.as_str(),
            text.clone(),
        )
    };
    annotations.extend(report.warnings.iter().map(warning));
    annotations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{failed_health, folded, hostile, success};

    #[test]
    fn a_failed_run_says_why_first() {
        let lines = render(of(&folded(&failed_health()))).commands.join("\n");
        insta::assert_snapshot!(lines, @r###"
::error title=shop 1.3.0 was taken back in production%3A 1.2.0 is serving::web-2 was not ready within 1m (in the step: wait until 1.3.0 is ready on web-1, web-2)%0Anothing is urgent, 1.2.0 is serving: deploy again when the cause is gone; see `greenroom history production`
::error title=health on web-2 failed::status 503, expected 200
::error title=web-2 failed in production::wait until 1.3.0 is ready on web-1, web-2: exited with status 1 after 0.2 s
"###);
    }

    #[test]
    fn a_success_is_one_notice_and_its_warnings() {
        let lines = render(of(&folded(&success()))).commands.join("\n");
        insta::assert_snapshot!(lines, @r###"
::notice title=shop 1.3.0 is live in production::1.3.0 is live on 2 units.
::warning title=production::web-2 took 31s to stop
"###);
    }

    #[test]
    fn a_place_is_escaped_like_every_property() {
        let annotation = Annotation {
            level: AnnotationLevel::Warning,
            title: "a:b,c".into(),
            message: "100%\nsecond line".into(),
            place: Some(("env/a,b:c.yaml".into(), 3)),
        };
        assert_eq!(
            annotation.command(),
            "::warning file=env/a%2Cb%3Ac.yaml,line=3,title=a%3Ab%2Cc::100%25%0Asecond line"
        );
    }

    #[test]
    fn the_eleventh_of_a_kind_goes_to_the_summary() {
        let one = |level, n: usize| Annotation {
            level,
            title: n.to_string(),
            message: String::new(),
            place: None,
        };
        let mut all: Vec<Annotation> = (0..15).map(|n| one(AnnotationLevel::Error, n)).collect();
        all.extend((0..3).map(|n| one(AnnotationLevel::Notice, n)));
        let chosen = render(all);
        assert_eq!(chosen.commands.len(), 13);
        assert_eq!(chosen.overflow.len(), 5);
        assert_eq!(chosen.overflow[0].title, "10");
    }

    #[test]
    fn hostile_text_makes_no_second_command() {
        for line in render(of(&folded(&hostile()))).commands {
            assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line}");
            assert_eq!(
                line.matches("::").count() - line.matches("::set-output name=a::b").count() * 2,
                2,
                "{line}"
            );
        }
    }
}

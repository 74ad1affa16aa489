//! A judged scan: as text and as annotations.

use super::annotations::{Annotation, AnnotationLevel as Weight, MOST_PER_KIND};
use super::foreign;
use crate::domain::scan::{Assessment, Counts, FindingStatus, Judged, Level, ScanResult};

/// Most findings in the table for people; JSON has all of them.
const ROWS: usize = 50;
/// Most allowed findings that are told with their reasons.
const ALLOWED: usize = 20;

/// The scan as lines for people: how it ended, by what, what counts, what does not and why.
pub fn text(assessment: &Assessment) -> Vec<String> {
    let judgment = &assessment.judgment;
    let mut lines = vec![
        format!("{}: {}", judgment.result, foreign::line(&assessment.headline())),
        format!("  {}", provenance(assessment)),
    ];
    if judgment.result == ScanResult::Error {
        let reasons = judgment.reasons.iter();
        lines.extend(reasons.map(|reason| format!("  error: {}", foreign::line(reason))));
    }
    let rows: Vec<[String; 5]> = assessment.counting().take(ROWS).map(row).collect();
    lines.extend(table(&rows));
    let more = judgment.counts.total().saturating_sub(rows.len());
    if more > 0 {
        lines.push(format!("  … and {more} more; see all with --format json"));
    }
    lines.extend(not_counted(&judgment.counts).map(|counts| format!("  not counted: {counts}")));
    let allowed = judgment
        .findings
        .iter()
        .filter_map(|judged| match &judged.standing {
            FindingStatus::Allowed { reason, until } => {
                let until = until.map_or(String::new(), |until| format!(" (until {})", until.human()));
                let text = format!(
                    "{} in {}: {reason}{until}",
                    judged.finding.id, judged.finding.package.name
                );
                Some(format!("  allowed: {}", foreign::line(&text)))
            }
            _ => None,
        });
    lines.extend(allowed.take(ALLOWED));
    let notes = judgment.notes.iter();
    lines.extend(notes.map(|note| format!("  note: {}", foreign::line(note))));
    if judgment.result == ScanResult::Blocked {
        lines.push(format!("  {}", consequence(assessment)));
    }
    lines
}

/// What follows from findings that count.
pub(super) fn consequence(assessment: &Assessment) -> String {
    match assessment.level {
        Level::Warn => format!("{} is warned, not stopped", assessment.environment),
        Level::Block => format!("nothing with these findings goes to {}", assessment.environment),
    }
}

/// `trivy 0.74.0, report of …, database of …, alpine 3.19.1, 120 packages`.
pub(super) fn provenance(assessment: &Assessment) -> String {
    let report = &assessment.report;
    let mut parts = vec![report.scanner_name()];
    parts.extend(
        report
            .created
            .map(|created| format!("report of {}", created.human())),
    );
    parts.extend(
        report
            .database
            .map(|built| format!("database of {}", built.human())),
    );
    parts.extend(
        report
            .os
            .as_ref()
            .map(|os| format!("{} {}", os.family, os.version)),
    );
    parts.extend(report.packages.map(|packages| format!("{packages} packages")));
    foreign::line(&parts.join(", "))
}

/// Why the others do not count: `1 allowed, 2 known already`; `None` where there are none.
pub(super) fn not_counted(counts: &Counts) -> Option<String> {
    let parts: Vec<String> = [
        (counts.allowed, "allowed"),
        (counts.known, "known already"),
        (counts.unfixed, "without a fix"),
        (counts.minor, "of lower severity"),
        (counts.hidden, "not affected or not shown"),
        (counts.suppressed, "left out by the scanner"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Severity, id, package, installed version, and the way out with what else matters.
pub(super) fn row(judged: &Judged) -> [String; 5] {
    let finding = &judged.finding;
    [
        finding.severity.to_string(),
        foreign::line(&finding.id),
        foreign::line(&finding.package.name),
        foreign::line(&finding.package.version),
        foreign::line(&remedy(judged)),
    ]
}

/// The way out, and what makes it urgent.
fn remedy(judged: &Judged) -> String {
    let finding = &judged.finding;
    let mut text = if finding.fix.versions.is_empty() {
        finding.fix.state.as_str().to_owned()
    } else {
        format!("fixed in {}", finding.fix.versions.join(", "))
    };
    if finding.known_exploited {
        text.push_str("; known to be exploited");
    }
    if let FindingStatus::Expired { since, .. } = judged.standing {
        text.push_str(&format!("; no longer allowed since {}", since.human()));
    }
    text
}

/// Columns as wide as they need to be, the last one open.
fn table(rows: &[[String; 5]]) -> Vec<String> {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2), width(3)];
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            format!("  {}  {}", cells.join("  "), row[4])
        })
        .collect()
}

/// One annotation that says how the scan ended, then the findings that count, at most as many as GitHub
/// keeps of a kind.
pub fn annotations(assessment: &Assessment) -> Vec<Annotation> {
    let judgment = &assessment.judgment;
    let weight = match (judgment.result, assessment.level) {
        (ScanResult::Pass, _) => return Vec::new(),
        (ScanResult::Error, _) | (ScanResult::Blocked, Level::Block) => Weight::Error,
        (ScanResult::Blocked, Level::Warn) => Weight::Warning,
    };
    let mut all = vec![Annotation {
        level: weight,
        title: format!("scan for {}: {}", assessment.environment, judgment.result),
        message: match judgment.result {
            ScanResult::Pass | ScanResult::Blocked => assessment.headline(),
            ScanResult::Error => format!("{}\n{}", assessment.headline(), judgment.reasons.join("\n")),
        },
        place: None,
    }];
    let findings = assessment.counting().take(MOST_PER_KIND - 1);
    all.extend(findings.map(|judged| {
        let finding = &judged.finding;
        let title = format!(
            "{} ({}) in {}",
            finding.id, finding.severity, finding.package.name
        );
        let mut message = format!(
            "{} {}: {}",
            finding.package.name,
            finding.package.version,
            remedy(judged)
        );
        for line in [&finding.title, &finding.url].into_iter().flatten() {
            message.push('\n');
            message.push_str(line);
        }
        Annotation {
            level: weight,
            title,
            message,
            place: None,
        }
    }));
    all
}

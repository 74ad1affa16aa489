//! A judged scan as a section of the step summary.

use super::escape::{code, link, text};
use crate::domain::scan::{Assessment, Judged, ScanResult};
use crate::report::scan::{consequence, not_counted, provenance, row};
use std::fmt::Write as _;

/// Most findings in the table.
const ROWS: usize = 100;
/// How many of them are in sight; the others are folded away.
const IN_SIGHT: usize = 15;
const HEAD: &str = "| Severity | Vulnerability | Package | Installed | What to do |\n|---|---|---|---|---|\n";
/// Most notes and reasons.
const LINES: usize = 20;

/// The scan as a heading, a sentence and a table of what counts, at most about 60 KiB.
pub fn scan(assessment: &Assessment) -> String {
    let judgment = &assessment.judgment;
    let sign = match judgment.result {
        ScanResult::Pass => "✅",
        ScanResult::Blocked if assessment.lets_pass() => "⚠️",
        ScanResult::Blocked | ScanResult::Error => "❌",
    };
    let mut summary = format!(
        "### {sign} Scan for {}: {}\n",
        text(assessment.environment.as_str()),
        judgment.result,
    );
    let mut line = |shown: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(summary, "\n{shown}");
    };
    let mut reasons: Vec<String> = judgment
        .reasons
        .iter()
        .take(LINES)
        .map(|reason| text(reason))
        .collect();
    if judgment.result == ScanResult::Blocked {
        reasons.push(text(&consequence(assessment)));
    }
    for reason in &reasons {
        line(&format!("**{reason}**"));
    }
    line(&format!(
        "{}<br>{}",
        code(&assessment.image.to_string()),
        text(&provenance(assessment))
    ));
    let shown: Vec<String> = assessment.counting().take(ROWS).map(cells).collect();
    let (seen, folded) = shown.split_at(shown.len().min(IN_SIGHT));
    if !seen.is_empty() {
        line(&format!("{HEAD}{}", seen.concat().trim_end()));
    }
    if !folded.is_empty() {
        line(&format!(
            "<details><summary>{} more</summary>\n\n{HEAD}{}\n</details>",
            folded.len(),
            folded.concat()
        ));
    }
    let more = judgment.counts.total() - shown.len();
    if more > 0 {
        line(&format!("{more} more are in the JSON report."));
    }
    if let Some(counts) = not_counted(&judgment.counts) {
        line(&format!("Not counted: {}.", text(&counts)));
    }
    for note in judgment.notes.iter().take(LINES) {
        line(&text(note));
    }
    summary
}

fn cells(judged: &Judged) -> String {
    let [severity, id, package, installed, remedy] = row(judged);
    let id = match &judged.finding.url {
        Some(url) if url.len() <= 200 => link(&id, url),
        _ => text(&id),
    };
    format!(
        "| {severity} | {id} | {} | {} | {} |\n",
        text(&package),
        text(&installed),
        text(&remedy)
    )
}

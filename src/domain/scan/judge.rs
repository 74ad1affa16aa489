//! Report + policy → pass, blocked or error, with every reason.

use super::finding::{Finding, FixState};
use super::policy::{Allowance, Policy};
use super::report::{ScanReport, ScanSubject};
use crate::domain::model::{Digest, Period, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How far clocks may be apart before a date in the future shows that something is wrong.
const SKEW: Period = Period::from_secs(86_400);

/// What a scan came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScanResult {
    /// Nothing counts.
    Pass,
    /// Something counts.
    Blocked,
    /// The report says nothing about the image.
    Error,
}

impl fmt::Display for ScanResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Blocked => "blocked",
            Self::Error => "error",
        })
    }
}

/// Whether a finding counts, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum FindingStatus {
    /// It counts.
    Counts,
    /// It counts, because what allowed it has ended.
    Expired {
        /// Why it was put up with.
        reason: String,
        /// Since when it is not any more.
        since: Timestamp,
    },
    /// It is put up with.
    Allowed {
        /// Why.
        reason: String,
        /// First instant at which it no longer is.
        until: Option<Timestamp>,
    },
    /// There is no fix, and such ones are to be ignored.
    Unfixed,
    /// The baseline has it.
    Known,
    /// Its severity does not block.
    Minor,
    /// The package has it and is not affected.
    NotAffected,
    /// Its severity is not to be shown.
    Hidden,
}

impl FindingStatus {
    /// Whether it counts against the image.
    pub fn counts(&self) -> bool {
        matches!(self, Self::Counts | Self::Expired { .. })
    }
}

/// A finding with what was decided about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// What was decided.
    pub standing: FindingStatus,
}

/// How many findings there are of each standing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Those that count, by severity.
    pub counting: BTreeMap<Severity, usize>,
    /// Those among them that an allowance covered until it ended.
    pub expired: usize,
    /// Those that are put up with.
    pub allowed: usize,
    /// Those without a fix that are ignored.
    pub unfixed: usize,
    /// Those that the baseline has.
    pub known: usize,
    /// Those whose severity does not block.
    pub minor: usize,
    /// Those that do not affect the package, or are not to be shown.
    pub hidden: usize,
    /// Those that the scanner was told to leave out.
    pub suppressed: usize,
}

impl Counts {
    /// How many count.
    pub fn total(&self) -> usize {
        self.counting.values().sum()
    }

    /// Those that count, worst first: `1 CRITICAL, 2 HIGH`.
    pub fn by_severity(&self) -> String {
        let parts: Vec<String> = self
            .counting
            .iter()
            .rev()
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        parts.join(", ")
    }
}

/// What was decided, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgment {
    /// The result.
    pub result: ScanResult,
    /// Every reason for a result other than a pass.
    pub reasons: Vec<String>,
    /// What is worth knowing whatever the result.
    pub notes: Vec<String>,
    /// Every finding, worst first, also where the result is an error.
    pub findings: Vec<Judged>,
    /// How many of each there are.
    pub counts: Counts,
}

/// What is judged by what.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What counts.
    pub policy: &'a Policy,
    /// The report.
    pub report: &'a ScanReport,
    /// The image it has to be about.
    pub subject: &'a ScanSubject,
    /// The time.
    pub now: Timestamp,
    /// [Keys](Finding::key) of the findings that are known already, for a policy that wants only new
    /// ones; `None` where nothing was scanned before: then all are new.
    pub baseline: Option<&'a BTreeSet<String>>,
}

/// Judges a report. A known exploited finding counts whatever its severity, with or without a fix, known
/// or not; only an allowance that ends covers it.
pub fn judge(input: &Input<'_>) -> Judgment {
    let mut notes = Vec::new();
    let mut reasons = about_the_image(input, &mut notes);
    reasons.extend(about_the_database(input, &mut notes));
    let findings: Vec<Judged> = input
        .report
        .findings
        .iter()
        .map(|finding| Judged {
            standing: standing(input, finding),
            finding: finding.clone(),
        })
        .collect();
    let counts = count(&findings, input.report.suppressed);
    let result = match (reasons.is_empty(), counts.total()) {
        (false, _) => ScanResult::Error,
        (true, 0) => ScanResult::Pass,
        (true, total) => {
            reasons.push(format!(
                "{total} {} ({})",
                if total == 1 {
                    "finding counts"
                } else {
                    "findings count"
                },
                counts.by_severity()
            ));
            ScanResult::Blocked
        }
    };
    remarks(input, &mut notes);
    Judgment {
        result,
        reasons,
        notes,
        findings,
        counts,
    }
}

/// Why the report says nothing about the image.
fn about_the_image(input: &Input<'_>, notes: &mut Vec<String>) -> Vec<String> {
    let (report, subject) = (input.report, input.subject);
    let mut reasons = Vec::new();
    if report.subjects.is_empty() {
        reasons.push(format!(
            "the report does not say which image it is about ({}): scan the image by its digest, {}",
            if report.kind.is_empty() {
                "no kind"
            } else {
                &report.kind
            },
            subject.digest
        ));
    } else if !report.subjects.contains(&subject.digest) {
        if report.subjects.is_disjoint(&subject.parts) {
            let found: Vec<&str> = report.subjects.iter().take(3).map(Digest::as_str).collect();
            reasons.push(format!(
                "the report is about another image ({}), not {}: scan {{{{ image }}}}, or make the report anew",
                found.join(", "),
                subject.digest
            ));
        } else if subject.images > 1 {
            notes.push(format!(
                "the report is about one of the {} images of the index",
                subject.images
            ));
        }
    }
    if !report.looked {
        reasons.push(
            "no packages were looked at, so nothing could be found: is the image empty, or its system unknown to the scanner?"
                .to_owned(),
        );
    }
    if let Some(os) = &report.os {
        if os.end_of_life {
            reasons.push(format!(
                "{} {} is at its end of life, and its vulnerabilities are no longer published: build on a supported release",
                os.family, os.version
            ));
        }
        if report.looked && !report.os_packages {
            reasons.push(format!(
                "the system is {} {}, and its packages were not looked at: let the scanner look at them (trivy: --pkg-types os,library)",
                os.family, os.version
            ));
        }
    }
    reasons
}

/// Why the database is no base for a judgment.
fn about_the_database(input: &Input<'_>, notes: &mut Vec<String>) -> Vec<String> {
    let report = input.report;
    let mut reasons = Vec::new();
    if let Some(problem) = &report.database_problem {
        reasons.push(format!(
            "the scanner's database cannot be used ({problem}): update it"
        ));
    }
    if report
        .created
        .is_some_and(|created| created > input.now.plus(SKEW))
    {
        reasons.push("the report is dated in the future: set the clock of the scanner's machine".to_owned());
    }
    let Some(most) = input.policy.max_database_age else {
        return reasons;
    };
    // A report cannot know more than was known when it was made.
    let known = match (report.database, report.created) {
        (Some(built), _) => Some(("the scanner's database was built", built)),
        (None, Some(created)) => {
            notes.push(format!(
                "{} does not say how old its database is; the age of the report stands for it",
                report.scanner
            ));
            Some(("the report was made", created))
        }
        (None, None) => None,
    };
    match known {
        Some((what, at)) if input.now.since(at) > most => reasons.push(format!(
            "{what} on {}, more than {most} ago: update the database and scan again",
            at.human()
        )),
        Some(_) => {}
        None => reasons.push(format!(
            "nothing says how old the scanner's database is, and more than {most} is too old: update the scanner, or take out maxDatabaseAge"
        )),
    }
    reasons
}

fn standing(input: &Input<'_>, finding: &Finding) -> FindingStatus {
    let policy = input.policy;
    if finding.fix.state == FixState::NotAffected {
        return FindingStatus::NotAffected;
    }
    let exploited = finding.known_exploited;
    if !exploited {
        if !policy.severities.contains(&finding.severity) {
            return FindingStatus::Hidden;
        }
        if !policy.block.contains(&finding.severity) {
            return FindingStatus::Minor;
        }
        if policy.ignore_unfixed && finding.fix.state != FixState::Fixed {
            return FindingStatus::Unfixed;
        }
    }
    let matching = || policy.allow.iter().filter(|allowance| covers(allowance, finding));
    let holds = |allowance: &&Allowance| match allowance.until {
        Some(until) => input.now < until,
        None => !exploited,
    };
    if let Some(allowance) = matching().find(holds) {
        return FindingStatus::Allowed {
            reason: allowance.reason.clone(),
            until: allowance.until,
        };
    }
    let known = policy.only_new && input.baseline.is_some_and(|known| known.contains(&finding.key()));
    if known && !exploited {
        return FindingStatus::Known;
    }
    match matching().find_map(|allowance| Some((allowance, allowance.until?))) {
        Some((allowance, since)) => FindingStatus::Expired {
            reason: allowance.reason.clone(),
            since,
        },
        None => FindingStatus::Counts,
    }
}

fn covers(allowance: &Allowance, finding: &Finding) -> bool {
    finding.is_named(&allowance.id)
        && allowance
            .package
            .as_ref()
            .is_none_or(|package| finding.is_in(package))
}

fn count(findings: &[Judged], suppressed: usize) -> Counts {
    let mut counts = Counts {
        suppressed,
        ..Counts::default()
    };
    for judged in findings {
        if judged.standing.counts() {
            *counts.counting.entry(judged.finding.severity).or_default() += 1;
        }
        match judged.standing {
            FindingStatus::Counts => {}
            FindingStatus::Expired { .. } => counts.expired += 1,
            FindingStatus::Allowed { .. } => counts.allowed += 1,
            FindingStatus::Unfixed => counts.unfixed += 1,
            FindingStatus::Known => counts.known += 1,
            FindingStatus::Minor => counts.minor += 1,
            FindingStatus::NotAffected | FindingStatus::Hidden => counts.hidden += 1,
        }
    }
    counts
}

/// What a person may want to change.
fn remarks(input: &Input<'_>, notes: &mut Vec<String>) {
    let (policy, report) = (input.policy, input.report);
    for allowance in &policy.allow {
        if !report.findings.iter().any(|finding| covers(allowance, finding)) {
            notes.push(format!(
                "the allowance for {} is not needed: nothing of that name was found",
                allowance.id
            ));
        } else if allowance.until.is_none()
            && report
                .findings
                .iter()
                .any(|finding| finding.known_exploited && covers(allowance, finding))
        {
            notes.push(format!(
                "{} is known to be exploited, so its allowance holds only with an `until`",
                allowance.id
            ));
        }
    }
    if policy.only_new && input.baseline.is_none() {
        notes.push("there is no earlier scan of what is live, so every finding counts as new".to_owned());
    }
    if report.suppressed > 0 {
        notes.push(format!(
            "{} left out {} of its findings, as it was told",
            report.scanner, report.suppressed
        ));
    }
    if report.others > 0 {
        notes.push(format!(
            "{} other results (secrets, misconfigurations, licences) are in the report and are not judged",
            report.others
        ));
    }
}

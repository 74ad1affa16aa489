//! The vulnerability scan.

use super::super::defaults;
use super::super::diagnostic::Diagnostic;
use super::super::place::{Located, Span};
use super::super::raw::{RawAllowance, RawScan};
use super::super::scan::{Scan, ScanAllowance, ScanLevel, ScanSource};
use crate::domain::model::{EnvironmentType, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// Grype's exit code for findings (anchore/grype, `cmd/grype/cli`); no scanner fails with it.
const FINDINGS: i32 = 2;

/// What the scan comes to; `None` when nothing says where the report comes from.
pub(super) fn resolve(
    raw: Located<RawScan>,
    has_image: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<Scan> {
    let Located {
        value: mut raw,
        place,
    } = raw;
    if !has_image {
        problems.push(
            Diagnostic::error(place, "there is nothing to scan: the service has no `image`")
                .help("add `image:`, or take out `scan`"),
        );
    }
    let severities = severities(&raw);
    let block = block(raw.block.take(), &severities, place, problems);
    let levels = levels(&raw);
    let allow = allow(std::mem::take(&mut raw.allow), problems);
    if let Some(age) = raw.max_database_age.as_ref().filter(|age| age.is_zero()) {
        problems.push(
            Diagnostic::error(age.place, "every database is older than that")
                .help("write a period like 5d, or take it out"),
        );
    }
    let (ignore_unfixed, only_new) = (raw.ignore_unfixed, raw.only_new);
    let max_database_age = raw.max_database_age.as_ref().map(|age| age.value);
    Some(Scan {
        source: source(raw, place, problems)?,
        block,
        severities,
        ignore_unfixed,
        only_new,
        allow,
        max_database_age,
        levels,
        place,
    })
}

fn source(raw: RawScan, place: Span, problems: &mut Vec<Diagnostic>) -> Option<ScanSource> {
    if let (Some(code), true) = (&raw.findings_exit_code, raw.report.is_some()) {
        problems.push(
            Diagnostic::error(code.place, "only a command has an exit code")
                .help("take out `findingsExitCode`"),
        );
    }
    match (raw.run, raw.report) {
        (Some(run), None) => {
            if let Some(timeout) = raw.timeout.as_ref().filter(|timeout| timeout.is_zero()) {
                problems.push(
                    Diagnostic::error(timeout.place, "the scanner gets no time")
                        .help("write a period like 10m, or take it out"),
                );
            }
            let mut findings_exit_codes = vec![FINDINGS];
            if let Some(code) = raw.findings_exit_code {
                if !(2..=255).contains(&code.value) {
                    problems.push(
                        Diagnostic::error(code.place, "this exit code cannot mean findings")
                            .label("0 is success, and scanners fail with 1")
                            .help("let the scanner use another one, from 2 to 255: trivy --exit-code 10"),
                    );
                }
                findings_exit_codes.push(code.value);
            }
            Some(ScanSource::Command {
                argv: run.value.0,
                timeout: raw
                    .timeout
                    .map_or_else(defaults::scan_timeout, |timeout| timeout.value),
                findings_exit_codes,
            })
        }
        (None, Some(report)) => {
            if report.as_os_str().is_empty() {
                problems
                    .push(Diagnostic::error(report.place, "the report has no name").help("write its path"));
            }
            Some(ScanSource::Report(report.value))
        }
        (Some(_), Some(_)) | (None, None) => {
            problems.push(
                Diagnostic::error(place, "a scan is a command to run, or a report that is there")
                    .help("give exactly one of `run` and `report`"),
            );
            None
        }
    }
}

fn severities(raw: &RawScan) -> BTreeSet<Severity> {
    if raw.severity.is_empty() {
        BTreeSet::from(Severity::ALL)
    } else {
        raw.severity.iter().copied().collect()
    }
}

/// Those that count: as written, else the critical and high ones that are shown.
fn block(
    raw: Option<Vec<Located<Severity>>>,
    severities: &BTreeSet<Severity>,
    place: Span,
    problems: &mut Vec<Diagnostic>,
) -> BTreeSet<Severity> {
    let Some(raw) = raw else {
        let usual = [Severity::Critical, Severity::High];
        let shown: BTreeSet<Severity> = usual
            .into_iter()
            .filter(|severity| severities.contains(severity))
            .collect();
        if shown.is_empty() {
            problems.push(
                Diagnostic::error(
                    place,
                    "neither CRITICAL nor HIGH is shown, so nothing would count",
                )
                .help("say what counts: `block: [MEDIUM]`"),
            );
        }
        return shown;
    };
    if raw.is_empty() {
        problems.push(
            Diagnostic::error(place, "`block` is empty, so nothing would ever count")
                .help("name severities, or say `levels: { production: warn }` to be told only"),
        );
    }
    for severity in &raw {
        if !severities.contains(&severity.value) {
            problems.push(
                Diagnostic::error(
                    severity.place,
                    format!("{} is to block and is not to be shown", severity.value),
                )
                .help("add it to `severity`, or take it out here"),
            );
        }
    }
    raw.into_iter().map(|severity| severity.value).collect()
}

fn levels(raw: &RawScan) -> BTreeMap<EnvironmentType, ScanLevel> {
    EnvironmentType::ALL
        .into_iter()
        .map(|kind| {
            let (written, usual) = match kind {
                EnvironmentType::Development => (raw.levels.development, ScanLevel::Warn),
                EnvironmentType::Test => (raw.levels.test, ScanLevel::Warn),
                EnvironmentType::Acceptance => (raw.levels.acceptance, ScanLevel::Warn),
                EnvironmentType::Staging => (raw.levels.staging, ScanLevel::Warn),
                EnvironmentType::Production => (raw.levels.production, ScanLevel::Block),
            };
            (kind, written.unwrap_or(usual))
        })
        .collect()
}

fn allow(raw: Vec<Located<RawAllowance>>, problems: &mut Vec<Diagnostic>) -> Vec<ScanAllowance> {
    let mut seen: BTreeMap<(String, Option<String>), Span> = BTreeMap::new();
    let mut all = Vec::new();
    for Located { value: raw, .. } in raw {
        let id = raw.id;
        if id.trim().is_empty() {
            problems.push(
                Diagnostic::error(id.place, "the allowance names no vulnerability")
                    .help("write its id: CVE-2024-1234"),
            );
        }
        if raw.reason.trim().is_empty() {
            problems.push(
                Diagnostic::error(raw.reason.place, "the allowance gives no reason")
                    .help("say why it is put up with: it goes into the record"),
            );
        }
        let name = (id.to_ascii_uppercase(), raw.package.clone());
        if let Some(first) = seen.get(&name) {
            problems.push(
                Diagnostic::error(id.place, format!("`{}` is allowed twice", id.value))
                    .related(*first, "first here")
                    .help("take one out, or give each its `package`"),
            );
        }
        seen.insert(name, id.place);
        all.push(ScanAllowance {
            id,
            package: raw.package,
            reason: raw.reason.value,
            until: raw.until.map(|until| until.0),
        });
    }
    all
}

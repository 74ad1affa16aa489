//! SARIF 2.1.0 (OASIS), as GitHub's code scanning reads it.
//!
//! A result is the same from run to run when its `partialFingerprints` are: they are made of the
//! vulnerability, the package and its place alone, so that neither the order of findings, other
//! findings, the version nor the layer changes them.

use super::foreign;
use crate::domain::model::Severity;
use crate::domain::scan::{Assessment, Finding, FindingStatus, Judged};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most results; GitHub shows the 5,000 most severe of a run.
const RESULTS: usize = 5_000;
/// Most characters of a text; GitHub cuts at 1,024.
const TEXT: usize = 1_000;

/// The findings of a scan that are shown, worst first. Those that are put up with are marked as
/// suppressed, those that the baseline has as unchanged.
pub fn render(assessment: &Assessment) -> String {
    let shown: Vec<&Judged> = assessment
        .judgment
        .findings
        .iter()
        .filter(|judged| {
            !matches!(
                judged.standing,
                FindingStatus::Hidden | FindingStatus::NotAffected
            )
        })
        .take(RESULTS)
        .collect();
    let mut rules: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for judged in &shown {
        rules.entry(&judged.finding.id).or_default().push(&judged.finding);
    }
    let places: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, id)| (*id, at)).collect();
    let results: Vec<Value> = shown
        .iter()
        .map(|judged| {
            result(
                assessment,
                judged,
                places.get(judged.finding.id.as_str()).copied(),
            )
        })
        .collect();
    let rules: Vec<Value> = rules.iter().map(|(id, findings)| rule(id, findings)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "greenroom",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": { "id": format!("greenroom/{}/", assessment.environment) },
            "columnKind": "unicodeCodePoints",
            "properties": {
                "image": assessment.image.to_string(),
                "scanner": foreign::line(&assessment.report.scanner_name()),
                "result": assessment.judgment.result,
            },
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// A vulnerability, as bad as its worst finding.
fn rule(id: &str, findings: &[&Finding]) -> Value {
    let severity = findings.iter().map(|finding| finding.severity).max();
    let severity = severity.unwrap_or(Severity::Unknown);
    let score = findings
        .iter()
        .filter_map(|finding| finding.score)
        .max_by(f64::total_cmp);
    let score = score.unwrap_or_else(|| usual(severity));
    let title = findings.iter().find_map(|finding| finding.title.as_deref());
    let text = foreign::clip(&foreign::line(title.unwrap_or(id)), TEXT);
    let mut rule = json!({
        "id": foreign::line(id),
        "name": "VulnerablePackage",
        "shortDescription": { "text": text },
        "fullDescription": { "text": text },
        "defaultConfiguration": { "level": level(severity) },
        "help": { "text": text },
        "properties": {
            "precision": "very-high",
            "security-severity": format!("{score:.1}"),
            "tags": ["security", "vulnerability", severity],
        },
    });
    let url = findings.iter().find_map(|finding| finding.url.as_deref());
    if let Some(url) = url.filter(|url| url.starts_with("https://") && !url.contains(char::is_whitespace)) {
        rule["helpUri"] = Value::from(foreign::line(url));
    }
    rule
}

fn result(assessment: &Assessment, judged: &Judged, rule: Option<usize>) -> Value {
    let finding = &judged.finding;
    let package = &finding.package;
    let way_out = if finding.fix.versions.is_empty() {
        finding.fix.state.as_str().to_owned()
    } else {
        format!("fixed in {}", finding.fix.versions.join(", "))
    };
    let message = format!(
        "{} {} has {} ({}): {way_out}",
        package.name, package.version, finding.id, finding.severity
    );
    let place = match &package.path {
        Some(path) => uri(path),
        // Packages of the distribution belong to the image as a whole.
        None => uri(&assessment.image.repository),
    };
    let fingerprint = finding.fingerprint();
    let mut result = json!({
        "ruleId": foreign::line(&finding.id),
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": { "text": foreign::clip(&foreign::line(&message), TEXT) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": place },
                "region": { "startLine": 1 },
            },
            "logicalLocations": [{
                "name": foreign::line(&package.name),
                "fullyQualifiedName": foreign::line(&package.identity()),
                "kind": "package",
            }],
        }],
        // GitHub compares `primaryLocationLineHash` alone.
        "partialFingerprints": {
            "primaryLocationLineHash": format!("{}:1", &fingerprint[..16]),
            "vulnerability/v1": fingerprint,
        },
    });
    match &judged.standing {
        FindingStatus::Allowed { reason, .. } => {
            result["suppressions"] = json!([{
                "kind": "external",
                "status": "accepted",
                "justification": foreign::clip(&foreign::line(reason), TEXT),
            }]);
        }
        FindingStatus::Known => result["baselineState"] = Value::from("unchanged"),
        _ => {}
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Negligible | Severity::Unknown => "note",
    }
}

/// A score in the middle of the range that CVSS 3 gives the severity.
fn usual(severity: Severity) -> f64 {
    match severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::Negligible | Severity::Unknown => 0.5,
    }
}

/// A path as a relative URI reference (RFC 3986): what is not plain is encoded, and it never leads out
/// of the repository.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    for part in parts {
        if !uri.is_empty() {
            uri.push('/');
        }
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~+@".contains(&byte) {
                uri.push(char::from(byte));
            } else {
                uri.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if uri.is_empty() { "image".to_owned() } else { uri }
}

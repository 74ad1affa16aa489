//! Trivy's JSON (aquasecurity/trivy, `pkg/types/report.go`, `SchemaVersion` 2).

use super::fields::{LONG, NAME, ReadError, clip, severity};
use super::finding::{AffectedPackage, Finding, Fix, FixState};
use super::report::{Os, ScanReport};
use crate::domain::model::Digest;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Report {
    schema_version: u64,
    trivy: Option<Tool>,
    created_at: Option<String>,
    artifact_type: Option<String>,
    metadata: Option<Metadata>,
    results: Option<Vec<Part>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tool {
    version: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(rename = "OS")]
    os: Option<System>,
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    repo_digests: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct System {
    family: Option<String>,
    name: Option<String>,
    #[serde(rename = "EOSL", default)]
    eosl: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    target: Option<String>,
    class: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    packages: Option<Vec<IgnoredAny>>,
    vulnerabilities: Option<Vec<Vulnerability>>,
    secrets: Option<Vec<IgnoredAny>>,
    misconfigurations: Option<Vec<IgnoredAny>>,
    licenses: Option<Vec<IgnoredAny>>,
    experimental_modified_findings: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vulnerability {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    #[serde(rename = "VendorIDs")]
    vendor_ids: Option<Vec<String>>,
    pkg_name: String,
    pkg_path: Option<String>,
    pkg_identifier: Option<Identifier>,
    installed_version: Option<String>,
    fixed_version: Option<String>,
    status: Option<String>,
    severity: Option<String>,
    severity_source: Option<String>,
    title: Option<String>,
    #[serde(rename = "PrimaryURL")]
    url: Option<String>,
    #[serde(rename = "CVSS")]
    cvss: Option<BTreeMap<String, Cvss>>,
    layer: Option<Layer>,
}

#[derive(Deserialize)]
struct Identifier {
    #[serde(rename = "PURL")]
    purl: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cvss {
    v3_score: Option<f64>,
    v40_score: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Layer {
    digest: Option<String>,
}

/// The report in the common form.
pub(super) fn report(raw: Report) -> Result<ScanReport, ReadError> {
    if raw.schema_version != 2 {
        return Err(ReadError::Unknown {
            found: format!("Trivy's JSON of schema version {}, not 2", raw.schema_version),
        });
    }
    let metadata = raw.metadata.unwrap_or_default();
    let parts = raw.results.unwrap_or_default();
    let of_packages = |part: &&Part| matches!(part.class.as_deref(), Some("os-pkgs" | "lang-pkgs"));
    let listed: Vec<usize> = parts
        .iter()
        .filter_map(|part| part.packages.as_ref().map(Vec::len))
        .collect();
    let packages = (!listed.is_empty()).then(|| listed.iter().sum());
    let count = |of: fn(&Part) -> usize| parts.iter().map(of).sum::<usize>();
    Ok(ScanReport {
        scanner: "trivy".to_owned(),
        scanner_version: raw
            .trivy
            .and_then(|tool| tool.version)
            .map(|text| clip(&text, NAME)),
        created: raw.created_at.and_then(|text| text.parse().ok()),
        kind: clip(&raw.artifact_type.unwrap_or_default(), NAME),
        subjects: subjects(&metadata),
        os: metadata.os.map(|os| Os {
            family: clip(&os.family.unwrap_or_default(), NAME),
            version: clip(&os.name.unwrap_or_default(), NAME),
            end_of_life: os.eosl,
        }),
        packages,
        os_packages: parts.iter().any(|part| part.class.as_deref() == Some("os-pkgs")),
        looked: packages != Some(0) && parts.iter().any(|part| of_packages(&part)),
        database: None,
        database_problem: None,
        suppressed: count(|part| part.experimental_modified_findings.as_ref().map_or(0, Vec::len)),
        others: count(|part| {
            [&part.secrets, &part.misconfigurations, &part.licenses]
                .iter()
                .map(|list| list.as_ref().map_or(0, Vec::len))
                .sum()
        }),
        findings: findings(parts)?,
    })
}

fn subjects(metadata: &Metadata) -> BTreeSet<Digest> {
    let repository = metadata
        .repo_digests
        .iter()
        .flatten()
        .filter_map(|name| name.rsplit_once('@').map(|(_, digest)| digest));
    repository
        .chain(metadata.image_id.as_deref())
        .filter_map(|digest| digest.parse().ok())
        .collect()
}

fn findings(parts: Vec<Part>) -> Result<Vec<Finding>, ReadError> {
    let mut findings = Vec::new();
    for part in parts {
        let system = part.class.as_deref() == Some("os-pkgs");
        let kind = clip(part.kind.as_deref().unwrap_or("unknown"), NAME);
        for vulnerability in part.vulnerabilities.unwrap_or_default() {
            let target = (!system).then(|| part.target.clone()).flatten();
            findings.push(finding(vulnerability, &kind, target)?);
        }
    }
    Ok(findings)
}

fn finding(raw: Vulnerability, kind: &str, target: Option<String>) -> Result<Finding, ReadError> {
    let severity = severity(raw.severity.as_deref(), "Trivy")?;
    let versions: Vec<String> = raw
        .fixed_version
        .iter()
        .flat_map(|list| list.split(','))
        .map(|version| clip(version.trim(), NAME))
        .filter(|version| !version.is_empty())
        .collect();
    let state = state(raw.status.as_deref(), !versions.is_empty());
    let score = score(raw.cvss.as_ref(), raw.severity_source.as_deref());
    let mut aliases: Vec<String> = raw.vendor_ids.unwrap_or_default();
    aliases.iter_mut().for_each(|alias| *alias = clip(alias, NAME));
    aliases.sort_unstable();
    let path = raw.pkg_path.filter(|path| !path.is_empty()).or(target);
    Ok(Finding {
        id: clip(&raw.id, NAME),
        aliases,
        package: AffectedPackage {
            name: clip(&raw.pkg_name, NAME),
            version: clip(&raw.installed_version.unwrap_or_default(), NAME),
            kind: kind.to_owned(),
            purl: raw
                .pkg_identifier
                .and_then(|identifier| identifier.purl)
                .filter(|purl| !purl.is_empty())
                .map(|purl| clip(&purl, LONG)),
            path: path.map(|path| clip(&path, LONG)),
        },
        severity,
        score,
        fix: Fix { state, versions },
        known_exploited: false,
        epss: None,
        title: raw.title.map(|title| clip(&title, LONG)),
        url: raw.url.map(|url| clip(&url, LONG)),
        layer: raw
            .layer
            .and_then(|layer| layer.digest)
            .map(|text| clip(&text, NAME)),
    })
}

/// Trivy's statuses (`trivy-db/pkg/types/status.go`).
fn state(status: Option<&str>, has_version: bool) -> FixState {
    match status {
        Some("fixed") => FixState::Fixed,
        Some("affected") => FixState::NotFixed,
        Some("not_affected") => FixState::NotAffected,
        Some("will_not_fix") => FixState::WontFix,
        Some("fix_deferred") => FixState::Deferred,
        Some("under_investigation") => FixState::UnderInvestigation,
        Some("end_of_life") => FixState::EndOfLife,
        _ if has_version => FixState::Fixed,
        _ => FixState::Unknown,
    }
}

/// The score of whoever gave the severity, else the highest.
fn score(all: Option<&BTreeMap<String, Cvss>>, source: Option<&str>) -> Option<f64> {
    let all = all?;
    let of = |cvss: &Cvss| {
        cvss.v40_score
            .or(cvss.v3_score)
            .filter(|score| (0.1..=10.0).contains(score))
    };
    source
        .and_then(|source| all.get(source))
        .and_then(of)
        .or_else(|| all.values().filter_map(of).max_by(f64::total_cmp))
}

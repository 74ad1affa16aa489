//! Grype's JSON (anchore/grype, `grype/presenter/models`).

use super::fields::{LONG, NAME, ReadError, clip, severity};
use super::finding::{AffectedPackage, Finding, Fix, FixState};
use super::report::{Os, ScanReport};
use crate::domain::model::Digest;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    matches: Vec<Match>,
    ignored_matches: Option<Vec<IgnoredAny>>,
    alerts_by_package: Option<Vec<Alerts>>,
    source: Source,
    distro: Option<Distro>,
    descriptor: Descriptor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    vulnerability: Vulnerability,
    #[serde(default)]
    related_vulnerabilities: Option<Vec<Related>>,
    artifact: Artifact,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vulnerability {
    id: String,
    severity: Option<String>,
    data_source: Option<String>,
    description: Option<String>,
    cvss: Option<Vec<Cvss>>,
    epss: Option<Vec<Epss>>,
    known_exploited: Option<Vec<IgnoredAny>>,
    fix: Option<RawFix>,
}

#[derive(Deserialize)]
struct Related {
    id: String,
}

#[derive(Deserialize)]
struct Cvss {
    version: Option<String>,
    metrics: Option<Metrics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    base_score: Option<f64>,
}

#[derive(Deserialize)]
struct Epss {
    epss: Option<f64>,
}

#[derive(Deserialize)]
struct RawFix {
    versions: Option<Vec<String>>,
    state: Option<String>,
}

#[derive(Deserialize)]
struct Artifact {
    name: String,
    version: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    purl: Option<String>,
    locations: Option<Vec<Location>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    path: Option<String>,
    #[serde(rename = "layerID")]
    layer: Option<String>,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Option<Vec<Alert>>,
}

#[derive(Deserialize)]
struct Alert {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type")]
    kind: Option<String>,
    /// An object for images, a text for directories.
    target: serde_json::Value,
}

#[derive(Deserialize)]
struct Distro {
    name: Option<String>,
    version: Option<String>,
}

#[derive(Deserialize)]
struct Descriptor {
    version: Option<String>,
    timestamp: Option<String>,
    db: Option<Database>,
}

/// `{ status: { built, error, valid } }` since version 0.88; those fields themselves before.
#[derive(Deserialize)]
struct Database {
    status: Option<DatabaseStatus>,
    #[serde(flatten)]
    plain: DatabaseStatus,
}

#[derive(Deserialize)]
struct DatabaseStatus {
    built: Option<String>,
    error: Option<String>,
    valid: Option<bool>,
}

/// The types of packages that distributions have.
const SYSTEM: [&str; 4] = ["apk", "deb", "rpm", "alpm"];

/// The report in the common form.
pub(super) fn report(raw: Report) -> Result<ScanReport, ReadError> {
    let subjects = subjects(&raw.source.target);
    let end_of_life = raw
        .alerts_by_package
        .iter()
        .flatten()
        .flat_map(|package| package.alerts.iter().flatten())
        .any(|alert| alert.kind.as_deref() == Some("distro-eol"));
    let os = raw
        .distro
        .filter(|distro| distro.name.as_ref().is_some_and(|name| !name.is_empty()))
        .map(|distro| Os {
            family: clip(&distro.name.unwrap_or_default(), NAME),
            version: clip(&distro.version.unwrap_or_default(), NAME),
            end_of_life,
        });
    let suppressed = raw.ignored_matches.as_ref().map_or(0, Vec::len);
    let status = raw.descriptor.db.map(|db| db.status.unwrap_or(db.plain));
    let findings = raw
        .matches
        .into_iter()
        .map(finding)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(ScanReport {
        scanner: "grype".to_owned(),
        scanner_version: raw.descriptor.version.map(|text| clip(&text, NAME)),
        created: raw.descriptor.timestamp.and_then(|text| text.parse().ok()),
        kind: clip(&raw.source.kind.unwrap_or_default(), NAME),
        subjects,
        // Grype lists no packages: that it recognised the system, or found something, shows that it
        // looked.
        looked: os.is_some() || suppressed > 0 || !findings.is_empty(),
        os_packages: os.is_some(),
        os,
        packages: None,
        database: status
            .as_ref()
            .and_then(|status| status.built.as_deref()?.parse().ok()),
        database_problem: status.and_then(|status| match (status.error, status.valid) {
            (Some(error), _) if !error.is_empty() => Some(clip(&error, NAME)),
            (_, Some(false)) => Some("it is not valid".to_owned()),
            _ => None,
        }),
        findings,
        suppressed,
        others: 0,
    })
}

fn subjects(target: &serde_json::Value) -> BTreeSet<Digest> {
    let text = |name: &str| target.get(name).and_then(serde_json::Value::as_str);
    let repository = target
        .get("repoDigests")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str()?.rsplit_once('@').map(|(_, digest)| digest));
    repository
        .chain(text("manifestDigest"))
        .chain(text("imageID"))
        .filter_map(|digest| digest.parse().ok())
        .collect()
}

fn finding(raw: Match) -> Result<Finding, ReadError> {
    let Match {
        vulnerability,
        related_vulnerabilities,
        artifact,
    } = raw;
    let severity = severity(vulnerability.severity.as_deref(), "Grype")?;
    let kind = clip(artifact.kind.as_deref().unwrap_or("unknown"), NAME);
    let place = artifact.locations.into_iter().flatten().next();
    let (path, layer) = place.map_or((None, None), |place| (place.path, place.layer));
    let mut aliases: Vec<String> = related_vulnerabilities
        .into_iter()
        .flatten()
        .map(|related| clip(&related.id, NAME))
        .filter(|alias| *alias != vulnerability.id)
        .collect();
    aliases.sort_unstable();
    aliases.dedup();
    Ok(Finding {
        id: clip(&vulnerability.id, NAME),
        aliases,
        package: AffectedPackage {
            name: clip(&artifact.name, NAME),
            version: clip(&artifact.version.unwrap_or_default(), NAME),
            purl: artifact
                .purl
                .filter(|purl| !purl.is_empty())
                .map(|purl| clip(&purl, LONG)),
            // The database of a package manager is no place that says anything.
            path: path
                .filter(|_| !SYSTEM.contains(&kind.as_str()))
                .map(|path| clip(&path, LONG)),
            kind,
        },
        severity,
        score: score(vulnerability.cvss.as_deref().unwrap_or_default()),
        fix: fix(vulnerability.fix),
        known_exploited: vulnerability
            .known_exploited
            .is_some_and(|known| !known.is_empty()),
        epss: vulnerability
            .epss
            .into_iter()
            .flatten()
            .filter_map(|epss| epss.epss)
            .max_by(f64::total_cmp),
        title: vulnerability
            .description
            .filter(|text| !text.is_empty())
            .map(|text| clip(&text, LONG)),
        url: vulnerability
            .data_source
            .filter(|url| !url.is_empty())
            .map(|url| clip(&url, LONG)),
        layer: layer.map(|text| clip(&text, NAME)),
    })
}

fn fix(raw: Option<RawFix>) -> Fix {
    let Some(raw) = raw else {
        return Fix {
            state: FixState::Unknown,
            versions: Vec::new(),
        };
    };
    Fix {
        state: match raw.state.as_deref() {
            Some("fixed") => FixState::Fixed,
            Some("not-fixed") => FixState::NotFixed,
            Some("wont-fix") => FixState::WontFix,
            _ => FixState::Unknown,
        },
        versions: raw
            .versions
            .unwrap_or_default()
            .iter()
            .map(|version| clip(version, NAME))
            .collect(),
    }
}

/// The highest score of CVSS 3 or 4.
fn score(all: &[Cvss]) -> Option<f64> {
    all.iter()
        .filter(|cvss| {
            cvss.version
                .as_deref()
                .is_some_and(|version| version.starts_with(['3', '4']))
        })
        .filter_map(|cvss| cvss.metrics.as_ref()?.base_score)
        .filter(|score| (0.1..=10.0).contains(score))
        .max_by(f64::total_cmp)
}

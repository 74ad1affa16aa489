//! One finding, in the words of neither scanner.

use crate::domain::model::{Digest, Severity};
use serde::Serialize;

/// The package that a finding is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AffectedPackage {
    /// Its name.
    pub name: String,
    /// The installed version.
    pub version: String,
    /// Kind of package: `alpine`, `cargo`, `deb`.
    pub kind: String,
    /// Package URL (package-url/purl-spec), where the scanner gives one.
    pub purl: Option<String>,
    /// File of the image that it was found in; `None` for packages of the distribution.
    pub path: Option<String>,
}

impl AffectedPackage {
    /// What stays the same when the package is upgraded: its URL without version, qualifiers and
    /// subpath, else kind and name.
    pub fn identity(&self) -> String {
        let Some(purl) = &self.purl else {
            return format!("{}/{}", self.kind, self.name);
        };
        let bare = purl.split(['?', '#']).next().unwrap_or(purl);
        // A namespace may begin with `@`, but always as `%40`; npm's own tools write it plain.
        match bare.rfind('@') {
            Some(at) if at > bare.rfind('/').unwrap_or(0) + 1 => bare[..at].to_owned(),
            _ => bare.to_owned(),
        }
    }
}

/// Whether there is a way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FixState {
    /// A newer version is free of it.
    Fixed,
    /// Affected, without a fix so far.
    NotFixed,
    /// The distributor will not fix it.
    WontFix,
    /// A fix was put off.
    Deferred,
    /// It is being looked into.
    UnderInvestigation,
    /// The package gets no fixes any more.
    EndOfLife,
    /// The package has it and is not affected.
    NotAffected,
    /// The scanner does not say.
    Unknown,
}

impl FixState {
    /// In a few words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::NotFixed => "no fix",
            Self::WontFix => "will not be fixed",
            Self::Deferred => "fix deferred",
            Self::UnderInvestigation => "under investigation",
            Self::EndOfLife => "package at its end of life",
            Self::NotAffected => "not affected",
            Self::Unknown => "fix unknown",
        }
    }
}

/// The way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Whether there is one.
    pub state: FixState,
    /// Versions that are free of it, as the scanner writes them.
    pub versions: Vec<String>,
}

/// One vulnerability in one package.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `CVE-2024-1234`, `GHSA-…`.
    pub id: String,
    /// Other names of the same vulnerability, sorted.
    pub aliases: Vec<String>,
    /// The package.
    pub package: AffectedPackage,
    /// How bad it is.
    pub severity: Severity,
    /// CVSS base score, version 3 or 4, 0 to 10.
    pub score: Option<f64>,
    /// The way out.
    pub fix: Fix,
    /// Whether it is known to be exploited (CISA's catalogue).
    pub known_exploited: bool,
    /// Probability that it is exploited within 30 days, 0 to 1 (EPSS).
    pub epss: Option<f64>,
    /// In one line.
    pub title: Option<String>,
    /// Where to read more.
    pub url: Option<String>,
    /// Digest of the layer that brought the package.
    pub layer: Option<String>,
}

impl Finding {
    /// What names this finding from scan to scan and from image to image: the vulnerability and the
    /// package, but neither version, place, layer nor order. `CVE-2019-1549 pkg:apk/alpine/libssl1.1`.
    pub fn key(&self) -> String {
        format!("{} {}", self.id, self.package.identity())
    }

    /// A hash of key and place, for those who compare results of many runs. 64 hex digits.
    pub fn fingerprint(&self) -> String {
        let place = self.package.path.as_deref().unwrap_or_default();
        Digest::of(format!("{}\n{place}", self.key()).as_bytes())
            .hex()
            .to_owned()
    }

    /// Whether `name` is one of its names, in any case.
    pub fn is_named(&self, name: &str) -> bool {
        std::iter::once(&self.id)
            .chain(&self.aliases)
            .any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Whether `package` means its package: by name, or by the whole or the lasting part of its URL.
    pub fn is_in(&self, package: &str) -> bool {
        self.package.name == package
            || self.package.identity() == package
            || self.package.purl.as_deref() == Some(package)
    }
}

//! `scan` of `greenroom.yaml`.

use super::super::argv::Argv;
use super::super::place::Located;
use super::super::scalar::Until;
use super::super::scan::ScanLevel;
use crate::domain::model::{Period, Severity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// Vulnerability scan of the image before it is deployed: `run` or `report`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Scan")]
pub(crate) struct RawScan {
    /// Command that writes a Trivy or Grype report as JSON to its standard output. `{{ image }}` is the
    /// image by digest.
    #[serde(default)]
    pub(crate) run: Option<Located<Argv>>,
    /// Or a report that is there already.
    #[serde(default)]
    pub(crate) report: Option<Located<PathBuf>>,
    /// Time limit of the command; ten minutes where absent.
    #[serde(default)]
    pub(crate) timeout: Option<Located<Period>>,
    /// Exit code by which the scanner says that it found something (trivy's `--exit-code`); 2, which is
    /// Grype's, and 0 always mean that the report is whole.
    #[serde(default)]
    pub(crate) findings_exit_code: Option<Located<i32>>,
    /// Severities that count against an image; CRITICAL and HIGH where absent.
    #[serde(default)]
    pub(crate) block: Option<Vec<Located<Severity>>>,
    /// Severities that are shown; all where absent.
    #[serde(default)]
    pub(crate) severity: Vec<Severity>,
    /// Findings without a fix do not count.
    #[serde(default)]
    pub(crate) ignore_unfixed: bool,
    /// Only findings count that the image which is live in the environment does not have.
    #[serde(default)]
    pub(crate) only_new: bool,
    /// Findings that are put up with.
    #[serde(default)]
    pub(crate) allow: Vec<Located<RawAllowance>>,
    /// The largest age of the scanner's database; any where absent.
    #[serde(default)]
    pub(crate) max_database_age: Option<Located<Period>>,
    /// What findings that count do, by type of environment.
    #[serde(default)]
    pub(crate) levels: RawLevels,
}

/// A finding that is put up with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Allowance")]
pub(crate) struct RawAllowance {
    /// The vulnerability, by any of its names: CVE-2024-1234.
    pub(crate) id: Located<String>,
    /// Only in this package, by name or package URL; in any where absent.
    #[serde(default)]
    pub(crate) package: Option<String>,
    /// Why; goes into the record.
    pub(crate) reason: Located<String>,
    /// The last day on which it holds (2027-01-31, in UTC), or an instant (RFC 3339); for good where
    /// absent.
    #[serde(default)]
    pub(crate) until: Option<Until>,
}

/// What findings that count do, by type of environment.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ScanLevels")]
pub(crate) struct RawLevels {
    /// `warn` where absent.
    #[serde(default)]
    pub(crate) development: Option<ScanLevel>,
    /// `warn` where absent.
    #[serde(default)]
    pub(crate) test: Option<ScanLevel>,
    /// `warn` where absent.
    #[serde(default)]
    pub(crate) acceptance: Option<ScanLevel>,
    /// `warn` where absent.
    #[serde(default)]
    pub(crate) staging: Option<ScanLevel>,
    /// `block` where absent.
    #[serde(default)]
    pub(crate) production: Option<ScanLevel>,
}

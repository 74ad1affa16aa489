//! Vulnerability scans: a scanner's report → findings, and whether they stop a deployment. Pure.
//!
//! There are three results, and an error is never a pass: a report about another image, of a system
//! whose distributor writes no more advisories, about no packages, from an old database or in an unknown
//! form says nothing about the image, however few findings it has.

mod assessment;
mod fields;
mod finding;
mod grype;
mod judge;
mod policy;
mod read;
mod record;
mod report;
mod trivy;

pub use assessment::{Assessment, Level};
pub use fields::ReadError;
pub use finding::{AffectedPackage, Finding, Fix, FixState};
pub use judge::{Counts, FindingStatus, Input, Judged, Judgment, ScanResult, judge};
pub use policy::{Allowance, Policy};
pub use read::read;
pub use record::{AllowedFinding, ScanRecord};
pub use report::{Os, ScanReport, ScanSubject};

#[cfg(test)]
mod tests;

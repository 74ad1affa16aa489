//! The summary of one run.

use super::fit::fit;
use super::sections;
use crate::report::RunReport;
use crate::report::annotations::Annotation;

/// The most bytes of one step's summary that GitHub keeps.
pub const MOST_BYTES: usize = 1_048_576;

/// The outcome and the cause fit into this in any case. It is also the most that the summary of a check run
/// may hold (GitHub's OpenAPI: 65535 characters).
pub const LEAST_BYTES: usize = 65_535;

/// Renders the summary of one run.
///
/// `overflow` are the annotations of the action that GitHub would not have kept; they are listed here
/// instead. The text is at most `limit` bytes long ([`MOST_BYTES`], or less where several summaries
/// share a file), and its fences and details blocks are closed, whatever was left out. A limit under
/// [`LEAST_BYTES`] is treated as that: the outcome and the cause are never left out.
pub fn render(report: &RunReport, overflow: &[Annotation], limit: usize) -> String {
    fit(sections::all(report, overflow), limit.max(LEAST_BYTES))
}

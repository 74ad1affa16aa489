//! The run as GitHub-flavoured Markdown: the step summary, most important first.
//!
//! A summary of over 1 MiB is dropped as a whole (actions/runner#4337), so this one never is: the
//! least important sections are shortened, then left out, and the summary says so.

mod escape;
mod first;
mod fit;
mod render;
mod scan;
mod sections;
mod timeline;
mod told;

pub use render::{LEAST_BYTES, MOST_BYTES, render};
pub use scan::scan;
pub use told::{Count, Unmet, built, comment, evidence, failed, nothing, refusal, refused, shown, underway};

#[cfg(test)]
mod tests;

//! What the configuration may say and this version cannot do.

use super::place::Span;

/// Something that parses but cannot be performed. Whoever would have to use it refuses; `check` shows
/// it as a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// Which part of a run would use it.
    pub part: Part,
    /// What it is, with its article: "the target `proxmox`".
    pub what: String,
    /// Where it is written.
    pub place: Span,
}

/// Which part of a run would use something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Everything: the ledger.
    Ledger,
    /// Deploying to the environment at all.
    Target,
    /// Backing up before the deployment.
    Backup,
    /// Judging a canary.
    Analysis,
    /// Running the environment's suites.
    Suite,
    /// Telling people.
    Notify,
    /// Nothing in this version: it only describes the environment (resources, observability).
    Description,
}

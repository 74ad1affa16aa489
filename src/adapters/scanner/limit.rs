//! How large a scanner's report may be.

/// The largest report that is taken, in bytes: some 20,000 findings with all that Trivy writes of each.
pub const LARGEST: usize = 64 << 20;

//! What the ground of a rollout allows.

/// What target and router can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Two releases can stand side by side in one unit.
    pub two_slots: bool,
    /// A router decides about traffic.
    pub routed: bool,
    /// That router can split traffic by percent.
    pub split: bool,
    /// That router counts requests and their errors.
    pub counted: bool,
}

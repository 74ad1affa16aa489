//! What the user wants to happen on which event.

use super::Filter;
use crate::domain::model::EnvironmentName;

/// One rule: when it applies, and where it deploys to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The events it applies to.
    pub when: When,
    /// Where it deploys to. `None`: what the dispatch input says, else the only environment there is.
    pub environment: Option<EnvironmentName>,
}

/// The events that a rule applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A push to a branch. A merged pull request counts as a push to its base branch.
    Push {
        /// Branches; an empty filter means every branch.
        branches: Filter,
        /// At least one changed file must be among these; an empty filter means any.
        paths: Filter,
    },
    /// A person starts it by hand (`workflow_dispatch`).
    Dispatch,
    /// A label is added to a pull request.
    Label {
        /// The label, compared without regard to case, as GitHub does.
        name: String,
        /// Base branches of the pull request; an empty filter means any.
        base: Filter,
    },
}

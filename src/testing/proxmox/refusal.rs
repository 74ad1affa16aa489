//! A refusal of the fake cluster.

use std::collections::BTreeMap;

/// A refusal in the words of Proxmox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeRefusal {
    /// Status code.
    pub status: u16,
    /// The text beside it, and in the body.
    pub text: String,
    /// What is wrong with which parameter.
    pub errors: BTreeMap<String, String>,
}

impl FakeRefusal {
    pub(super) fn new(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            errors: BTreeMap::new(),
        }
    }

    /// What a handler dies with.
    pub(super) fn died(text: impl Into<String>) -> Self {
        Self::new(500, text)
    }

    pub(super) fn parameter(name: &str, what: impl Into<String>) -> Self {
        Self {
            status: 400,
            text: "Parameter verification failed.".to_owned(),
            errors: BTreeMap::from([(name.to_owned(), what.into())]),
        }
    }
}

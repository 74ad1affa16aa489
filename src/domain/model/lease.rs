//! Who works on an environment, and until when.

use super::Timestamp;
use serde::{Deserialize, Serialize};

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// A person or CI run, as shown to whoever is kept waiting.
    pub who: String,
    /// Web address of the run, where there is one.
    pub run: Option<String>,
    /// What it is held for: "deploying 1.2.3".
    pub purpose: String,
}

/// A lease that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Grows with each acquisition, never goes back.
    pub epoch: u64,
    /// Marks this acquisition.
    pub nonce: String,
    /// When it ends unless it is renewed.
    pub expires: Timestamp,
}

/// A lease as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// Who holds it.
    pub holder: Holder,
    /// Its epoch.
    pub epoch: u64,
    /// Since when.
    pub acquired: Timestamp,
    /// Until when, unless it is renewed.
    pub expires: Timestamp,
}

//! Shares of traffic.

use super::text::InvalidText;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A whole percentage, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(100);

    /// The number, 0 to 100.
    pub fn get(self) -> u8 {
        self.0
    }

    /// How many of `count` things this share is, rounded up, so that a share above zero of at least
    /// one thing is at least one.
    pub fn of(self, count: usize) -> usize {
        (count * usize::from(self.0)).div_ceil(100)
    }
}

impl TryFrom<u8> for Percent {
    type Error = InvalidText;

    fn try_from(value: u8) -> Result<Self, InvalidText> {
        if value <= 100 {
            Ok(Self(value))
        } else {
            Err(InvalidText::new(&value.to_string(), "a percentage (0 to 100)"))
        }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

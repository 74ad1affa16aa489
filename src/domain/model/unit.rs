//! Units and slots: what gets the new version, and where in it the two versions stand.

use super::text::{is_name, text_noun};
use serde::{Deserialize, Serialize};
use std::fmt;

text_noun!(
    /// The name of a unit, the thing that gets the new version (a process, a guest, a host): 1 to 63
    /// letters, digits, `-`, `_` and `.`, starting with a letter or digit; safe as a path segment.
    UnitId,
    "a unit name (1 to 63 letters, digits, '-', '_', '.', starting with a letter or digit)",
    |text| is_name(text, 63, "-_.")
);

text_noun!(
    /// What names a backup where it is kept: 1 to 512 printable ASCII characters without spaces
    /// (`greenroom-20261120-235019-1f0c9a2e`, `pbs:backup/vm/2000/2026-11-20T23:50:19Z`).
    BackupId,
    "the name of a backup (1 to 512 printable ASCII characters without spaces)",
    |text| (1..=512).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
);

/// One of the two places in a unit. The live version stands in one, the candidate goes to the other.
/// A unit that is replaced in place has only [`Slot::Blue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first place.
    Blue,
    /// The second place.
    Green,
}

impl Slot {
    /// Both places.
    pub const BOTH: [Self; 2] = [Self::Blue, Self::Green];

    /// The other place.
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    /// `blue` or `green`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

//! Names and types of environments.

use super::text::{InvalidText, is_name, serde_as_text, text_noun};
use std::fmt;
use std::str::FromStr;

text_noun!(
    /// The name of an environment: 1 to 63 letters, digits, `-`, `_` and `.`, starting with a letter
    /// or digit; safe as a path segment.
    EnvironmentName,
    "an environment name (1 to 63 letters, digits, '-', '_', '.', starting with a letter or digit)",
    |text| is_name(text, 63, "-_.")
);

/// What an environment is for; decides how strict the defaults are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EnvironmentType {
    /// A developer's playground.
    Development,
    /// Feature testing.
    Test,
    /// Temporary, for acceptance suites.
    Acceptance,
    /// The rehearsal for production.
    Staging,
    /// Real users.
    Production,
}

impl EnvironmentType {
    /// Every type, in promotion order.
    pub const ALL: [Self; 5] = [
        Self::Development,
        Self::Test,
        Self::Acceptance,
        Self::Staging,
        Self::Production,
    ];

    /// The word used in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Acceptance => "acceptance",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for EnvironmentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EnvironmentType {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                InvalidText::new(
                    text,
                    "an environment type (development, test, acceptance, staging or production)",
                )
            })
    }
}

serde_as_text!(EnvironmentType);

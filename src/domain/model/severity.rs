//! How bad a vulnerability is.

use super::text::InvalidText;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Severity of a vulnerability, as scanners give it; the order is that of Grype, with what nobody has
/// rated below everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Nobody has rated it.
    Unknown,
    /// Of no practical consequence.
    Negligible,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 6] = [
        Self::Critical,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::Negligible,
        Self::Unknown,
    ];

    /// The word used in configuration and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
            Self::Negligible => "NEGLIGIBLE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = InvalidText;

    /// In any case: Trivy writes `HIGH`, Grype `High`.
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                InvalidText::new(
                    text,
                    "a severity (CRITICAL, HIGH, MEDIUM, LOW, NEGLIGIBLE or UNKNOWN)",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_scanners_words_are_read_and_the_worst_is_the_greatest() {
        for severity in Severity::ALL {
            assert_eq!(severity.to_string().to_lowercase().parse(), Ok(severity));
        }
        assert!(Severity::ALL.is_sorted_by(|a, b| a > b));
        assert!("severe".parse::<Severity>().is_err());
    }
}

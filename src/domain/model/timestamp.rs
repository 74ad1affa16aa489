//! Instants.

use super::Period;
use super::text::{InvalidText, serde_as_text};
use chrono::{DateTime, SecondsFormat, Utc};
use std::fmt;
use std::str::FromStr;

/// An instant in UTC with millisecond resolution, written as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The instant this many milliseconds after 1970-01-01T00:00:00Z; instants that no calendar can
    /// hold become the epoch.
    pub fn from_unix_millis(millis: i64) -> Self {
        Self(DateTime::from_timestamp_millis(millis).unwrap_or_default())
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// As `YYYYMMDD-HHMMSS`, the form used in staging tags.
    pub fn compact(self) -> String {
        self.0.format("%Y%m%d-%H%M%S").to_string()
    }

    /// The instant of which `text` is the [compact](Self::compact) form, if it is one.
    pub fn from_compact(text: &str) -> Option<Self> {
        let time = chrono::NaiveDateTime::parse_from_str(text, "%Y%m%d-%H%M%S").ok()?;
        let time = Self::from_unix_millis(time.and_utc().timestamp_millis());
        // The parser takes fewer digits than the form has.
        (time.compact() == text).then_some(time)
    }

    /// As a person reads it: `2026-11-20 23:50:19 UTC`.
    pub fn human(self) -> String {
        self.0.format("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Period {
        Period::from_millis(u64::try_from(self.unix_millis() - earlier.unix_millis()).unwrap_or(0))
    }

    /// This instant moved on by `period`.
    pub fn plus(self, period: Period) -> Self {
        Self(self.0 + period.as_duration())
    }
}

impl FromStr for Timestamp {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        DateTime::parse_from_rfc3339(text)
            .map(|time| Self::from_unix_millis(time.timestamp_millis()))
            .map_err(|_| InvalidText::new(text, "a timestamp (RFC 3339, like 2026-11-20T23:50:19Z)"))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

serde_as_text!(Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compact_form_is_the_one_in_staging_tags() {
        let time: Timestamp = "2025-10-15T16:30:52.250+02:00".parse().unwrap();
        assert_eq!(time.compact(), "20251015-143052");
        assert_eq!(time.to_string(), "2025-10-15T14:30:52.250Z");
    }
}

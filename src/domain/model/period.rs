//! Lengths of time as people write them.

use super::text::InvalidText;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const EXPECTED: &str = "a period (\"500ms\", \"30s\", \"5m\", \"1h\", \"30d\", or a plain number of seconds)";
/// One hundred years: beyond it a period is a mistake, and sums with a timestamp could overflow.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// A length of time with millisecond resolution, at most one hundred years. Written `500ms`, `30s`,
/// `5m`, `1h` or `30d`; a plain number means seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period(Duration);

impl Period {
    /// No time at all.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// This many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// This many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// The same as a standard duration.
    pub const fn as_duration(self) -> Duration {
        self.0
    }

    /// Whole milliseconds.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether it is no time at all.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    fn from_seconds(seconds: f64) -> Option<Self> {
        let duration = Duration::try_from_secs_f64(seconds).ok()?;
        (duration <= LONGEST).then(|| Self::from(duration))
    }
}

impl From<Duration> for Period {
    /// Cuts to whole milliseconds.
    fn from(duration: Duration) -> Self {
        Self::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

impl FromStr for Period {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let number_ends = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(number_ends);
        let seconds_each = match unit {
            "ms" => 0.001,
            "" | "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(InvalidText::new(text, EXPECTED)),
        };
        number
            .trim_end()
            .parse::<f64>()
            .ok()
            .and_then(|number| Self::from_seconds(number * seconds_each))
            .ok_or_else(|| InvalidText::new(text, EXPECTED))
    }
}

impl fmt::Display for Period {
    /// The largest unit that needs no fraction: `90s`, `5m`, `1500ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis();
        let (number, unit) = match millis {
            0 => (0, "s"),
            _ if millis.is_multiple_of(86_400_000) => (millis / 86_400_000, "d"),
            _ if millis.is_multiple_of(3_600_000) => (millis / 3_600_000, "h"),
            _ if millis.is_multiple_of(60_000) => (millis / 60_000, "m"),
            _ if millis.is_multiple_of(1_000) => (millis / 1_000, "s"),
            _ => (millis, "ms"),
        };
        f.pad(&format!("{number}{unit}"))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PeriodVisitor)
    }
}

struct PeriodVisitor;

impl de::Visitor<'_> for PeriodVisitor {
    type Value = Period;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Period, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Period, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Period, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Period, E> {
        self.visit_str(&seconds.to_string())
    }
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: 500ms, 30s, 5m, 1h, 30d, or a plain number of seconds.",
            "oneOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)?$" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_numbers_become_periods_and_print_in_the_largest_whole_unit() {
        for (text, shown) in [
            ("500ms", "500ms"),
            ("30s", "30s"),
            ("90", "90s"),
            ("5m", "5m"),
            ("1.5h", "90m"),
            ("30d", "30d"),
            ("0", "0s"),
        ] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn nonsense_and_overlong_periods_are_refused() {
        for text in ["", "s", "-1s", "5 weeks", "1e300", "nan", "200000d", "1h30m"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}

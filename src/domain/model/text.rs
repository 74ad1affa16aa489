//! What the nouns made of text share: one error, and serde through `FromStr`.

use thiserror::Error;

/// Text that is not the noun it was meant to be. The message says what is wrong and what is right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not {expected}")]
pub struct InvalidText {
    /// The offending text, cut to 80 characters.
    pub text: String,
    /// What a valid value looks like, with its article: "a digest (sha256: and 64 hex digits)".
    pub expected: &'static str,
}

impl InvalidText {
    /// Names `text` as not being `expected`.
    pub fn new(text: &str, expected: &'static str) -> Self {
        Self {
            text: text.chars().take(80).collect(),
            expected,
        }
    }
}

/// Gives a type with `FromStr<Err = InvalidText>` and `Display` its serde form: that text.
macro_rules! serde_as_text {
    ($noun:ty) => {
        impl serde::Serialize for $noun {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $noun {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Declares a noun that wraps a `String`: `text_noun!(Name, "what it is", predicate)`.
macro_rules! text_noun {
    ($(#[$doc:meta])* $noun:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $noun(String);

        impl $noun {
            /// The text, as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $noun {
            type Err = $crate::domain::model::InvalidText;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::domain::model::InvalidText::new(text, $expected))
                }
            }
        }

        impl std::fmt::Display for $noun {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        $crate::domain::model::text::serde_as_text!($noun);
    };
}

/// A stranger's text as one line of at most `most` characters, without control characters and without
/// those that turn the direction of writing.
pub fn one_line(text: &str, most: usize) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .take(most + 1)
        .collect();
    if line.chars().count() > most {
        line = line.chars().take(most.saturating_sub(1)).collect();
        line.push('…');
    }
    line.trim().to_owned()
}

pub(crate) use serde_as_text;
pub(crate) use text_noun;

/// Whether `text` is a name: 1 to `most` characters, letters, digits and `extra`, starting with a
/// letter or digit. Such a name is safe as one path segment.
pub(super) fn is_name(text: &str, most: usize, extra: &str) -> bool {
    text.len() <= most
        && text
            .chars()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_between_characters_and_says_so() {
        assert_eq!(one_line("as it is", 8), "as it is");
        let cut = one_line(&"ü".repeat(200), 140);
        assert_eq!(cut.chars().count(), 140);
        assert!(cut.ends_with('…'));
        assert_eq!(one_line("a\r\nb\u{202e}c", 9), "a  bc");
    }
}

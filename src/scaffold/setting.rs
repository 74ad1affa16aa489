//! Values that people give to templates of their own.

use std::str::FromStr;

/// The longest name, in characters, and the longest value, in bytes.
const LONGEST_KEY: usize = 64;
const LONGEST_VALUE: usize = 4096;

/// `KEY=VALUE`: a template reads it as `<< set.KEY >>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// A letter or `_`, then letters, digits and `_`.
    pub key: String,
    /// One line of text, which may be empty. What it means where it is put in is the template's business.
    pub value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(format!("{text:?} has no value: write KEY=VALUE"));
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let good = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && key.chars().all(fits)
            && key.len() <= LONGEST_KEY;
        if !good {
            return Err(format!(
                "{key:?} is no name for a value: letters, digits and '_', no digit first, at most {LONGEST_KEY} \
                 characters"
            ));
        }
        if let Some(c) = value.chars().find(|c| is_hidden(*c)) {
            return Err(format!(
                "the value of {key} holds {}, which no file shows as it is: give one line of plain text, and write \
                 longer ones into the template",
                c.escape_unicode()
            ));
        }
        if value.len() > LONGEST_VALUE {
            return Err(format!(
                "the value of {key} is longer than {LONGEST_VALUE} bytes: write it into the template"
            ));
        }
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// What ends a line, controls a terminal or turns the reading direction round.
fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// `text` as a string in YAML and in JSON, with its quotes: nothing in it is read as anything else.
pub(super) fn quoted(text: &str) -> String {
    // A string is always JSON.
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_name_and_one_line() {
        let setting = |text: &str| text.parse::<Setting>();
        let plain = |key: &str, value: &str| {
            Ok(Setting {
                key: key.to_owned(),
                value: value.to_owned(),
            })
        };
        assert_eq!(
            setting("team=a = b: \"c\" ${{ d }}"),
            plain("team", "a = b: \"c\" ${{ d }}")
        );
        assert_eq!(setting("_a1="), plain("_a1", ""));
        for text in [
            "team",
            "=x",
            "1a=x",
            "a-b=x",
            "a.b=x",
            "ä=x",
            "a b=x",
            "a=one\ntwo",
            "a=\r",
            "a=\0",
            "a=\u{1b}[31m",
            "a=\u{202e}x",
            "a=\u{2028}",
            "a=\u{85}",
            &format!("{}=x", "a".repeat(65)),
            &format!("a={}", "x".repeat(4097)),
        ] {
            assert!(setting(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_quoted_text_is_one_string() {
        for text in [
            "",
            "no",
            "1.10",
            "a: b # c",
            "\"'\\",
            "${{ x }}",
            "- *a &b !c",
            "ä",
        ] {
            let read: serde_json::Value = serde_json::from_str(&quoted(text)).unwrap();
            assert_eq!(read, text);
        }
    }
}

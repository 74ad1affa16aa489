//! Foreign text in a sentence: short, quoted, and without characters that act on a terminal.

use std::fmt::Write;

/// How many characters are cited.
const CITED: usize = 200;

/// The beginning of `text`.
pub(super) fn first(text: &str) -> String {
    let text = text.trim();
    let cited: String = text.chars().take(CITED).collect();
    let more = if cited.len() < text.len() { "…" } else { "" };
    quoted("", &cited, more)
}

/// The end of `text`; nothing when it is blank.
pub(super) fn last(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let start = text
        .char_indices()
        .rev()
        .nth(CITED - 1)
        .map_or(0, |(start, _)| start);
    quoted(if start > 0 { "…" } else { "" }, &text[start..], "")
}

fn quoted(before: &str, cited: &str, after: &str) -> String {
    let mut shown = format!("\"{before}");
    for character in cited.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            acts if acts.is_control() || turns(acts) => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "{}", acts.escape_unicode());
            }
            plain => shown.push(plain),
        }
    }
    shown.push_str(after);
    shown.push('"');
    shown
}

/// Characters that change the direction or order of what is shown (CVE-2021-42574), and line
/// separators.
fn turns(character: char) -> bool {
    matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_the_rest_is_left() {
        assert_eq!(first("a\u{1b}[31m\r\nü"), r#""a\u{1b}[31m\r\nü""#);
        assert_eq!(first("\u{202e}evil"), r#""\u{202e}evil""#);
        assert_eq!(first("  "), "\"\"");
    }

    #[test]
    fn long_text_is_cut_between_characters_and_says_so() {
        let long = "ü".repeat(500);
        let cited = first(&long);
        assert_eq!(cited.chars().count(), CITED + 3);
        assert!(cited.ends_with("ü…\""));
        let cited = last(&format!("{long}z"));
        assert_eq!(cited.chars().count(), CITED + 3);
        assert!(cited.starts_with("\"…ü") && cited.ends_with("üz\""));
        assert_eq!(last(&"x".repeat(CITED)).chars().count(), CITED + 2);
    }
}

//! Foreign text: what comes from branches, services, containers and people. Here it loses what no
//! sink can want; each sink then escapes the rest by its own rules.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// Longest single-line text in characters; what is longer is cut, and says so.
pub const LINE: usize = 500;

/// As one line of at most [`LINE`] characters: line breaks and tabs become spaces, terminal escape
/// sequences go, other invisible characters are spelled out (`\u{202e}`).
pub fn line(text: &str) -> String {
    clip(&clean(text, false), LINE)
}

/// As one line of any length, otherwise as [`line()`].
pub fn clean_line(text: &str) -> String {
    clean(text, false)
}

/// As lines: line breaks and tabs stay, a lone carriage return (a progress bar) begins a new line,
/// the rest as in [`line()`]. No trailing line break.
pub fn block(text: &str) -> String {
    clean(text, true).trim_end().to_owned()
}

/// The last `lines` lines of [`block`], of at most `bytes` bytes together, with a first line that
/// says how many are missing.
pub fn tail(text: &str, lines: usize, bytes: usize) -> String {
    let whole = block(text);
    let all: Vec<&str> = whole.lines().collect();
    let mut kept = Vec::new();
    let mut used = 0;
    for line in all.iter().rev().take(lines) {
        let line = clip(line, LINE);
        if used + line.len() + 1 > bytes {
            break;
        }
        used += line.len() + 1;
        kept.push(line);
    }
    let left_out = all.len() - kept.len();
    if left_out > 0 {
        kept.push(format!("({left_out} earlier lines left out)"));
    }
    kept.reverse();
    kept.join("\n")
}

/// At most `most` characters, the last of them `…` when something was cut.
pub fn clip(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Names in one phrase: up to five in full (`a, b, c`), more as `first … last (count)`.
pub fn list<T: AsRef<str>>(names: &[T]) -> String {
    match names {
        [first, .., last] if names.len() > 5 => {
            format!(
                "{} … {} ({})",
                line(first.as_ref()),
                line(last.as_ref()),
                names.len()
            )
        }
        _ => names
            .iter()
            .map(|name| line(name.as_ref()))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn clean(text: &str, keep_lines: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape_sequence(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                clean.push(if keep_lines { '\n' } else { ' ' });
            }
            '\t' => clean.push(if keep_lines { '\t' } else { ' ' }),
            _ if is_deceptive(c) => {
                // Writing to a String cannot fail.
                let _ = write!(clean, "\\u{{{:x}}}", u32::from(c));
            }
            _ => clean.push(c),
        }
    }
    clean
}

/// Control characters, and those that are invisible or reorder what is read (Unicode bidirectional
/// controls, "Trojan Source", CVE-2021-42574), and non-characters that XML does not allow.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Skips what follows an escape character: a control sequence up to its final byte, a string
/// (window title, hyperlink) up to its terminator, or one character (ECMA-48, 5.4 and 5.6).
fn skip_escape_sequence(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            while chars.next_if(|c| matches!(c, '\u{20}'..='\u{3f}')).is_some() {}
            chars.next_if(|c| matches!(c, '\u{40}'..='\u{7e}'));
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while chars
                .next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n'))
                .is_some()
            {}
            if chars.next_if_eq(&'\u{1b}').is_some() {
                chars.next_if_eq(&'\\');
            } else {
                chars.next_if_eq(&'\u{7}');
            }
        }
        Some('\u{20}'..='\u{7e}') => {
            chars.next();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_go_and_hidden_characters_become_visible() {
        for (text, shown) in [
            ("a\nb\r\nc\td", "a b c d"),
            ("\u{1b}[31;1mred\u{1b}[0m", "red"),
            ("\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{7}", "link"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("user\u{202e}nimda", "user\\u{202e}nimda"),
            ("nul\0 bell\u{7}", "nul\\u{0} bell\\u{7}"),
            ("section_start:1:x\r\u{1b}[0Kboo", "section_start:1:x boo"),
        ] {
            assert_eq!(line(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_tail_keeps_the_end_and_counts_what_is_missing() {
        let text: String = (1..=10).map(|n| format!("line {n}\n")).collect();
        assert_eq!(
            tail(&text, 2, 1_000),
            "(8 earlier lines left out)\nline 9\nline 10"
        );
        assert_eq!(tail(&text, 5, 10), "(9 earlier lines left out)\nline 10");
        assert_eq!(tail("one\ntwo\n", 2, 1_000), "one\ntwo");
    }

    #[test]
    fn wide_lists_are_shortened() {
        let units: Vec<String> = (1..=200).map(|n| format!("web-{n}")).collect();
        assert_eq!(list(&units), "web-1 … web-200 (200)");
        assert_eq!(list(&units[..2]), "web-1, web-2");
    }

    proptest! {
        #[test]
        fn nothing_invisible_is_left_in_a_line(text in any::<String>()) {
            let shown = line(&text);
            prop_assert!(!shown.chars().any(is_deceptive));
            prop_assert!(shown.chars().count() <= LINE);
        }
    }
}

//! Foreign text in Markdown: in a paragraph or table cell, in a code fence, in a Mermaid label.

use crate::report::foreign;
use std::fmt::Write as _;

/// One line of text that Markdown, HTML and GitHub's own filters leave as it is: no emphasis, code,
/// link, image, tag, table cell, mention, issue reference, formula.
pub(super) fn text(foreign_text: &str) -> String {
    let escaped = markdown(&foreign::line(foreign_text));
    let mut shown = String::with_capacity(escaped.len());
    let mut before = ' ';
    let mut chars = escaped.chars().peekable();
    while let Some(c) = chars.next() {
        shown.push(c);
        let digit_follows = chars.peek().is_some_and(char::is_ascii_digit);
        // GitHub finds mentions and references in the rendered text, where an escape is gone; a
        // zero-width space after the sign is not. `&#38;` is an escape of our own.
        let reference = match c {
            '@' => true,
            '#' => digit_follows && before != '&',
            '-' => digit_follows && before.eq_ignore_ascii_case(&'h'),
            _ => false,
        };
        if reference {
            shown.push_str("&#8203;");
        }
        before = c;
    }
    shown
}

/// The same, set in code type. GitHub looks for no mentions there, and nothing invisible gets into
/// what people copy.
pub(super) fn code(foreign_text: &str) -> String {
    format!("<code>{}</code>", markdown(&foreign::line(foreign_text)))
}

/// Escapes what Markdown and HTML would read.
fn markdown(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len());
    let mut before = ' ';
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' | '<' | '>' | '|' | '`' | '$' => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            '\\' | '*' | '_' | '[' | ']' | '~' | '!' => escaped.extend(['\\', c]),
            // Autolinks begin with a scheme or `www.`, or are e-mail addresses (GFM, 6.9).
            ':' if chars.peek() == Some(&'/') => escaped.push_str("&#58;"),
            '.' if before.eq_ignore_ascii_case(&'w') => escaped.push_str("&#46;"),
            _ => escaped.push(c),
        }
        before = c;
    }
    escaped
}

/// A link to a web address, or the address as text when it is no plain `http` or `https` address.
pub(super) fn link(label: &str, address: &str) -> String {
    let plain = address
        .strip_prefix("https://")
        .or_else(|| address.strip_prefix("http://"))
        .is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._~:/?#&=%+,;@".contains(c))
        });
    if plain {
        format!("[{}](<{address}>)", text(label))
    } else {
        text(address)
    }
}

/// Lines in a code fence that is longer than any run of backticks in them. Nothing inside is read.
pub(super) fn fence(foreign_text: &str) -> String {
    let block = foreign::block(foreign_text);
    let longest = block.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{block}\n{fence}\n")
}

/// A name in a Mermaid gantt chart, where `:` ends it, `;` and `#` begin something else, `%%` is a
/// comment or a directive and a leading keyword (`section`) is a statement.
pub(super) fn label(foreign_text: &str, most: usize) -> String {
    let clean: String = foreign::clip(&foreign::line(foreign_text), most)
        .chars()
        .map(|c| match c {
            ':' => '∶',
            ';' => ' ',
            c if c.is_alphanumeric() || " ,._-+/()=…→∶".contains(c) => c,
            '%' => '％',
            _ => '_',
        })
        .collect();
    clean.trim().to_owned()
}

/// Foreign text of at most so many characters, as [`text`].
pub(super) fn short(foreign_text: &str, most: usize) -> String {
    text(&foreign::clip(foreign_text, most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_in_foreign_text_is_markdown() {
        for (given, shown) in [
            ("a|b", "a&#124;b"),
            ("</details><b>", "&#60;/details&#62;&#60;b&#62;"),
            ("`x` ${{ y }}", "&#96;x&#96; &#36;{{ y }}"),
            (
                "@octocat #12 gh-7 #x",
                "@&#8203;octocat #&#8203;12 gh-&#8203;7 #x",
            ),
            (
                "[a](https://x.test) www.x.test",
                "\\[a\\](https&#58;//x.test) www&#46;x.test",
            ),
            ("one\ntwo", "one two"),
        ] {
            assert_eq!(text(given), shown);
        }
    }

    #[test]
    fn code_can_be_copied_as_it_was() {
        assert_eq!(code("a/b@sha256:1#2"), "<code>a/b@sha256:1#2</code>");
        assert_eq!(code("`<b>|"), "<code>&#96;&#60;b&#62;&#124;</code>");
    }

    #[test]
    fn only_plain_web_addresses_become_links() {
        assert_eq!(
            link("run", "https://a.test/x?y=1"),
            "[run](<https://a.test/x?y=1>)"
        );
        for address in [
            "javascript:alert(1)",
            "https://a.test/> <b>",
            "https://a.test/\nx",
            "https://",
        ] {
            assert!(!link("run", address).contains("](<"), "{address}");
        }
    }

    #[test]
    fn a_label_ends_where_its_text_ends() {
        assert_eq!(
            label("%%{init: {}}%% a:b;c #1", 60),
            "％％_init∶ ___％％ a∶b c _1"
        );
        assert_eq!(
            label("send 25% of traffic to 1.3.0", 60),
            "send 25％ of traffic to 1.3.0"
        );
    }

    proptest! {
        #[test]
        fn a_fence_is_longer_than_what_it_holds(given in "[`~\na ]{0,40}") {
            let block = fence(&given);
            let lines: Vec<&str> = block.lines().collect();
            let mark = lines[lines.len() - 1];
            prop_assert!(mark.chars().all(|c| c == '`'));
            prop_assert_eq!(lines[0], format!("{mark}text"));
            prop_assert!(lines[1..lines.len() - 1].iter().all(|line| !line.contains(mark)));
        }
    }
}

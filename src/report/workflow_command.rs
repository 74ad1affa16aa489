//! The workflow commands of the GitHub Actions runner: how they are written, and how foreign text is
//! kept from being one.
//!
//! The runner reads `::command key=value::data` at the start of a line, blanks before it ignored, and
//! the older `##[command]data` anywhere in a line (actions/runner, `ActionCommand.cs`).

use crate::domain::model::Secret;

/// A secret whose line is shorter than this is not masked: the runner would blank the same
/// characters all over the log.
const SHORTEST_MASK: usize = 4;

/// `text` as the data of a command: one line that the runner turns back into the text.
pub fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// `text` as the value of a command's property.
pub fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A line of output that the runner reads as text and not as a command: a backslash breaks what
/// would be one.
pub fn neutral(line: &str) -> String {
    let line = line.replace("##[", "##\\[");
    let body = line.trim_start();
    if body.starts_with("::") {
        let indent = &line[..line.len() - body.len()];
        format!("{indent}\\{body}")
    } else {
        line
    }
}

/// The `add-mask` lines for these secrets, to be printed before anything else: one for each line of
/// each secret, because the runner masks line by line. Lines under four characters are left out.
pub fn masks<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Vec<String> {
    let mut lines: Vec<String> = secrets
        .into_iter()
        .flat_map(|secret| secret.expose().split(['\n', '\r']))
        .map(str::trim)
        .filter(|line| line.chars().count() >= SHORTEST_MASK)
        .map(|line| format!("::add-mask::{}", data(line)))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_foreign_text_are_broken() {
        for (text, shown) in [
            ("::set-output name=x::y", "\\::set-output name=x::y"),
            ("  \u{2003}::error::x", "  \u{2003}\\::error::x"),
            ("a ##[add-mask]e ##[error]", "a ##\\[add-mask]e ##\\[error]"),
            ("a::b is C++", "a::b is C++"),
        ] {
            assert_eq!(neutral(text), shown);
        }
    }

    #[test]
    fn properties_and_data_are_escaped_as_the_runner_reads_them() {
        assert_eq!(data("100%\r\nx: a,b"), "100%25%0D%0Ax: a,b");
        assert_eq!(property("100%\nx: a,b"), "100%25%0Ax%3A a%2Cb");
    }

    #[test]
    fn every_line_of_a_secret_is_masked_once_and_short_ones_are_not() {
        let secrets = ["key-one\nkey%two\r\n\nab\n", "key-one", "", "1"].map(|s| Secret::new(s.to_owned()));
        assert_eq!(masks(&secrets), ["::add-mask::key%25two", "::add-mask::key-one"]);
    }
}

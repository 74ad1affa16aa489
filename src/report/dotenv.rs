//! Step outputs as a file of variables: what GitLab CI takes as a report of type `dotenv` and hands to later
//! jobs.
//!
//! GitLab reads `name=value` line by line (gitlab-org/gitlab, `parse_dotenv_artifact_service.rb`): no value of
//! several lines, no comments, no empty lines, quotes are kept as they are, at most 5 KiB together.

use super::foreign;
use super::outputs::Outputs;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most that GitLab takes, in bytes.
const MOST_BYTES: usize = 5 * 1024;

/// A file of variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dotenv {
    /// Its text.
    pub text: String,
    /// The names of outputs that had no room.
    pub left_out: Vec<String>,
}

/// The outputs as lines, added to what an earlier command of the job wrote (`before`); a new value replaces
/// an old one. A value of several lines becomes a list with commas. Where all together would be too large,
/// the longest values are left out.
pub fn render(before: &str, outputs: &Outputs) -> Dotenv {
    let mut values: BTreeMap<String, String> = before
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for (name, value) in outputs.iter() {
        values.insert(name.to_owned(), one_line(value));
    }
    let length = |values: &BTreeMap<String, String>| -> usize {
        values
            .iter()
            .map(|(name, value)| name.len() + value.len() + "=\n".len())
            .sum()
    };
    let mut left_out = Vec::new();
    while length(&values) > MOST_BYTES {
        let longest = values.iter().max_by_key(|(_, value)| value.len());
        let Some(name) = longest.map(|(name, _)| name.clone()) else {
            break;
        };
        values.remove(&name);
        left_out.push(name);
    }
    let mut text = String::new();
    for (name, value) in &values {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}={value}");
    }
    Dotenv { text, left_out }
}

/// Without line breaks and other control characters, which would end the value or hide in a log.
fn one_line(value: &str) -> String {
    let lines: Vec<&str> = value.lines().filter(|line| !line.is_empty()).collect();
    foreign::clip(&foreign::clean_line(&lines.join(",")), MOST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Outputs {
        let mut outputs = Outputs::default();
        for (name, value) in pairs {
            outputs.set(name, value);
        }
        outputs
    }

    #[test]
    fn each_output_is_one_line_whatever_its_value_holds() {
        let evil = "x\nshould_deploy=true\r\n#\u{2028}PATH=/tmp\u{1b}[2K$(id) \"'";
        let dotenv = render("", &of(&[("reason", evil), ("tags", "a\nb"), ("url", "")]));
        assert_eq!(
            dotenv.text,
            "reason=x,should_deploy=true,# PATH=/tmp$(id) \"'\ntags=a,b\nurl=\n"
        );
        assert_eq!(dotenv.left_out, [] as [&str; 0]);
    }

    #[test]
    fn a_later_command_of_the_job_adds_and_replaces() {
        let first = render("", &of(&[("version", "1.0.0"), ("tags", "a")]));
        let second = render(
            &first.text,
            &of(&[("version", "1.1.0"), ("url", "http://x/?a=b")]),
        );
        assert_eq!(second.text, "tags=a\nurl=http://x/?a=b\nversion=1.1.0\n");
    }

    #[test]
    fn what_has_no_room_is_left_out_and_named() {
        let dotenv = render("", &of(&[("tags", &"t".repeat(9_000)), ("version", "1.0.0")]));
        assert_eq!(dotenv.text, "version=1.0.0\n");
        assert_eq!(dotenv.left_out, ["tags"]);
        let half = "r".repeat(4_000);
        let dotenv = render("", &of(&[("reason", &half), ("ref", &half)]));
        assert!(dotenv.text.len() <= 5_120 && dotenv.left_out.len() == 1);
    }
}

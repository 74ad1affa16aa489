//! Texts that are put into files as they are, and therefore hold nothing that means something there.

use std::fmt;
use std::str::FromStr;

/// Most characters of a name or a label.
const LONGEST: usize = 63;

/// Name of the service: lower-case letters, digits and `-`, at most 63. It becomes the name of the image,
/// of a compose project and of an executable as well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceName(String);

impl ServiceName {
    /// The name that a directory's name suggests: what does not belong into one becomes `-`.
    pub fn suggested(directory: &str) -> Self {
        let mut name = String::new();
        for c in directory.to_ascii_lowercase().chars() {
            let fits = c.is_ascii_lowercase() || c.is_ascii_digit();
            match (fits, name.ends_with('-') || name.is_empty()) {
                (true, _) => name.push(c),
                (false, false) => name.push('-'),
                (false, true) => {}
            }
        }
        name.truncate(LONGEST);
        name.trim_end_matches('-')
            .parse()
            .unwrap_or_else(|_| Self("app".to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.len() <= LONGEST
            && text.chars().all(fits);
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "{text:?} is no name for a service: lower-case letters, digits and '-', a letter first, at most \
                 {LONGEST} characters"
            ))
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Label of the machine that jobs run on: `ubuntu-24.04`, or one of a runner of one's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunnerLabel(String);

impl RunnerLabel {
    /// A hosted machine of GitHub's.
    pub fn hosted() -> Self {
        Self("ubuntu-24.04".to_owned())
    }

    /// The usual label of a machine of one's own.
    pub fn own() -> Self {
        Self("greenroom".to_owned())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunnerLabel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let good = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.len() <= LONGEST
            && text.chars().all(fits);
        if !good {
            return Err(format!(
                "{text:?} is no label of a runner: letters, digits, '-', '_' and '.', a letter first"
            ));
        }
        if text.ends_with("-latest") {
            return Err(format!(
                "{text:?} is another machine every few months: name a fixed one, such as ubuntu-24.04"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RunnerLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_suggests_a_name() {
        for (directory, name) in [
            ("shop", "shop"),
            ("My Shop (2)", "my-shop-2"),
            ("__init__", "init"),
            ("42", "app"),
            ("", "app"),
            ("é", "app"),
        ] {
            assert_eq!(ServiceName::suggested(directory).as_str(), name, "{directory}");
        }
    }

    #[test]
    fn what_means_something_in_a_file_is_no_name() {
        for text in [
            "",
            "-a",
            "a-",
            "a b",
            "a\nb",
            "a${{ b }}",
            "a\"",
            "Ä",
            "../a",
            &"a".repeat(64),
        ] {
            assert!(text.parse::<ServiceName>().is_err(), "{text}");
        }
        for text in ["", "a b", "a, b", "[a]", "a: b", "${{ a }}", "ubuntu-latest", "1"] {
            assert!(text.parse::<RunnerLabel>().is_err(), "{text}");
        }
        for label in [RunnerLabel::hosted(), RunnerLabel::own()] {
            assert_eq!(label.as_str().parse(), Ok(label));
        }
    }
}

//! The actions that workflows name, each by the commit that it is.

use std::fmt;
use std::str::FromStr;

/// greenroom's own action. The one place that says which; `--action` says otherwise. A release writes its
/// commit here; before the first one there is none, which [`ActionPin::is_released`] tells.
const ACTION: &str = "luminosita/greenroom@0000000000000000000000000000000000000000#v0.1.0";

/// The checkout that workflows use: <https://github.com/actions/checkout/releases/tag/v5.0.0>.
pub const CHECKOUT: &str = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0";

/// An action by its commit, with the version that the commit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPin {
    repository: String,
    commit: String,
    version: String,
}

impl ActionPin {
    /// Whether it is a commit at all, and not the place of one.
    pub fn is_released(&self) -> bool {
        self.commit.bytes().any(|digit| digit != b'0')
    }

    /// What stands after `uses:`, with the version as a comment.
    pub fn uses(&self) -> String {
        format!("{}@{} # {}", self.repository, self.commit, self.version)
    }
}

impl Default for ActionPin {
    fn default() -> Self {
        let (repository, rest) = ACTION.split_once('@').unwrap_or((ACTION, ""));
        let (commit, version) = rest.split_once('#').unwrap_or((rest, ""));
        Self {
            repository: repository.to_owned(),
            commit: commit.to_owned(),
            version: version.to_owned(),
        }
    }
}

impl FromStr for ActionPin {
    type Err = String;

    /// Reads `OWNER/REPOSITORY@COMMIT#VERSION`, the commit in full.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('@')
            .and_then(|(repository, rest)| Some((repository, rest.split_once('#')?)));
        let Some((repository, (commit, version))) = parts else {
            return Err(explain(text));
        };
        let word = |text: &str, more: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let named = repository
            .split_once('/')
            .is_some_and(|(owner, name)| word(owner, "-") && word(name, "-._"));
        let whole = commit.len() == 40
            && commit
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if named && whole && word(version, ".-+") {
            Ok(Self {
                repository: repository.to_owned(),
                commit: commit.to_owned(),
                version: version.to_owned(),
            })
        } else {
            Err(explain(text))
        }
    }
}

impl fmt::Display for ActionPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}#{}", self.repository, self.commit, self.version)
    }
}

fn explain(text: &str) -> String {
    format!("{text:?} is no action: write OWNER/REPOSITORY@COMMIT#VERSION, the commit with all its 40 digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_that_is_named_here_is_a_whole_pin() {
        assert_eq!(ACTION.parse(), Ok(ActionPin::default()));
        assert_eq!(ActionPin::default().to_string(), ACTION);
        assert!(ActionPin::default().uses().starts_with("luminosita/greenroom@"));
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        let commit = "0".repeat(40);
        assert_eq!(
            format!("a/b@{commit}#v1").parse::<ActionPin>().unwrap().uses(),
            format!("a/b@{commit} # v1")
        );
        for text in [
            "a/b".to_owned(),
            "a/b@v1#v1".to_owned(),
            format!("a/b@{commit}"),
            format!("a@{commit}#v1"),
            format!("a/b/c@{commit}#v1"),
            format!("a/b@{}#v1", commit.replace('0', "A")),
            format!("a/b@{commit}#v1\n- run: x"),
            format!("a/b@{commit}#"),
        ] {
            assert!(text.parse::<ActionPin>().is_err(), "{text}");
        }
    }
}

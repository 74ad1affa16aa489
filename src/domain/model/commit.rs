//! Commits.

use super::text::text_noun;

text_noun!(
    /// A full git commit id: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits.
    CommitId,
    "a full commit id (40 or 64 lower-case hex digits)",
    |text| matches!(text.len(), 40 | 64) && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
);

impl CommitId {
    /// The first seven digits, as used in tags and on screens.
    pub fn short(&self) -> &str {
        &self.as_str()[..7]
    }

    /// Whether this is git's all-zero "no commit", as sent when a branch is created or deleted.
    pub fn is_zero(&self) -> bool {
        self.as_str().bytes().all(|b| b == b'0')
    }
}

/// Whether one commit comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// It is the same commit or an ancestor.
    Ancestor,
    /// It is not.
    Unrelated,
    /// The clone is shallow: its history does not reach far enough to say.
    Shallow,
}

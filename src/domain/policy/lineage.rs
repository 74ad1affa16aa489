//! How a run's commit relates to the one that is live.

use crate::domain::model::{Ancestry, CommitId, ErrorKind, PortError};

/// How the commit of a request relates to the live one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    /// Nothing is live.
    First,
    /// It is the same commit.
    Same,
    /// The live commit is its ancestor.
    Newer,
    /// It is an ancestor of the live commit.
    Older,
    /// Neither is an ancestor of the other: another branch, or rewritten history.
    Diverged,
    /// The clone is too shallow to say.
    Shallow,
    /// One of the two commits is not known, or no longer in the repository.
    Unknown,
}

impl Lineage {
    /// Finds out with at most two questions. `live` is `None` when nothing is live, and `Some(None)`
    /// when the commit of what is live is not known.
    ///
    /// The first question is whether the live commit is an ancestor of this one, for that settles the
    /// usual case even in a shallow clone.
    ///
    /// # Errors
    /// Those of `ancestry`, except that a missing commit only means [`Lineage::Unknown`].
    pub fn of(
        commit: Option<&CommitId>,
        live: Option<Option<&CommitId>>,
        ancestry: impl Fn(&CommitId, &CommitId) -> Result<Ancestry, PortError>,
    ) -> Result<Self, PortError> {
        let (commit, live) = match (commit, live) {
            (_, None) => return Ok(Self::First),
            (Some(commit), Some(Some(live))) => (commit, live),
            (None, Some(_)) | (Some(_), Some(None)) => return Ok(Self::Unknown),
        };
        if commit == live {
            return Ok(Self::Same);
        }
        let answers = ancestry(live, commit).and_then(|forwards| match forwards {
            Ancestry::Ancestor => Ok(Self::Newer),
            Ancestry::Unrelated | Ancestry::Shallow => Ok(match ancestry(commit, live)? {
                Ancestry::Ancestor => Self::Older,
                Ancestry::Unrelated => Self::Diverged,
                Ancestry::Shallow => Self::Shallow,
            }),
        });
        match answers {
            Err(error) if error.kind == ErrorKind::Missing => Ok(Self::Unknown),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = Result<Ancestry, PortError>;

    #[test]
    fn two_questions_tell_all_cases_apart() {
        let new: CommitId = "a".repeat(40).parse().unwrap();
        let live: CommitId = "b".repeat(40).parse().unwrap();
        let missing = || Err(PortError::new(ErrorKind::Missing, "asking git", "no such commit"));
        let table: [(Answer, Answer, Lineage); 7] = [
            (Ok(Ancestry::Ancestor), missing(), Lineage::Newer),
            (Ok(Ancestry::Unrelated), Ok(Ancestry::Ancestor), Lineage::Older),
            (Ok(Ancestry::Shallow), Ok(Ancestry::Ancestor), Lineage::Older),
            (
                Ok(Ancestry::Unrelated),
                Ok(Ancestry::Unrelated),
                Lineage::Diverged,
            ),
            (Ok(Ancestry::Shallow), Ok(Ancestry::Shallow), Lineage::Shallow),
            (missing(), missing(), Lineage::Unknown),
            (Ok(Ancestry::Unrelated), missing(), Lineage::Unknown),
        ];
        for (forwards, backwards, expected) in table {
            let ask = |older: &CommitId, _: &CommitId| {
                if *older == live {
                    forwards.clone()
                } else {
                    backwards.clone()
                }
            };
            assert_eq!(Lineage::of(Some(&new), Some(Some(&live)), ask).unwrap(), expected);
        }
    }

    #[test]
    fn without_two_different_commits_nothing_is_asked() {
        let commit: CommitId = "a".repeat(40).parse().unwrap();
        let ask =
            |_: &CommitId, _: &CommitId| Err(PortError::new(ErrorKind::Denied, "asking git", "not needed"));
        let of = |commit, live| Lineage::of(commit, live, ask).unwrap();
        assert_eq!(of(Some(&commit), None), Lineage::First);
        assert_eq!(of(Some(&commit), Some(Some(&commit))), Lineage::Same);
        assert_eq!(of(None, Some(Some(&commit))), Lineage::Unknown);
        assert_eq!(of(Some(&commit), Some(None)), Lineage::Unknown);
        let other: CommitId = "b".repeat(40).parse().unwrap();
        assert!(Lineage::of(Some(&other), Some(Some(&commit)), ask).is_err());
    }
}

//! A deployment that a label on a pull request asked for, held against how the pull request stands now.

use crate::domain::model::{CommitId, PullState};

/// Why pull request `number` may not be deployed at `commit` any more; `None` where it may. The label was put
/// on what stood there then: what was pushed since nobody has looked at.
pub fn outdated(number: u64, commit: &CommitId, now: &PullState) -> Option<String> {
    let name = format!("pull request #{number}");
    if !now.open {
        return Some(format!(
            "{name} was closed after the label was put on: open it and put the label on again"
        ));
    }
    if now.head != *commit {
        return Some(format!(
            "{name} moved from {} to {} after the label was put on: look at what came and put it on again",
            commit.short(),
            now.head.short()
        ));
    }
    match (now.head_repository, now.base_repository) {
        (Some(head), Some(base)) if head == base => None,
        (None, _) => Some(format!(
            "the branch of {name} is in a repository that is gone, so it counts as a fork"
        )),
        (Some(_), _) => Some(format!(
            "{name} comes from another repository: push the branch to this one to deploy it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(digit: char) -> CommitId {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn state() -> PullState {
        PullState {
            open: true,
            head: commit('b'),
            head_repository: Some(1001),
            base_repository: Some(1001),
            labels: vec!["deploy-to-staging".into()],
        }
    }

    fn said(change: impl FnOnce(&mut PullState)) -> Option<String> {
        let mut now = state();
        change(&mut now);
        outdated(7, &commit('b'), &now)
    }

    #[test]
    fn what_stands_as_the_event_said_may_go_on() {
        assert_eq!(said(|_| {}), None);
    }

    #[test]
    fn what_moved_was_closed_or_is_not_from_here_may_not() {
        for (now, words) in [
            (said(|now| now.open = false), "was closed"),
            (
                said(|now| now.head = commit('c')),
                "moved from bbbbbbb to ccccccc",
            ),
            (said(|now| now.head_repository = Some(9)), "another repository"),
            (said(|now| now.head_repository = None), "gone"),
            (said(|now| now.base_repository = None), "another repository"),
        ] {
            let now = now.unwrap();
            assert!(now.contains(words), "{now}");
        }
    }
}

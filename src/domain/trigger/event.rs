//! CI events as greenroom sees them. Payloads in Actions are trimmed and grow fields, so nothing is
//! required of them (docs.github.com, "Events that trigger workflows").

use super::Inputs;
use crate::domain::model::CommitId;
use serde_json::Value;

/// What the CI system says beside the payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextFacts {
    /// `GITHUB_REF`: the full name of the ref that the run belongs to.
    pub reference: Option<String>,
    /// `GITHUB_SHA`. Used for pushes and dispatches only: on `pull_request` it is a throw-away merge.
    pub sha: Option<CommitId>,
    /// `GITHUB_REPOSITORY_ID`.
    pub repository_id: Option<u64>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerEvent {
    /// A branch or tag was created, moved or deleted.
    Push {
        /// Full name of the ref: `refs/heads/main`. Empty when nothing names it.
        reference: String,
        /// Where it pointed before; `None` when it is new.
        before: Option<CommitId>,
        /// Where it points now; `None` when it was deleted or nothing says.
        after: Option<CommitId>,
        /// Whether it was deleted.
        deleted: bool,
    },
    /// A person started the workflow by hand.
    Dispatch {
        /// Full name of the ref it was started on.
        reference: Option<String>,
        /// The newest commit of that ref.
        commit: Option<CommitId>,
        /// The inputs.
        inputs: Inputs,
    },
    /// Something happened to a pull request.
    PullRequest(Box<PullRequest>),
    /// Another event.
    Other {
        /// Its name.
        name: String,
    },
    /// No event: a person's machine, or a CI system that names none.
    Absent,
}

/// What happened to a pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRequest {
    /// `labeled`, `unlabeled`, `closed`, …
    pub action: String,
    /// Its number.
    pub number: Option<u64>,
    /// The label that was added or removed.
    pub label: Option<String>,
    /// All labels that it has, where the CI system tells these and not which one was added.
    pub labels: Vec<String>,
    /// The branch with the changes.
    pub head_ref: Option<String>,
    /// The newest commit of that branch.
    pub head_sha: Option<CommitId>,
    /// Id of the repository that the branch is in; `None` also when that repository was deleted.
    pub head_repository: Option<u64>,
    /// Id of this repository.
    pub repository: Option<u64>,
    /// The branch that it goes to.
    pub base_ref: Option<String>,
    /// The commit that branch pointed at.
    pub base_sha: Option<CommitId>,
    /// Whether it was merged.
    pub merged: bool,
    /// Before the merge a throw-away test merge, after it what the base branch got.
    pub merge_commit: Option<CommitId>,
}

impl TriggerEvent {
    /// Reads the event called `name` (`GITHUB_EVENT_NAME`; empty for none) from its payload. Never
    /// fails: what is missing or of another type is absent from the result.
    pub fn parse(name: &str, payload: &Value, facts: &ContextFacts) -> Self {
        match name {
            "" => Self::Absent,
            "push" => push(payload, facts),
            "workflow_dispatch" => Self::Dispatch {
                reference: text(payload, "/ref").or_else(|| facts.reference.clone()),
                commit: facts.sha.clone().filter(|commit| !commit.is_zero()),
                inputs: Inputs::parse(payload.get("inputs")),
            },
            "pull_request" => Self::PullRequest(Box::new(pull_request(payload, facts))),
            _ => Self::Other {
                name: name.to_owned(),
            },
        }
    }

    /// The two commits between which files changed, where the event names both: what the `paths` of a
    /// push rule are held against.
    pub fn span(&self) -> Option<(&CommitId, &CommitId)> {
        match self {
            Self::Push { before, after, .. } => before.as_ref().zip(after.as_ref()),
            Self::PullRequest(pull) if pull.merged => pull.base_sha.as_ref().zip(pull.merge_commit.as_ref()),
            Self::PullRequest(_) | Self::Dispatch { .. } | Self::Other { .. } | Self::Absent => None,
        }
    }
}

fn push(payload: &Value, facts: &ContextFacts) -> TriggerEvent {
    let zero_after =
        text(payload, "/after").is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b == b'0'));
    let deleted = flag(payload, "/deleted") || zero_after;
    TriggerEvent::Push {
        reference: text(payload, "/ref")
            .or_else(|| facts.reference.clone())
            .unwrap_or_default(),
        before: commit(payload, "/before"),
        after: commit(payload, "/after")
            .or_else(|| facts.sha.clone())
            .filter(|commit| !deleted && !commit.is_zero()),
        deleted,
    }
}

fn pull_request(payload: &Value, facts: &ContextFacts) -> PullRequest {
    PullRequest {
        action: text(payload, "/action").unwrap_or_default(),
        number: number(payload, "/number").or_else(|| number(payload, "/pull_request/number")),
        label: text(payload, "/label/name"),
        labels: Vec::new(),
        head_ref: text(payload, "/pull_request/head/ref"),
        head_sha: commit(payload, "/pull_request/head/sha"),
        head_repository: number(payload, "/pull_request/head/repo/id"),
        repository: number(payload, "/repository/id").or(facts.repository_id),
        base_ref: text(payload, "/pull_request/base/ref"),
        base_sha: commit(payload, "/pull_request/base/sha"),
        merged: flag(payload, "/pull_request/merged"),
        merge_commit: commit(payload, "/pull_request/merge_commit_sha"),
    }
}

fn text(payload: &Value, pointer: &str) -> Option<String> {
    payload.pointer(pointer)?.as_str().map(str::to_owned)
}

fn number(payload: &Value, pointer: &str) -> Option<u64> {
    payload.pointer(pointer)?.as_u64()
}

fn flag(payload: &Value, pointer: &str) -> bool {
    payload.pointer(pointer).and_then(Value::as_bool) == Some(true)
}

/// A commit that exists: git's all-zero id says that there is none.
fn commit(payload: &Value, pointer: &str) -> Option<CommitId> {
    let commit: CommitId = payload.pointer(pointer)?.as_str()?.parse().ok()?;
    (!commit.is_zero()).then_some(commit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            Just(Value::from("0".repeat(40))),
            Just(Value::from("a".repeat(40))),
            Just(Value::from("refs/heads/main")),
        ];
        let key = prop_oneof![
            proptest::sample::select(vec![
                "ref",
                "before",
                "after",
                "deleted",
                "inputs",
                "environment",
                "skip_tests",
                "version",
                "action",
                "label",
                "name",
                "number",
                "pull_request",
                "head",
                "base",
                "repo",
                "id",
                "sha",
                "merged",
                "merge_commit_sha",
                "repository",
            ])
            .prop_map(str::to_owned),
            ".{0,4}",
        ];
        leaf.prop_recursive(5, 64, 8, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(key.clone(), inner, 0..8)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_read_and_decided_without_panic_and_for_a_reason(
            name in proptest::sample::select(vec!["push", "workflow_dispatch", "pull_request", "schedule", ""]),
            payload in any_json(),
        ) {
            use crate::domain::trigger::{Filter, Rule, When, decide};
            let everything = Filter::default;
            let rules = [
                When::Push { branches: everything(), paths: everything() },
                When::Dispatch,
                When::Label { name: "name".into(), base: everything() },
            ]
            .map(|when| Rule { when, environment: None });
            let environments = ["staging".parse().unwrap()];
            let event = TriggerEvent::parse(name, &payload, &ContextFacts::default());
            let decision = decide(&event, &rules, &environments, None);
            prop_assert!(!decision.reason.is_empty() && !decision.reason.contains('\n'));
            prop_assert!(!decision.should_deploy || decision.environment.is_some());
            prop_assert!(decision.sha.is_none_or(|sha| !sha.is_zero()));
        }
    }
}

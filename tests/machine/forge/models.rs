//! octocrab's models held against GitHub's own description: which of them read every answer that GitHub may
//! give and keep what greenroom needs of it, and why the others do not.

use crate::support::github::{ADDRESS, DESCRIBED, Description, Operation, TEXT, addressed, merge};
use http_body_util::{BodyExt as _, Full};
use octocrab::FromResponse as _;
use octocrab::models::checks::{CheckRun, ListCheckRuns};
use octocrab::models::code_scannings::{SarifAnalysis, SarifReceipt};
use octocrab::models::issues::Comment;
use octocrab::models::memberships::TeamMembership;
use octocrab::models::packages::PackageVersion;
use octocrab::models::pulls::PullRequest;
use octocrab::models::repos::environments::{Environment, Environments};
use octocrab::models::repos::{Deployment, DeploymentStatus};
use octocrab::models::teams::FullTeam;
use octocrab::models::workflows::WorkflowRunApproval;
use octocrab::models::{Label, Status, UserProfile};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::error::Error as _;

/// How often each choice of the description is taken in turn: no list of words is longer.
const TURNS: usize = 12;
/// Below that only what has to be there is made.
const DEEPEST: usize = 8;

/// One of octocrab's models beside the operation whose answers it is made for.
struct Held {
    operation: &'static str,
    read: fn(&Value) -> Result<Value, String>,
    /// What greenroom needs of an answer; in a list, of each of its items.
    needs: &'static [&'static str],
    /// How its first failure begins; empty where it reads every answer and keeps what is needed.
    fails: &'static str,
}

/// Reads an answer into a model as greenroom does, and gives back what the model keeps of it.
fn kept<T: DeserializeOwned + Serialize>(answer: &Value) -> Result<Value, String> {
    let body =
        Full::from(answer.to_string()).map_err(|never: Infallible| -> octocrab::Error { match never {} });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let read = runtime.block_on(T::from_response(http::Response::new(body)));
    let model: T = read.map_err(|error| error.source().unwrap().to_string())?;
    Ok(serde_json::to_value(model).unwrap())
}

const DEPLOYMENT: &[&str] = &["/id", "/environment", "/payload"];
const STATE: &[&str] = &[
    "/id",
    "/state",
    "/description",
    "/environment_url",
    "/log_url",
    "/target_url",
];
const CHECK: &[&str] = &["/id", "/external_id", "/output/annotations_count"];
const COMMENT: &[&str] = &["/id", "/body", "/user/type", "/author_association"];
const VERSION: &[&str] = &[
    "/id",
    "/name",
    "/created_at",
    "/updated_at",
    "/metadata/container/tags",
];

fn held(
    operation: &'static str,
    read: fn(&Value) -> Result<Value, String>,
    needs: &'static [&'static str],
    fails: &'static str,
) -> Held {
    Held {
        operation,
        read,
        needs,
        fails,
    }
}

/// Every operation whose answer has a body.
fn models() -> Vec<Held> {
    vec![
        held(
            "actions/get-reviews-for-run",
            kept::<Vec<WorkflowRunApproval>>,
            &["/state", "/comment", "/user/login", "/environments/0/name"],
            "[0].environments[0]: missing field `id`",
        ),
        held("checks/create", kept::<CheckRun>, CHECK, "loses /external_id"),
        held(
            "checks/list-for-ref",
            kept::<ListCheckRuns>,
            &["/check_runs/0/id", "/check_runs/0/external_id"],
            "loses /check_runs/0/external_id",
        ),
        held("checks/update", kept::<CheckRun>, CHECK, "loses /external_id"),
        held(
            "code-scanning/get-sarif",
            kept::<SarifAnalysis>,
            &["/processing_status", "/errors"],
            "missing field `processing_status`",
        ),
        held(
            "code-scanning/upload-sarif",
            kept::<SarifReceipt>,
            &["/id"],
            "missing field `id`",
        ),
        held(
            "issues/create-comment",
            kept::<Comment>,
            COMMENT,
            "user: invalid type: null, expected struct Author",
        ),
        held(
            "issues/list-comments",
            kept::<Vec<Comment>>,
            COMMENT,
            "[0].user: invalid type: null, expected struct Author",
        ),
        held("issues/remove-label", kept::<Vec<Label>>, &["/name"], ""),
        held(
            "issues/update-comment",
            kept::<Comment>,
            COMMENT,
            "user: invalid type: null, expected struct Author",
        ),
        held(
            "packages/get-all-package-versions-for-package-owned-by-org",
            kept::<Vec<PackageVersion>>,
            VERSION,
            "",
        ),
        held(
            "packages/get-all-package-versions-for-package-owned-by-user",
            kept::<Vec<PackageVersion>>,
            VERSION,
            "",
        ),
        held(
            "packages/get-package-version-for-organization",
            kept::<PackageVersion>,
            &["/id"],
            "",
        ),
        held(
            "packages/get-package-version-for-user",
            kept::<PackageVersion>,
            &["/id"],
            "",
        ),
        held(
            "pulls/get",
            kept::<PullRequest>,
            &[
                "/state",
                "/head/sha",
                "/head/repo/id",
                "/base/repo/id",
                "/labels/0/name",
            ],
            "base.repo.owner.gravatar_id: invalid type: null, expected a string",
        ),
        held(
            "repos/create-commit-status",
            kept::<Status>,
            &["/id"],
            "created_at: input contains invalid characters",
        ),
        held(
            "repos/create-deployment",
            kept::<Deployment>,
            DEPLOYMENT,
            "creator.gravatar_id: invalid type: null, expected a string",
        ),
        held(
            "repos/create-deployment-status",
            kept::<DeploymentStatus>,
            STATE,
            "creator.gravatar_id: invalid type: null, expected a string",
        ),
        held(
            "repos/get-all-environments",
            kept::<Environments>,
            &[],
            "missing field `total_count`",
        ),
        held(
            "repos/get-deployment",
            kept::<Deployment>,
            DEPLOYMENT,
            "creator.gravatar_id: invalid type: null, expected a string",
        ),
        held(
            "repos/get-environment",
            kept::<Environment>,
            &[
                "/protection_rules/0/type",
                "/protection_rules/0/reviewers/0/reviewer",
                "/deployment_branch_policy",
            ],
            "",
        ),
        held(
            "repos/list-commit-statuses-for-ref",
            kept::<Vec<Status>>,
            &["/id", "/state", "/context", "/description", "/target_url"],
            "[0].created_at: input contains invalid characters",
        ),
        held(
            "repos/list-deployment-statuses",
            kept::<Vec<DeploymentStatus>>,
            STATE,
            "[0].creator.gravatar_id: invalid type: null, expected a string",
        ),
        held(
            "repos/list-deployments",
            kept::<Vec<Deployment>>,
            DEPLOYMENT,
            "[0].creator.gravatar_id: invalid type: null, expected a string",
        ),
        held(
            "teams/get-by-name",
            kept::<FullTeam>,
            &["/slug"],
            "missing field `privacy`",
        ),
        held(
            "teams/get-membership-for-user-in-org",
            kept::<TeamMembership>,
            &["/state"],
            "",
        ),
        held(
            "users/get-by-username",
            kept::<UserProfile>,
            &["/type"],
            "gravatar_id: invalid type: null, expected a string",
        ),
    ]
}

#[test]
fn which_models_read_what_github_may_answer_is_known() {
    let description = Description::read();
    let mut wrong = Vec::new();
    for held in models() {
        let operation = description
            .operations()
            .iter()
            .find(|one| one.id == held.operation);
        let operation = operation.unwrap_or_else(|| panic!("GitHub has no {}", held.operation));
        let found = failure(&held, &answers(&description, operation));
        let is_known = match held.fails {
            "" => found.is_empty(),
            fails => found.starts_with(fails),
        };
        if !is_known {
            wrong.push(format!(
                "{}: {found:?} in place of {:?}",
                held.operation, held.fails
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_answer_with_a_body_has_its_model() {
    let description = Description::read();
    let described: BTreeSet<&str> = description
        .operations()
        .iter()
        .filter(|operation| !successes(operation).is_empty())
        .map(|operation| operation.id.as_str())
        .collect();
    let held: BTreeSet<&str> = models().iter().map(|held| held.operation).collect();
    assert_eq!(held, described);
}

/// How a model fails first; empty where it does not.
fn failure(held: &Held, answers: &[Value]) -> String {
    for answer in answers {
        let kept = match (held.read)(answer) {
            Ok(kept) => kept,
            Err(error) => return error,
        };
        let pairs: Vec<(&Value, &Value)> = match (answer, &kept) {
            (Value::Array(before), Value::Array(after)) => before.iter().zip(after).collect(),
            _ => vec![(answer, &kept)],
        };
        for (before, after) in pairs {
            let lost = held
                .needs
                .iter()
                .find(|place| !same(before.pointer(place), after.pointer(place)));
            if let Some(lost) = lost {
                return format!("loses {lost}");
            }
        }
    }
    String::new()
}

/// Whether a model keeps a value: one that is null may be absent.
fn same(before: Option<&Value>, after: Option<&Value>) -> bool {
    before.unwrap_or(&Value::Null) == after.unwrap_or(&Value::Null)
}

/// The schemas of an operation's successes, with their statuses.
fn successes(operation: &Operation) -> Vec<(u16, Value)> {
    (200..300)
        .filter_map(|status| Some((status, operation.response(status)?.clone())))
        // What is accepted for later is another answer: GitHub says so in words.
        .filter(|(status, _)| *status != 202 || operation.id == "code-scanning/upload-sarif")
        .collect()
}

/// Answers that GitHub's description allows: as little as may be, everything that may be absent as null, and
/// everything there, with each word of each list once.
fn answers(description: &Description, operation: &Operation) -> Vec<Value> {
    let whole: Value = serde_json::from_str(DESCRIBED).unwrap();
    let mut made = Vec::new();
    for (status, schema) in successes(operation) {
        let fullness = [Fullness::Least, Fullness::Nulls, Fullness::Hollow];
        for fullness in fullness.into_iter().chain((0..TURNS).map(Fullness::All)) {
            let answer = Maker {
                whole: &whole,
                fullness,
            }
            .make(&schema, 0);
            let faults = description.answer_faults(operation, status, &answer);
            assert!(faults.is_empty(), "{}: {faults:?}: {answer:#}", operation.id);
            made.push(answer);
        }
    }
    made
}

#[derive(Clone, Copy, PartialEq)]
enum Fullness {
    /// What has to be there, and null where that is allowed.
    Least,
    /// Everything, and null where that is allowed.
    Nulls,
    /// Every object, and null in its fields where that is allowed.
    Hollow,
    /// Everything, and of each choice that of this turn.
    All(usize),
}

/// Makes values that fit a schema.
struct Maker<'a> {
    whole: &'a Value,
    fullness: Fullness,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, depth: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.make(
                self.whole.pointer(reference.trim_start_matches('#')).unwrap(),
                depth,
            );
        }
        if let Some(all) = schema["allOf"].as_array() {
            let mut made = json!({});
            all.iter().for_each(|one| merge(&mut made, self.make(one, depth)));
            return made;
        }
        if let Some(words) = schema["enum"].as_array() {
            return self.choose(words).clone();
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(choices) = schema[choice].as_array().filter(|_| schema["type"].is_null()) {
                return self.make(self.choose(choices), depth);
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.choose(kinds),
            kind => kind,
        };
        match kind.as_str() {
            Some("null") => Value::Null,
            Some("boolean") => json!(self.fullness != Fullness::Least),
            Some("integer" | "number") => json!(1),
            Some("array") => json!([self.make(&schema["items"], depth + 1)]),
            Some("string") => json!(text(schema)),
            _ => self.object(schema, depth),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let is_wanted =
            |name: &str| required.contains(&name) || (self.fullness != Fullness::Least && depth < DEEPEST);
        let fields = schema["properties"].as_object().into_iter().flatten();
        let made = fields
            .filter(|(name, _)| is_wanted(name))
            .map(|(name, schema)| (name.clone(), addressed(name, self.make(schema, depth + 1))));
        let mut made: Map<_, _> = made.collect();
        // GitHub asks for one field that it does not describe: the `tags` of `docker` in a package's version.
        for name in required {
            made.entry(name).or_insert(Value::Null);
        }
        Value::Object(made)
    }

    /// One of what there is to choose from; null only where that is asked for.
    fn choose<'b>(&self, choices: &'b [Value]) -> &'b Value {
        let is_null = |choice: &&Value| choice.is_null() || **choice == "null" || choice["type"] == "null";
        let others: Vec<&Value> = choices.iter().filter(|choice| !is_null(choice)).collect();
        match self.fullness {
            Fullness::All(turn) => others[turn % others.len()],
            Fullness::Hollow if others.iter().any(|one| holds(one)) => others[0],
            _ => choices.iter().find(is_null).unwrap_or(others[0]),
        }
    }
}

/// Whether a choice, a schema or the name of a type, is of what holds other values.
fn holds(choice: &Value) -> bool {
    choice.is_object() || *choice == "object" || *choice == "array"
}

fn text(schema: &Value) -> String {
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    match schema["format"].as_str() {
        Some("uri") => ADDRESS.to_owned(),
        Some("email") => "a@b.test".to_owned(),
        Some("date-time") => "2026-11-20T12:00:00Z".to_owned(),
        _ if pattern.starts_with("^refs") => "refs/heads/main".to_owned(),
        _ if schema["minLength"] == 40 => crate::forge::yard::COMMIT.to_owned(),
        _ => TEXT.to_owned(),
    }
}

//! Pull requests with their labels and comments.

use super::act::{Asking, Outcome};
use super::description::Description;
use super::state::{Comment, Pull, State};
use serde_json::{Value, json};

pub(super) fn done(description: &Description, state: &mut State, asking: &Asking<'_>) -> Outcome {
    if asking.operation == "issues/update-comment" {
        return update(description, state, asking);
    }
    let name = if asking.operation == "pulls/get" {
        "pull_number"
    } else {
        "issue_number"
    };
    let number = asking.number(name);
    let id = state.repository.id;
    let Some(pull) = state
        .repository
        .pulls
        .iter_mut()
        .find(|pull| pull.number == number)
    else {
        return Outcome::refusal(404, "Not Found");
    };
    match asking.operation {
        "pulls/get" => Outcome::of(200, pull_shown(description, pull, id)),
        "issues/remove-label" => {
            let label = asking.names["name"].to_lowercase();
            let Some(place) = pull.labels.iter().position(|own| own.to_lowercase() == label) else {
                return Outcome::refusal(404, "Label does not exist");
            };
            pull.labels.remove(place);
            let left = pull.labels.iter();
            Outcome::of(200, left.map(|label| label_shown(description, label)).collect())
        }
        "issues/list-comments" => {
            let found = state.comments.iter().filter(|comment| comment.pull == number);
            let shown = found.map(|comment| shown(description, comment)).collect();
            asking.page(shown, Value::Array)
        }
        "issues/create-comment" => {
            let body = asking.text("body").to_owned();
            let id = state.comment(number, ("github-actions[bot]", "Bot"), "NONE", &body);
            let made = state.comments.iter().find(|comment| comment.id == id);
            Outcome::of(201, shown(description, made.unwrap()))
        }
        other => panic!("nothing answers {other}"),
    }
}

fn update(description: &Description, state: &mut State, asking: &Asking<'_>) -> Outcome {
    let number = asking.number("comment_id");
    let Some(comment) = state.comments.iter_mut().find(|comment| comment.id == number) else {
        return Outcome::refusal(404, "Not Found");
    };
    if comment.locked {
        return Outcome::refusal(403, "Resource not accessible by integration");
    }
    asking.text("body").clone_into(&mut comment.body);
    Outcome::of(200, shown(description, comment))
}

fn shown(description: &Description, comment: &Comment) -> Value {
    let user = description.sample(
        "simple-user",
        json!({"login": comment.by.0, "type": comment.by.1}),
    );
    description.sample(
        "issue-comment",
        json!({
            "id": comment.id,
            "body": comment.body,
            "user": user,
            "author_association": comment.association,
        }),
    )
}

fn label_shown(description: &Description, label: &str) -> Value {
    description.sample("label", json!({ "name": label }))
}

fn pull_shown(description: &Description, pull: &Pull, id: u64) -> Value {
    let repository = |id: u64| description.sample("repository", json!({ "id": id }));
    let labels: Vec<Value> = pull
        .labels
        .iter()
        .map(|label| label_shown(description, label))
        .collect();
    description.sample(
        "pull-request",
        json!({
            "number": pull.number,
            "state": if pull.open { "open" } else { "closed" },
            "head": {"sha": pull.head, "repo": pull.head_repository.map(repository)},
            "base": {"repo": repository(id)},
            "labels": labels,
        }),
    )
}

//! From a request to its answer: who asks, whether they may, what it is, and whether both fit the description.

use super::description::{Operation, decoded};
use super::server::{Reply, Request};
use super::{Asked, Fault, Shared, checks, deployments, issues, lock, packages, people, rules, scanning};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An answer before it is sent.
pub(super) struct Outcome {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Outcome {
    pub(super) fn of(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    /// A refusal in GitHub's form.
    pub(super) fn refusal(status: u16, message: &str) -> Self {
        let body = json!({
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": status.to_string(),
        });
        Self::of(status, body)
    }

    /// 422 with one mistake.
    pub(super) fn invalid(resource: &str, field: &str, message: &str) -> Self {
        let body = json!({
            "message": "Validation Failed",
            "errors": [{"resource": resource, "field": field, "code": "custom", "message": message}],
            "documentation_url": "https://docs.github.com/rest",
        });
        Self::of(422, body)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A request that was understood.
pub(super) struct Asking<'a> {
    pub(super) operation: &'a str,
    pub(super) names: BTreeMap<String, String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: &'a Value,
    /// The address without the query, for links to other pages.
    pub(super) url: String,
}

impl Asking<'_> {
    /// A number in the path.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.names[name].parse().unwrap_or(0)
    }

    /// A text of the body.
    pub(super) fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    /// One page of a list, with links to the others; `wrapped` makes the body of the page.
    pub(super) fn page(&self, all: Vec<Value>, wrapped: impl FnOnce(Vec<Value>) -> Value) -> Outcome {
        let number = |name: &str, usual: usize| {
            let given = self.query.get(name).and_then(|text| text.parse().ok());
            given.unwrap_or(usual).max(1)
        };
        let size = number("per_page", 30).min(100);
        let page = number("page", 1);
        let last = all.len().div_ceil(size).max(1);
        let shown = all.into_iter().skip((page - 1) * size).take(size).collect();
        let mut outcome = Outcome::of(200, wrapped(shown));
        if page < last {
            let mut query = self.query.clone();
            let mut link = |page: usize, relation: &str| {
                query.insert("page".to_owned(), page.to_string());
                let pairs: Vec<String> = query
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("<{}?{}>; rel=\"{relation}\"", self.url, pairs.join("&"))
            };
            let links = [link(page + 1, "next"), link(last, "last")].join(", ");
            outcome = outcome.with("link", &links);
        }
        outcome
    }
}

/// Answers a request.
pub(super) fn reply(shared: &Shared, request: &Request) -> Reply {
    let asked = understood(shared, request);
    lock(&shared.asked).push(asked.clone());
    let note = |fault: String| {
        let violation = format!("{} {}: {fault}", request.method, request.target);
        lock(&shared.violations).push(violation);
    };
    if let Some(outcome) = at_the_door(shared, request, &asked.path) {
        return send(outcome);
    }
    let Some((operation, names)) = shared.description.find(&asked.method, &asked.path) else {
        note("GitHub has no such operation".to_owned());
        return send(Outcome::refusal(404, "Not Found"));
    };
    for fault in rules::of_request(&shared.description, operation, request, &asked) {
        note(fault);
    }
    let asking = Asking {
        operation: &operation.id,
        names,
        query: asked.query.clone(),
        body: &asked.body,
        url: format!("{}{}", lock(&shared.state).url, asked.path),
    };
    let fault = {
        let mut faults = lock(&shared.faults);
        let next = faults.iter().position(|(name, _)| *name == operation.id);
        next.map(|next| faults.remove(next).1)
    };
    let (lost, outcome) = match fault {
        Some(Fault::Page(status)) => return Reply::Page(status),
        Some(Fault::CutBefore) => return Reply::Cut,
        Some(Fault::Endless) => return Reply::Endless,
        // What a test makes up is the test's own.
        Some(Fault::Answer(status, headers, body)) => {
            return send(Outcome {
                status,
                headers,
                body,
            });
        }
        Some(Fault::SecondaryLimit(after)) => (None, secondary(after)),
        Some(Fault::PrimaryLimit(reset)) => (None, primary(reset)),
        Some(Fault::LostAfter) => (Some(Reply::Page(502)), act(shared, operation, &asking)),
        Some(Fault::CutAfter) => (Some(Reply::Cut), act(shared, operation, &asking)),
        None => (None, act(shared, operation, &asking)),
    };
    for fault in shared
        .description
        .answer_faults(operation, outcome.status, &outcome.body)
    {
        note(format!(
            "answered {} with a body that is none: {fault}",
            outcome.status
        ));
    }
    lost.unwrap_or_else(|| send(outcome))
}

/// A request taken apart.
fn understood(shared: &Shared, request: &Request) -> Asked {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let prefix = lock(&shared.state).repository.prefix.clone();
    let path = path.strip_prefix(&prefix).unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    let found = shared.description.find(&request.method, path);
    Asked {
        operation: found.map(|(one, _)| one.id.clone()).unwrap_or_default(),
        method: request.method.clone(),
        path: path.to_owned(),
        query: pairs
            .filter_map(|(name, value)| Some((name.to_owned(), decoded(value)?)))
            .collect(),
        headers: request.headers.clone(),
        body: serde_json::from_slice(&request.body).unwrap_or_default(),
    }
}

/// Does what is asked for where the token may.
fn act(shared: &Shared, operation: &Operation, asking: &Asking<'_>) -> Outcome {
    permitted(shared, operation)
        .unwrap_or_else(|| done(shared, asking))
        .with("x-ratelimit-remaining", "999")
}

fn send(outcome: Outcome) -> Reply {
    Reply::Answer {
        status: outcome.status,
        headers: outcome.headers,
        body: outcome.body,
    }
}

fn secondary(after: Option<u64>) -> Outcome {
    let outcome = Outcome::refusal(403, "You have exceeded a secondary rate limit. Please wait.");
    match after {
        Some(after) => outcome.with("retry-after", &after.to_string()),
        None => outcome,
    }
}

fn primary(reset: u64) -> Outcome {
    Outcome::refusal(403, "API rate limit exceeded for installation ID 7.")
        .with("x-ratelimit-limit", "1000")
        .with("x-ratelimit-reset", &reset.to_string())
        .with("x-ratelimit-remaining", "0")
}

/// What is looked at before anything else: the token, and whether the repository is still called that.
fn at_the_door(shared: &Shared, request: &Request, path: &str) -> Option<Outcome> {
    let state = lock(&shared.state);
    let repository = &state.repository;
    let bearer = format!("Bearer {}", repository.token);
    if request.headers.get("authorization") != Some(&bearer) {
        return Some(Outcome::refusal(401, "Bad credentials"));
    }
    let numbered = format!("/repositories/{}", repository.id);
    let now = repository.renamed.as_ref().unwrap_or(&repository.name);
    if path == numbered && request.method == "GET" {
        return Some(Outcome::of(200, json!({"id": repository.id, "full_name": now})));
    }
    let own = format!("/repos/{}", repository.name);
    if let Some(rest) = path.strip_prefix(&own) {
        repository.renamed.as_ref()?;
        let status = if request.method == "GET" { 301 } else { 307 };
        let to = format!("{}{numbered}{rest}", state.url);
        let body = json!({"message": "Moved Permanently", "url": to});
        return Some(Outcome::of(status, body).with("location", &to));
    }
    path.starts_with("/repos/")
        .then(|| Outcome::refusal(404, "Not Found"))
}

/// The refusal where the token may not do it.
fn permitted(shared: &Shared, operation: &Operation) -> Option<Outcome> {
    let state = lock(&shared.state);
    let granted = state.repository.permissions.as_ref()?;
    let (name, level) = rules::permission(&operation.id);
    // What is public needs nothing.
    let may = name == "metadata"
        || granted.iter().any(|one| {
            let (own, given) = one.split_once(": ").unwrap_or_default();
            own == name && (given == "write" || given == level)
        });
    let accepted = format!("{}={level}", name.replace('-', "_"));
    let refusal = Outcome::refusal(403, "Resource not accessible by integration");
    (!may).then(|| refusal.with("x-accepted-github-permissions", &accepted))
}

/// Does it.
fn done(shared: &Shared, asking: &Asking<'_>) -> Outcome {
    let state = &mut lock(&shared.state);
    let description = &shared.description;
    match asking.operation.split('/').next().unwrap_or_default() {
        "checks" => checks::done(description, state, asking),
        "code-scanning" => scanning::done(state, asking),
        "issues" | "pulls" => issues::done(description, state, asking),
        "packages" | "users" => packages::done(description, state, asking),
        "actions" | "teams" => people::done(description, state, asking),
        _ if asking.operation.contains("environment") => people::done(description, state, asking),
        _ => deployments::done(description, state, asking),
    }
}

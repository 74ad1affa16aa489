//! What GitHub's refusals mean, and what to do about each: the one table.

use super::calls::scanning::NEEDS as SCANNING;
use super::calls::{Call, Method};
use super::wait::is_no_answer;
use crate::domain::model::{ErrorKind, Explanation, PortError, one_line};

use serde_json::Value;
use std::collections::BTreeMap;

/// How much of GitHub's own words is shown, in characters.
const SHOWN: usize = 300;
/// Most of the single mistakes of a request that are shown.
const MISTAKES: usize = 5;

/// GitHub's own words in an answer: its message, and every mistake that it lists. Foreign text in one line.
pub(super) fn words(body: &Value) -> String {
    let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
    let mistakes: Vec<String> = match body.get("errors") {
        Some(Value::Array(all)) => all.iter().take(MISTAKES).filter_map(mistake).collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    let all = match (message, mistakes.as_slice()) {
        ("", []) => "no reason given".to_owned(),
        ("", mistakes) => mistakes.join("; "),
        (message, []) => message.to_owned(),
        (message, mistakes) => format!("{message}: {}", mistakes.join("; ")),
    };
    one_line(&all, SHOWN)
}

/// One entry of `errors`: a text, or an object with some of `resource`, `field`, `code` and `message`.
fn mistake(entry: &Value) -> Option<String> {
    if let Some(text) = entry.as_str() {
        return Some(text.to_owned());
    }
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let field = text("field").or_else(|| text("resource"));
    let what = text("message").or_else(|| text("code"))?;
    Some(match field {
        Some(field) => format!("{field}: {what}"),
        None => what.to_owned(),
    })
}

/// What an answer that is no success means.
pub(super) fn fault(
    call: &Call,
    status: u16,
    headers: &BTreeMap<String, String>,
    said: &str,
) -> (ErrorKind, Explanation) {
    let answered = format!("GitHub answered {status}: {said}");
    if is_no_answer(status) {
        return unanswered(call, Explanation::new(answered));
    }
    let (kind, advice) =
        of_package(call, status, said).unwrap_or_else(|| of_any(call, status, headers, said));
    let why = match advice {
        Advice::Do(fix) => Explanation::new(answered).fix(fix),
        Advice::Know(meaning) => Explanation::new(format!("{answered}; {meaning}")),
    };
    (kind, why)
}

/// What is said beside a refusal.
enum Advice {
    /// What to do about it.
    Do(String),
    /// What it means, where there is nothing to do.
    Know(&'static str),
}

/// What a refusal means, whatever the request was about.
fn of_any(call: &Call, status: u16, headers: &BTreeMap<String, String>, said: &str) -> (ErrorKind, Advice) {
    match status {
        401 => (ErrorKind::Denied, Advice::Do("the token is not valid here, or not any more: check GITHUB_TOKEN".to_owned())),
        403 => (ErrorKind::Denied, Advice::Do(denied(call, headers, said))),
        404 => (
            ErrorKind::Missing,
            Advice::Do(format!(
                "it is not there, or the token may not see it: check GITHUB_REPOSITORY and {}",
                grant(call.needs)
            )),
        ),
        409 => (ErrorKind::Conflict, Advice::Do("somebody else changed it at the same time, or a check that it asks for has not passed: run this again"
                .to_owned())),
        410 => (
            ErrorKind::Missing,
            Advice::Know("it was there and is no more, or is switched off in the repository's settings"),
        ),
        413 if call.needs == SCANNING => (ErrorKind::Invalid, Advice::Do("they are larger than GitHub takes: show fewer with `scan.severity`".to_owned())),
        413 => (ErrorKind::Invalid, Advice::Know("it is larger than GitHub takes")),
        400 | 422 => (ErrorKind::Invalid, Advice::Do("if it names a commit or a ref, push that first".to_owned())),
        _ => (
            ErrorKind::Invalid,
            Advice::Know("this answer is not one that GitHub documents"),
        ),
    }
}

/// What a refusal means where it is about a package, and where that is something else.
fn of_package(call: &Call, status: u16, said: &str) -> Option<(ErrorKind, Advice)> {
    if !is_about_packages(call.needs) {
        return None;
    }
    let lower = said.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let (kind, advice) = match status {
        401 => (ErrorKind::Denied, Advice::Do("the token is not valid any more, or not for this host: check GITHUB_TOKEN, and \
             GREENROOM_REGISTRY_TOKEN where that is set"
                .to_owned())),
        404 => (
            ErrorKind::Missing,
            Advice::Do(format!(
                "there is no such package, or the token may not see or delete it: {}",
                grant(call.needs)
            )),
        ),
        400 | 403 | 422 if says(&["last tagged version", "last version"]) => (ErrorKind::Invalid, Advice::Do("GitHub keeps the last tagged version of a package: delete the package itself to be rid of it"
                .to_owned())),
        400 | 403 | 422 if says(&["5,000 downloads", "5000 downloads"]) => (ErrorKind::Invalid, Advice::Do("GitHub deletes no public version with more than 5,000 downloads: ask its support, or leave it"
                .to_owned())),
        400 | 422 => (ErrorKind::Invalid, Advice::Know("this is not known to happen")),
        _ => return None,
    };
    Some((kind, advice))
}

fn is_about_packages(needs: &str) -> bool {
    needs.starts_with("packages: ")
}

/// A request whose answer did not come, or came from somebody on the way.
pub(super) fn unanswered(call: &Call, why: Explanation) -> (ErrorKind, Explanation) {
    match call.method {
        Method::Get | Method::Delete => (ErrorKind::Transient, why.fix("try again later")),
        Method::Post | Method::Patch => (
            ErrorKind::Ambiguous,
            why.fix("whether it was done is not known: look at the repository"),
        ),
    }
}

/// What a refusal of rights is about: the token's own, the organization's, or something that is switched off.
fn denied(call: &Call, headers: &BTreeMap<String, String>, said: &str) -> String {
    let lower = said.to_ascii_lowercase();
    if lower.contains("saml") || headers.contains_key("x-github-sso") {
        return "the organization asks for single sign-on: authorize the token for it".to_owned();
    }
    if lower.contains("archived") {
        return "the repository is archived: nothing in it can be changed".to_owned();
    }
    let mut advice = grant(call.needs);
    if call.needs == SCANNING {
        advice.push_str(", and enable code scanning (private repositories need GitHub Code Security)");
    }
    if let Some(accepted) = headers.get("x-accepted-github-permissions") {
        advice.push_str(&format!(" (GitHub accepts {})", one_line(accepted, 200)));
    }
    advice
}

/// How a token gets a permission.
pub(super) fn grant(needs: &str) -> String {
    // The permissions of a workflow end at its repository.
    if needs == "members: read" {
        return format!(
            "a workflow's own GITHUB_TOKEN sees no teams: set GITHUB_TOKEN to one of a GitHub App with `{needs}`"
        );
    }
    // A role on the package is asked for beside the permission, and other kinds of tokens have other words.
    if is_about_packages(needs) {
        return "a token of a person needs read:packages and delete:packages, and single sign-on where the \
            organization asks for it; a workflow's GITHUB_TOKEN needs `permissions: { packages: write }`, and its \
            repository the role Admin on the package (package settings, Manage Actions access)"
            .to_owned();
    }
    format!("give the job `permissions: {{ {needs} }}`")
}

/// The same error where it must not be taken for absence: GitHub does not tell what is not there from what may
/// not be seen.
pub(super) fn not_shown(error: PortError) -> PortError {
    match error.kind {
        ErrorKind::Missing => PortError {
            kind: ErrorKind::Denied,
            ..error
        },
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::calls::packages::{self, Account};
    use super::super::calls::{people, pulls};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_its_errors_is_told() {
        for (body, told) in [
            (
                json!({"message": "Validation Failed", "errors": [{"resource": "DeploymentStatus", "field": "state", "code": "custom", "message": "state is not included in the list"}]}),
                "Validation Failed: state: state is not included in the list",
            ),
            (
                json!({"message": "Validation Failed", "errors": ["No ref found", {"resource": "Deployment", "code": "missing"}]}),
                "Validation Failed: No ref found; Deployment: missing",
            ),
            (json!({"message": "Bad", "errors": "one text"}), "Bad: one text"),
            (json!({"message": "a\n::error::b"}), "a ::error::b"),
            (json!([]), "no reason given"),
            (json!(null), "no reason given"),
        ] {
            assert_eq!(words(&body), told);
        }
    }

    #[test]
    fn what_a_package_needs_is_more_than_a_permission() {
        let package = crate::ports::Package {
            owner: "acme".to_owned(),
            name: "app".to_owned(),
        };
        let call = packages::delete(Account::User, &package, 1);
        let none = BTreeMap::new();
        for (status, said, kind, told) in [
            (
                401,
                "Bad credentials",
                ErrorKind::Denied,
                "GREENROOM_REGISTRY_TOKEN",
            ),
            (
                403,
                "Forbidden",
                ErrorKind::Denied,
                "`permissions: { packages: write }`",
            ),
            (
                403,
                "Forbidden",
                ErrorKind::Denied,
                "the role Admin on the package",
            ),
            (403, "SAML enforcement", ErrorKind::Denied, "single sign-on"),
            (
                404,
                "Not Found",
                ErrorKind::Missing,
                "read:packages and delete:packages",
            ),
            (
                400,
                "You cannot delete the last tagged version",
                ErrorKind::Invalid,
                "delete the package itself",
            ),
            (
                422,
                "more than 5,000 downloads",
                ErrorKind::Invalid,
                "ask its support",
            ),
            (422, "Surprise", ErrorKind::Invalid, "not known to happen"),
            (503, "Unavailable", ErrorKind::Transient, "try again later"),
        ] {
            let (found, text) = fault(&call, status, &none, said);
            assert!(
                found == kind && text.to_string().contains(told),
                "{status} {said}: {text}"
            );
        }
    }

    #[test]
    fn a_missing_permission_is_named() {
        let headers = BTreeMap::from([(
            "x-accepted-github-permissions".to_owned(),
            "pull_requests=write".to_owned(),
        )]);
        let call = pulls::remove_label(1, "x");
        let (kind, text) = fault(&call, 403, &headers, "Resource not accessible by integration");
        assert_eq!(kind, ErrorKind::Denied);
        assert!(
            text.to_string()
                .contains("`permissions: { pull-requests: write }`"),
            "{text}"
        );
        assert!(
            text.to_string().contains("GitHub accepts pull_requests=write"),
            "{text}"
        );
        let (_, text) = fault(&people::team("acme", "ops"), 403, &headers, "");
        assert!(text.to_string().contains("sees no teams"), "{text}");
        let (_, text) = fault(
            &call,
            403,
            &headers,
            "Resource protected by organization SAML enforcement.",
        );
        assert!(text.to_string().contains("single sign-on"), "{text}");
    }
}

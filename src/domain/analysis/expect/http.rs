//! What is expected of an HTTP answer.

use super::took::shown;
use super::{excerpt, json};
use crate::domain::analysis::CheckFinding;
use crate::domain::model::{HttpExpectation, Period};
use std::collections::BTreeMap;

/// A probe keeps this much of a body; JSON that is longer cannot be read.
const KEPT: usize = 64 * 1024;

/// An answer under judgement.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: &'a BTreeMap<String, String>,
    pub(super) body: &'a [u8],
    pub(super) took: Period,
}

/// A wrong status speaks for itself and for all that follows from it; otherwise everything that is
/// wrong is told.
pub(super) fn judge(expect: &HttpExpectation, answer: &Answer<'_>) -> CheckFinding {
    if let Some(problem) = wrong_status(expect, answer) {
        return CheckFinding::fail(problem);
    }
    let mut problems: Vec<String> = Vec::new();
    problems.extend(
        expect
            .headers
            .iter()
            .filter_map(|(name, text)| wrong_header(name, text, answer)),
    );
    problems.extend(wrong_json(expect, answer.body));
    problems.extend(
        expect
            .contains
            .as_deref()
            .and_then(|text| wrong_text(text, answer.body)),
    );
    problems.extend(
        expect
            .latency
            .filter(|limit| answer.took > *limit)
            .map(|limit| format!("took {}, expected at most {limit}", answer.took)),
    );
    if problems.is_empty() {
        CheckFinding::pass(format!("answered {} in {}", answer.status, shown(answer.took)))
    } else {
        CheckFinding::fail(format!("answered {}, but {}", answer.status, problems.join("; ")))
    }
}

fn wrong_status(expect: &HttpExpectation, answer: &Answer<'_>) -> Option<String> {
    let status = answer.status;
    let expected = if expect.status.is_empty() {
        if (200..300).contains(&status) {
            return None;
        }
        "2xx".to_owned()
    } else if expect.status.contains(&status) {
        return None;
    } else {
        let codes: Vec<String> = expect.status.iter().map(u16::to_string).collect();
        codes.join(" or ")
    };
    if (300..400).contains(&status)
        && let Some(location) = answer.headers.get("location")
    {
        return Some(format!(
            "answered {status} to {}, expected {expected}: redirects are not followed, so set status: \
             {status} or use the final path",
            excerpt::first(&destination(location))
        ));
    }
    let body = String::from_utf8_lossy(answer.body);
    let body = match body.trim() {
        "" => String::new(),
        _ => format!(": {}", excerpt::first(&body)),
    };
    Some(format!("answered {status}, expected {expected}{body}"))
}

/// Where a redirect leads, without user, password and query: they may hold a token.
fn destination(location: &str) -> String {
    let base = location.split(['?', '#']).next().unwrap_or_default();
    match base.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => base.to_owned(),
    }
}

fn wrong_header(name: &str, text: &str, answer: &Answer<'_>) -> Option<String> {
    match answer.headers.get(&name.to_ascii_lowercase()) {
        None => Some(format!(
            "header {name} is not there, expected to contain {}",
            excerpt::first(text)
        )),
        Some(value) if !value.contains(text) => Some(format!(
            "header {name} is {}, expected to contain {}",
            excerpt::first(value),
            excerpt::first(text)
        )),
        Some(_) => None,
    }
}

fn wrong_json(expect: &HttpExpectation, body: &[u8]) -> Vec<String> {
    if expect.json.is_empty() {
        return Vec::new();
    }
    match serde_json::from_slice(body) {
        Ok(document) => expect
            .json
            .iter()
            .filter_map(|(path, expected)| json::mismatch(&document, path, expected))
            .collect(),
        Err(_) if body.len() >= KEPT => {
            vec![format!(
                "the body is longer than {} KiB, so its JSON was not read",
                KEPT / 1024
            )]
        }
        Err(_) if body.trim_ascii().is_empty() => vec!["the body is empty, expected JSON".to_owned()],
        Err(error) => vec![format!(
            "the body is not JSON ({error}): {}",
            excerpt::first(&String::from_utf8_lossy(body))
        )],
    }
}

fn wrong_text(text: &str, body: &[u8]) -> Option<String> {
    let body = String::from_utf8_lossy(body);
    (!body.contains(text)).then(|| {
        format!(
            "the body does not contain {}: {}",
            excerpt::first(text),
            excerpt::first(&body)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(expect: &HttpExpectation, status: u16, headers: &[(&str, &str)], body: &str) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let answer = Answer {
            status,
            headers: &headers,
            body: body.as_bytes(),
            took: Period::from_millis(12),
        };
        let finding = judge(expect, &answer);
        let mark = if finding.passed() { "+ " } else { "- " };
        mark.to_owned() + &finding.reason
    }

    fn status(codes: &[u16]) -> HttpExpectation {
        HttpExpectation {
            status: codes.to_vec(),
            ..HttpExpectation::default()
        }
    }

    fn json(path: &str, value: serde_json::Value) -> HttpExpectation {
        HttpExpectation {
            json: BTreeMap::from([(path.to_owned(), value)]),
            ..HttpExpectation::default()
        }
    }

    #[test]
    fn any_2xx_will_do_where_no_status_is_named() {
        assert_eq!(told(&status(&[]), 204, &[], ""), "+ answered 204 in 12ms");
        assert_eq!(
            told(&status(&[]), 503, &[], "warming up\u{7}"),
            "- answered 503, expected 2xx: \"warming up\\u{7}\""
        );
        assert_eq!(told(&status(&[]), 404, &[], " "), "- answered 404, expected 2xx");
    }

    #[test]
    fn named_statuses_are_the_only_ones() {
        assert_eq!(told(&status(&[401, 403]), 403, &[], ""), "+ answered 403 in 12ms");
        assert_eq!(
            told(&status(&[401, 403]), 200, &[], ""),
            "- answered 200, expected 401 or 403"
        );
    }

    #[test]
    fn a_redirect_is_explained_and_its_query_kept_out() {
        let location = [("location", "https://u:p@login.test/in?token=secret")];
        assert_eq!(
            told(&status(&[]), 301, &location, ""),
            "- answered 301 to \"https://login.test/in\", expected 2xx: redirects are not followed, so \
             set status: 301 or use the final path"
        );
        assert_eq!(
            told(&status(&[301]), 301, &location, ""),
            "+ answered 301 in 12ms"
        );
        assert_eq!(told(&status(&[]), 304, &[], ""), "- answered 304, expected 2xx");
    }

    #[test]
    fn the_health_document_is_judged_by_its_paths() {
        let body = r#"{"status":"ok","database":{"status":"disconnected"}}"#;
        assert_eq!(
            told(&json("database.status", json!("connected")), 200, &[], body),
            "- answered 200, but database.status is \"disconnected\", expected \"connected\""
        );
        assert_eq!(
            told(&json("status", json!("ok")), 200, &[], body),
            "+ answered 200 in 12ms"
        );
    }

    #[test]
    fn a_body_that_is_no_json_is_cited() {
        let expect = json("status", json!("ok"));
        assert_eq!(
            told(&expect, 200, &[], "<html>"),
            "- answered 200, but the body is not JSON (expected value at line 1 column 1): \"<html>\""
        );
        assert_eq!(
            told(&expect, 200, &[], "\n"),
            "- answered 200, but the body is empty, expected JSON"
        );
        let cut = format!("[\"{}", "x".repeat(KEPT));
        assert_eq!(
            told(&expect, 200, &[], &cut),
            "- answered 200, but the body is longer than 64 KiB, so its JSON was not read"
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let expect = HttpExpectation {
            headers: BTreeMap::from([
                ("Content-Type".to_owned(), "json".to_owned()),
                ("X-Frame-Options".to_owned(), "DENY".to_owned()),
            ]),
            contains: Some("welcome".to_owned()),
            latency: Some(Period::from_millis(11)),
            ..json("a", json!("*"))
        };
        assert_eq!(
            told(&expect, 200, &[("content-type", "text/plain")], "{}"),
            "- answered 200, but header Content-Type is \"text/plain\", expected to contain \"json\"; \
             header X-Frame-Options is not there, expected to contain \"DENY\"; a is not there; the body \
             does not contain \"welcome\": \"{}\"; took 12ms, expected at most 11ms"
        );
    }
}

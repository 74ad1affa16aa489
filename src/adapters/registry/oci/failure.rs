//! Answers that are refusals, in plain words.

use super::reply::Reply;
use super::retry::{Again, Setback, is_quota, judge, may_pass};
use crate::domain::model::{ErrorKind, Explanation, PortError, Timestamp, one_line};

use serde::Deserialize;
use std::fmt::Write as _;
use std::io::Read;

/// How much of a refusal is read, in bytes.
const READ: u64 = 16 * 1024;
/// How much of it is shown, in characters.
const SHOWN: usize = 300;

/// A refusal, read.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The status of the answer.
    pub(super) status: u16,
    /// The registry's own codes: `MANIFEST_BLOB_UNKNOWN`.
    pub(super) codes: Vec<String>,
    /// Whether it is a registry's error at all, and not some web server's.
    pub(super) is_registrys: bool,
    /// Whether it came from another server, which the registry had redirected to.
    pub(super) is_elsewhere: bool,
    /// What to tell the caller, and whether to try again.
    pub(super) setback: Setback,
}

impl Refusal {
    /// Whether one of the codes is this one.
    pub(super) fn says(&self, code: &str) -> bool {
        self.codes.iter().any(|known| known == code)
    }
}

#[derive(Deserialize, Default)]
struct Errors {
    #[serde(default)]
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: Option<String>,
}

/// Reads what a registry says with a status that is no success.
pub(super) fn refusal(mut reply: Reply, doing: &str, now: Timestamp) -> Refusal {
    let mut body = Vec::new();
    // What cannot be read is not shown; the status alone says enough.
    let _ = (&mut reply.body).take(READ).read_to_end(&mut body);
    let text = String::from_utf8_lossy(&body);
    // Some repeat the request that they did not understand, with what it showed.
    let text = reply.hidden.redact(&text);
    let errors: Option<Errors> = serde_json::from_str(&text).ok();
    let entries = errors.unwrap_or_default().errors;
    let mut message = format!("{} answered {}", reply.host, reply.status);
    let said = quoted(&entries, &text);
    if !said.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(message, " ({said})");
    }
    let again = judge(reply.status, &reply.headers, &text, now);
    let why = match advice(&reply, &text, again) {
        Some(Advice::Do(fix)) => Explanation::new(message).fix(fix),
        Some(Advice::Know(meaning)) => Explanation::new(format!("{message}; {meaning}")),
        None => Explanation::new(message),
    };
    let kind = kind(reply.status, &text);
    Refusal {
        status: reply.status,
        is_registrys: !entries.is_empty(),
        is_elsewhere: false,
        codes: entries.into_iter().map(|entry| entry.code).collect(),
        setback: Setback {
            error: PortError::new(kind, doing, why),
            again,
            unanswered: is_a_guess(reply.status),
        },
    }
}

/// Whether a status says only that somebody on the way did not hear the end: the registry may have
/// done what it was asked for.
fn is_a_guess(status: u16) -> bool {
    matches!(status, 499 | 500 | 502 | 504 | 522 | 524)
}

/// The registry's own words: its codes and messages, or the first line of what is no such list.
fn quoted(entries: &[Entry], text: &str) -> String {
    if entries.is_empty() {
        let looks_like_a_page = text.trim_start().starts_with(['<', '{', '[']);
        return if looks_like_a_page {
            String::new()
        } else {
            clean(text.lines().next().unwrap_or_default())
        };
    }
    let all: Vec<String> = entries
        .iter()
        .take(3)
        .map(|entry| match &entry.message {
            Some(message) if !message.is_empty() => format!("{}: {message}", entry.code),
            _ => entry.code.clone(),
        })
        .collect();
    clean(&all.join("; "))
}

/// As one line without control characters, and bounded: it comes from a stranger.
pub(super) fn clean(text: &str) -> String {
    one_line(text, SHOWN)
}

fn kind(status: u16, body: &str) -> ErrorKind {
    match status {
        status if may_pass(status, body) => ErrorKind::Transient,
        401 | 403 => ErrorKind::Denied,
        404 => ErrorKind::Missing,
        405 | 501 => ErrorKind::Unsupported,
        409 | 412 => ErrorKind::Conflict,
        _ => ErrorKind::Invalid,
    }
}

/// What is said beside a refusal.
enum Advice {
    /// What to do about it.
    Do(String),
    /// What it means, where there is nothing to do.
    Know(String),
}

fn advice(reply: &Reply, body: &str, again: Again) -> Option<Advice> {
    match (reply.status, again) {
        (429, _) if is_quota(&reply.headers, body) => {
            let limit = reply.headers.get("ratelimit-limit").map_or("", String::as_str);
            let limit = clean(limit);
            Some(Advice::Do(format!(
                "the quota of this account or address is used up{}{limit}{} and comes back in hours: log in with another account, or pull from a mirror",
                if limit.is_empty() { "" } else { " (" },
                if limit.is_empty() { "" } else { ")" },
            )))
        }
        (_, Again::After(wait)) => Some(Advice::Know(format!("it asks to wait {wait:?}"))),
        (401 | 403, _) if !reply.credential.is_empty() => Some(Advice::Do(reply.credential.clone())),
        (300..=399, _) => Some(Advice::Know(
            "greenroom does not follow such a redirect".to_owned(),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Redactor;
    use std::collections::BTreeMap;

    fn message(status: u16, body: &str) -> (ErrorKind, String) {
        let reply = Reply {
            status,
            headers: BTreeMap::new(),
            body: Box::new(std::io::Cursor::new(body.as_bytes().to_vec())),
            url: "https://r.io/v2/a/manifests/1".to_owned(),
            host: "r.io".to_owned(),
            credential: "no credentials were found for r.io".to_owned(),
            hidden: Redactor::default(),
        };
        let error = refusal(reply, "doing", Timestamp::from_unix_millis(0))
            .setback
            .error;
        (error.kind, error.why.to_string())
    }

    #[test]
    fn the_registrys_words_are_quoted_bounded_and_clean() {
        let denied = r#"{"errors":[{"code":"DENIED","message":"requested access\u001b[31m is denied"}]}"#;
        for (status, body, kind, expected) in [
            (
                403,
                denied,
                ErrorKind::Denied,
                "r.io answered 403 (DENIED: requested access [31m is denied); no credentials were found for r.io",
            ),
            (
                404,
                "404 page not found\n",
                ErrorKind::Missing,
                "r.io answered 404 (404 page not found)",
            ),
            (404, "<html>\n<title>", ErrorKind::Missing, "r.io answered 404"),
            (418, "{}", ErrorKind::Invalid, "r.io answered 418"),
            (
                500,
                r#"{"errors":[{"code":"UNKNOWN"}]}"#,
                ErrorKind::Transient,
                "r.io answered 500 (UNKNOWN)",
            ),
        ] {
            assert_eq!(message(status, body), (kind, expected.to_owned()));
        }
        let (_, long) = message(400, &"x".repeat(100_000));
        assert!(long.chars().count() < 350, "{}", long.len());
    }
}

//! GitHub's REST API as far as packages need it: one request at a time, within its limits.
//!
//! Facts: `docs.github.com`, "Rate limits for the REST API" and "REST API endpoints for packages". A
//! deletion costs 5 points and 900 points a minute are given, so there is a pause after each.

use crate::host::http::{Client, Outgoing, Settings, Transfer};
use crate::host::url;
use crate::model::Secret;
use crate::ports::{Clock, ErrorKind, PortError};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The largest answer that is read, in bytes: a page of 100 versions takes about 100 KB.
const LARGEST: u64 = 8 << 20;
/// How often a request is sent before its failure is told.
const TRIES: u32 = 5;
/// The longest that is waited for one more try. A limit that lasts longer is told.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// What is waited where a limit does not say how long it lasts.
const USUAL_WAIT: Duration = Duration::from_secs(60);
/// Between two deletions: 180 in a minute.
const PACE: Duration = Duration::from_millis(340);
const PATIENCE: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_secs(120);

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// The next page.
    pub(super) next: Option<String>,
    /// What GitHub says about a failure, bounded and without control characters.
    pub(super) message: String,
}

/// The API.
pub(super) struct Api {
    client: Client,
    base: String,
    token: Option<Secret>,
    clock: Arc<dyn Clock>,
    /// When the last deletion was sent.
    deleted: Mutex<Option<Duration>>,
}

impl Api {
    pub(super) fn new(
        settings: &Settings,
        base: &str,
        token: Option<Secret>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PortError> {
        let client = Client::new(settings)
            .map_err(|error| PortError::new(ErrorKind::Invalid, "preparing requests to GitHub", error))?;
        Ok(Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
            token,
            clock,
            deleted: Mutex::default(),
        })
    }

    /// The address of `path`, which begins with a slash.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a request, again where that helps, and returns the answer whatever its status.
    pub(super) fn send(&self, method: &str, url: &str, doing: &str) -> Result<Answer, PortError> {
        let mut tries = 1;
        loop {
            if method == "DELETE" {
                self.pace(doing)?;
            }
            let wait = match self.once(method, url, doing) {
                Ok((answer, None)) => return Ok(answer),
                Ok((answer, Some(wait))) if tries == TRIES || wait > LONGEST_WAIT => {
                    let kind = ErrorKind::Transient;
                    let message = format!(
                        "GitHub answered {} ({}), and asks for {} seconds of patience: try again then",
                        answer.status,
                        answer.message,
                        wait.as_secs()
                    );
                    return Err(PortError::new(kind, doing, message));
                }
                Ok((_, Some(wait))) => wait,
                Err(error) if tries == TRIES || error.kind != ErrorKind::Transient => return Err(error),
                Err(_) => Duration::from_secs(1 << tries),
            };
            self.rest(wait, doing)?;
            tries += 1;
        }
    }

    /// One try: the answer, and how long to wait where it is no final one.
    fn once(&self, method: &str, url: &str, doing: &str) -> Result<(Answer, Option<Duration>), PortError> {
        let Some(token) = &self.token else {
            let message = "GitHub tells and deletes packages only with a token: set GITHUB_TOKEN or \
                GREENROOM_REGISTRY_TOKEN to one with read:packages and delete:packages";
            return Err(PortError::new(ErrorKind::Denied, doing, message));
        };
        // A page may lead anywhere; the token goes to GitHub only.
        if url::origin(url).is_none() || url::origin(url) != url::origin(&self.base) {
            let message = format!(
                "the API led to {}, which is not {}",
                url::redacted(url),
                self.base
            );
            return Err(PortError::new(ErrorKind::Invalid, doing, message));
        }
        let authorization = format!("Bearer {}", token.expose());
        let headers = [
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
            ("authorization", authorization.as_str()),
        ];
        let transfer = Transfer {
            method,
            url,
            headers: &headers,
            body: Outgoing::Nothing,
            patience: PATIENCE,
            limit: LIMIT,
        };
        let unanswered = |error: &dyn std::fmt::Display| PortError::new(ErrorKind::Transient, doing, error);
        let incoming = self
            .client
            .transfer(transfer)
            .map_err(|error| unanswered(&error))?;
        let mut body = Vec::new();
        incoming
            .body
            .take(LARGEST)
            .read_to_end(&mut body)
            .map_err(|error| unanswered(&error))?;
        let answer = Answer {
            status: incoming.status,
            next: incoming.headers.get("link").and_then(|link| next(link)),
            message: message(&body),
            body,
        };
        let wait = self.wait(&answer, &incoming.headers);
        Ok((answer, wait))
    }

    /// How long to wait before the next try; `None` for a final answer.
    fn wait(&self, answer: &Answer, headers: &BTreeMap<String, String>) -> Option<Duration> {
        let number = |name: &str| headers.get(name)?.trim().parse::<u64>().ok();
        let after = number("retry-after").map(Duration::from_secs);
        let used_up = number("x-ratelimit-remaining") == Some(0);
        let limited = answer.status == 429
            || (answer.status == 403
                && (used_up || after.is_some() || answer.message.to_lowercase().contains("rate limit")));
        if !limited {
            return (500..600)
                .contains(&answer.status)
                .then_some(after.unwrap_or(Duration::from_secs(2)));
        }
        let now = u64::try_from(self.clock.now().unix_millis() / 1000).unwrap_or(0);
        let reset = number("x-ratelimit-reset")
            .filter(|_| used_up)
            // A second more: the clocks need not agree.
            .map(|reset| Duration::from_secs(reset.saturating_sub(now) + 1));
        Some(after.or(reset).unwrap_or(USUAL_WAIT))
    }

    fn pace(&self, doing: &str) -> Result<(), PortError> {
        let mut deleted = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        let due = deleted.map_or(now, |before| before + PACE);
        if due > now {
            self.rest(due - now, doing)?;
        }
        *deleted = Some(self.clock.monotonic());
        Ok(())
    }

    fn rest(&self, wait: Duration, doing: &str) -> Result<(), PortError> {
        self.clock
            .sleep(wait)
            .map_err(|interrupted| PortError::new(ErrorKind::Transient, doing, interrupted))
    }
}

/// The next page that a `Link` header names (RFC 8288).
fn next(link: &str) -> Option<String> {
    link.split(',').find_map(|one| {
        let (target, parameters) = one.trim().strip_prefix('<')?.split_once('>')?;
        let mut parameters = parameters.split(';').map(str::trim);
        parameters
            .any(|parameter| matches!(parameter, "rel=\"next\"" | "rel=next"))
            .then(|| target.to_owned())
    })
}

fn message(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = body["message"].as_str().unwrap_or("no reason given");
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_others() {
        let link = r#"<https://api.github.com/a?page=1>; rel="prev", <https://api.github.com/a?page=3>; rel="next", <https://api.github.com/a?page=9>; rel="last""#;
        assert_eq!(next(link).as_deref(), Some("https://api.github.com/a?page=3"));
        assert_eq!(next(r#"<https://api.github.com/a?page=1>; rel="prev""#), None);
        assert_eq!(next("rubbish, <"), None);
    }
}

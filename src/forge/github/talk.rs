//! The one place that sends requests to GitHub: within its limits, each write once.

use super::calls::{Call, Method};
use super::fault;
use super::wait::{self, Limit, PATIENCE, TRIES};
use crate::host::github::GitHubRepository;
use crate::host::http::{Client, Failure, Incoming, Outgoing, Transfer};
use crate::host::url;
use crate::model::{Period, Redactor, Timestamp};
use crate::ports::{Clock, ErrorKind, PortError};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The largest answer that is read, in bytes: a page of 100 deployments takes some 400 KB.
const LARGEST: u64 = 8 << 20;
/// The longest that GitHub may keep still: it ends every request after 10 seconds itself.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest that one request may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The shortest wait for a limit to end.
const LEAST: Duration = Duration::from_secs(1);

/// The API of one repository.
pub(super) struct Api {
    pub(super) client: Client,
    pub(super) repository: GitHubRepository,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) redactor: Redactor,
    /// Until when a limit lasts that was met: nothing is sent before.
    pub(super) limited: Mutex<Option<Timestamp>>,
}

impl Api {
    /// Begins something that takes one or more requests: what is done, for messages.
    pub(super) fn talk(&self, doing: String) -> Talk<'_> {
        Talk {
            api: self,
            doing,
            waited: Cell::new(Duration::ZERO),
        }
    }
}

/// A success.
#[derive(Debug)]
pub(super) struct Reply {
    /// 200 to 299.
    pub(super) status: u16,
    /// Its JSON; null where there is none, as with 204.
    pub(super) body: Value,
    /// The last page of a list, from its `Link`.
    pub(super) last_page: Option<u64>,
}

/// An answer, whatever its status.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
    said: String,
}

/// What one try came to.
enum Outcome {
    Answered(Answer),
    /// Whether the request may have left, and what happened.
    Lost(bool, ErrorKind, String),
}

/// One verb's requests, and how long it has waited.
pub(super) struct Talk<'a> {
    api: &'a Api,
    doing: String,
    waited: Cell<Duration>,
}

impl Talk<'_> {
    /// An error of this verb.
    pub(super) fn error(&self, kind: ErrorKind, message: impl std::fmt::Display) -> PortError {
        PortError::new(kind, &self.doing, message)
    }

    /// Sends a request and waits out the limits that are met. One that reads or removes is sent again where
    /// there is no answer; for one that writes that is `Ambiguous`.
    ///
    /// # Errors
    /// With every status that is no success, as [`fault::fault`] tells them apart.
    pub(super) fn send(&self, call: &Call) -> Result<Reply, PortError> {
        let mut tries = 1;
        loop {
            self.heed()?;
            match self.once(call)? {
                Outcome::Answered(answer) => match self.limit(&answer) {
                    Limit::For(wait) => self.sit_out(wait, &answer)?,
                    Limit::None if (200..300).contains(&answer.status) => return Ok(reply(answer)),
                    Limit::None if matches!(answer.status, 301 | 302 | 307 | 308) => {
                        return Err(self.moved(&answer));
                    }
                    Limit::None
                        if wait::is_no_answer(answer.status) && wait::repeats(call.method, true, tries) =>
                    {
                        self.rest(wait::pause(tries + 1))?;
                    }
                    Limit::None => {
                        let fault = fault::fault(call, answer.status, &answer.headers, &answer.said);
                        return Err(fault::error(&self.doing, fault));
                    }
                },
                Outcome::Lost(left, kind, _)
                    if kind == ErrorKind::Transient && wait::repeats(call.method, left, tries) =>
                {
                    self.rest(wait::pause(tries + 1))?;
                }
                Outcome::Lost(true, ErrorKind::Transient, what) => {
                    return Err(fault::error(&self.doing, fault::unanswered(call, &what)));
                }
                Outcome::Lost(_, kind, what) => return Err(self.error(kind, what)),
            }
            tries += 1;
        }
    }

    /// The same, read into what is expected.
    pub(super) fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, PortError> {
        self.read(self.send(call)?.body)
    }

    /// What a body holds.
    pub(super) fn read<T: DeserializeOwned>(&self, body: Value) -> Result<T, PortError> {
        serde_json::from_value(body).map_err(|error| {
            let message = format!("GitHub answered with something unexpected: {error}");
            self.error(ErrorKind::Invalid, self.api.redactor.redact(&message))
        })
    }

    /// Does something that must be done once, and only where it is not there yet: `look`s for it, then `act`s
    /// as [`Talk::insist`] does.
    pub(super) fn settle<T>(
        &self,
        mut look: impl FnMut() -> Result<Option<T>, PortError>,
        act: impl FnMut() -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        match look()? {
            Some(there) => Ok(there),
            None => self.insist(look, act),
        }
    }

    /// Does something that must be done once. Where the answer to an act was lost it `look`s whether it was
    /// done, and acts again only where it was not.
    pub(super) fn insist<T>(
        &self,
        mut look: impl FnMut() -> Result<Option<T>, PortError>,
        mut act: impl FnMut() -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let mut tries = 1;
        loop {
            let lost = match act() {
                Err(lost) if lost.kind == ErrorKind::Ambiguous => lost,
                outcome => return outcome,
            };
            tries += 1;
            // What was done may take a moment to show.
            self.rest(wait::pause(tries))?;
            match look()? {
                Some(there) => return Ok(there),
                None if tries > TRIES => return Err(lost),
                None => {}
            }
        }
    }

    /// Waits, within what this verb may wait in all.
    pub(super) fn rest(&self, wait: Duration) -> Result<(), PortError> {
        self.waited.set(self.waited.get().saturating_add(wait));
        self.api
            .clock
            .sleep(wait)
            .map_err(|signal| self.error(ErrorKind::Transient, signal))
    }

    /// Sends nothing while a limit lasts that was met before.
    fn heed(&self) -> Result<(), PortError> {
        let until = *self.api.limited.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.api.clock.now();
        let Some(until) = until.filter(|until| *until > now) else {
            return Ok(());
        };
        let wait = until.since(now).as_duration();
        if self.waited.get().saturating_add(wait) > PATIENCE {
            return Err(self.too_long(until));
        }
        self.rest(wait)
    }

    fn limit(&self, answer: &Answer) -> Limit {
        wait::limit(answer.status, &answer.headers, &answer.said, self.api.clock.now())
    }

    /// A limit was met: waits until it is over, or says until when it lasts.
    fn sit_out(&self, wait: Duration, answer: &Answer) -> Result<(), PortError> {
        // Not at once, whatever GitHub says: it would be asked without end.
        let wait = wait.max(LEAST);
        let until = self.api.clock.now().plus(Period::from(wait));
        *self.api.limited.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        if self.waited.get().saturating_add(wait) > PATIENCE {
            let mut error = self.too_long(until);
            error.message = format!(
                "GitHub answered {}: {}; {}",
                answer.status, answer.said, error.message
            );
            return Err(error);
        }
        Ok(())
    }

    fn too_long(&self, until: Timestamp) -> PortError {
        let message = format!(
            "its rate limit is used up until {until}, and greenroom waits {} seconds at most: try again then",
            PATIENCE.as_secs()
        );
        self.error(ErrorKind::Transient, message)
    }

    /// The repository has another name now. Nothing is sent to a new place unasked.
    fn moved(&self, answer: &Answer) -> PortError {
        let was = self.api.repository.name();
        let to = match self.new_name(answer) {
            Some(name) => format!("it is {name} now: set GITHUB_REPOSITORY, and the remote, to that"),
            None => "look up its new name, and set GITHUB_REPOSITORY and the remote to that".to_owned(),
        };
        let message = format!(
            "GitHub answered {}: {was} was renamed or moved; {to}",
            answer.status
        );
        self.error(ErrorKind::Missing, message)
    }

    /// What the repository is called that a redirect leads to: that names it by its number only.
    fn new_name(&self, answer: &Answer) -> Option<String> {
        let location = answer.headers.get("location")?;
        let number = location
            .split("/repositories/")
            .nth(1)?
            .split(['/', '?'])
            .next()?;
        let number: u64 = number.parse().ok()?;
        let call = Call {
            method: Method::Get,
            path: format!("/repositories/{number}"),
            body: None,
            needs: "contents: read",
        };
        let Outcome::Answered(found) = self.once(&call).ok()? else {
            return None;
        };
        let name = found.body.get("full_name").and_then(Value::as_str)?;
        Some(crate::model::one_line(name, 140))
    }

    /// One try.
    fn once(&self, call: &Call) -> Result<Outcome, PortError> {
        let repository = &self.api.repository;
        let url = match call.path.strip_prefix('/') {
            Some(path) => repository.root(path),
            None => repository.url(&call.path),
        };
        let mut carried = repository.headers();
        let body = call.body.as_ref().map(Value::to_string);
        carried.extend(
            body.as_ref()
                .map(|_| ("content-type", "application/json".to_owned())),
        );
        let headers: Vec<(&str, &str)> = carried
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let sent = self.api.client.transfer(Transfer {
            method: call.method.as_str(),
            url: &url,
            headers: &headers,
            body: match &body {
                Some(body) => Outgoing::Bytes(body.as_bytes()),
                None => Outgoing::Nothing,
            },
            patience: SILENCE,
            limit: LIMIT,
        });
        match sent {
            Ok(incoming) => self.receive(incoming, &url),
            Err(error) => {
                let (left, kind) = match error.failure {
                    Failure::Invalid => (false, ErrorKind::Invalid),
                    Failure::Untrusted => (false, ErrorKind::Denied),
                    Failure::Unreachable => (false, ErrorKind::Transient),
                    Failure::Unanswered => (true, ErrorKind::Transient),
                };
                Ok(Outcome::Lost(left, kind, error.to_string()))
            }
        }
    }

    /// Reads an answer to its end, or to a bound.
    fn receive(&self, incoming: Incoming, url: &str) -> Result<Outcome, PortError> {
        let Incoming {
            status,
            headers,
            body,
            ..
        } = incoming;
        let mut bytes = Vec::new();
        if let Err(error) = body.take(LARGEST + 1).read_to_end(&mut bytes) {
            let what = format!("{} answered {status} and broke off: {error}", url::redacted(url));
            return Ok(Outcome::Lost(true, ErrorKind::Transient, what));
        }
        if bytes.len() as u64 > LARGEST {
            let message = format!("GitHub answered with more than {LARGEST} bytes");
            return Err(self.error(ErrorKind::Invalid, message));
        }
        // A refusal by somebody on the way is a page, and 204 is nothing: the status says enough.
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let said = self.api.redactor.redact(&fault::words(&body)).into_owned();
        Ok(Outcome::Answered(Answer {
            status,
            headers,
            body,
            said,
        }))
    }
}

fn reply(answer: Answer) -> Reply {
    Reply {
        status: answer.status,
        last_page: answer.headers.get("link").and_then(|link| last_page(link)),
        body: answer.body,
    }
}

/// The number of the last page that a `Link` header names (RFC 8288).
fn last_page(link: &str) -> Option<u64> {
    link.split(',').find_map(|one| {
        let (target, parameters) = one.trim().strip_prefix('<')?.split_once('>')?;
        let is_last = parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), "rel=\"last\"" | "rel=last"));
        let query = target.split_once('?')?.1;
        let page = query.split('&').find_map(|pair| pair.strip_prefix("page="))?;
        is_last.then(|| page.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_is_found_among_the_others() {
        let link = r#"<https://api.github.com/a?per_page=100&page=2>; rel="next", <https://api.github.com/a?per_page=100&page=9>; rel="last""#;
        assert_eq!(last_page(link), Some(9));
        assert_eq!(
            last_page(r#"<https://api.github.com/a?page=1>; rel="prev""#),
            None
        );
        assert_eq!(last_page("rubbish, <"), None);
    }
}

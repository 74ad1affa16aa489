//! One connection to GitHub's API: the one place that sends requests, each once.

use super::calls::Call;
use super::fault;
use crate::domain::model::{ErrorKind, Explanation, PortError, Redactor, Secret, Timestamp};
use crate::host::github::GitHubApi;
use crate::host::http::{Client, Failure, Incoming, Outgoing, Transfer};
use crate::host::url;
use crate::ports::Clock;
use serde_json::Value;
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

/// The API of GitHub, or of a GitHub Enterprise server, for whoever has one token. What is asked with the same
/// token shares it, because GitHub counts by token: a limit that one request meets holds for all.
pub struct Connection {
    client: Client,
    api: GitHubApi,
    host: String,
    clock: Arc<dyn Clock>,
    redactor: Redactor,
    /// Until when a limit lasts that was met: nothing is sent before.
    limited: Mutex<Option<Timestamp>>,
}

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    /// Its JSON; null where there is none, as with 204.
    pub(super) body: Value,
    /// GitHub's own words in it.
    pub(super) said: String,
}

/// What one try came to.
pub(super) enum Outcome {
    Answered(Answer),
    /// Whether the request may have left, and what happened.
    Lost(bool, ErrorKind, Explanation),
}

impl Connection {
    /// The API at `api` (`https://api.github.com`).
    ///
    /// # Errors
    /// As [`GitHubApi::new`].
    pub fn new(client: Client, api: &str, token: Secret, clock: Arc<dyn Clock>) -> Result<Self, PortError> {
        Ok(Self {
            redactor: Redactor::new([&token]),
            host: shown(api),
            api: GitHubApi::new(api, Some(token))?,
            client,
            clock,
            limited: Mutex::default(),
        })
    }

    /// The host that people know: `github.com`.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Takes the token out of foreign text.
    pub(super) fn redact(&self, text: &str) -> String {
        self.redactor.redact(text).into_owned()
    }

    /// Until when a limit lasts that was met.
    pub(super) fn limited(&self) -> Option<Timestamp> {
        *self.limited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A limit was met.
    pub(super) fn limit(&self, until: Timestamp) {
        *self.limited.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Sends a request once; `path` is its path from the root of the API, with a slash.
    pub(super) fn send(&self, call: &Call, path: &str) -> Outcome {
        let url = self.api.url(path);
        let mut carried = self.api.headers();
        let body = call.body.as_ref().map(Value::to_string);
        carried.extend(
            body.as_ref()
                .map(|_| ("content-type", "application/json".to_owned())),
        );
        let headers: Vec<(&str, &str)> = carried
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let sent = self.client.transfer(Transfer {
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
                let mut why = Explanation::from(&error);
                if kind == ErrorKind::Denied {
                    why = why.fix("name certificates of your own in GREENROOM_GITHUB_CA_FILE");
                }
                Outcome::Lost(left, kind, why)
            }
        }
    }

    /// Reads an answer to its end, or to a bound.
    fn receive(&self, incoming: Incoming, url: &str) -> Outcome {
        let Incoming {
            status,
            headers,
            body,
            ..
        } = incoming;
        let mut bytes = Vec::new();
        if let Err(error) = body.take(LARGEST + 1).read_to_end(&mut bytes) {
            let what = format!("{} answered {status} and broke off", url::redacted(url));
            let why = Explanation::new(what).because(&error);
            return Outcome::Lost(true, ErrorKind::Transient, why);
        }
        if bytes.len() as u64 > LARGEST {
            let message = format!("GitHub answered with more than {LARGEST} bytes");
            return Outcome::Lost(true, ErrorKind::Invalid, message.into());
        }
        // A refusal by somebody on the way is a page, and 204 is nothing: the status says enough.
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let said = self.redact(&fault::words(&body));
        Outcome::Answered(Answer {
            status,
            headers,
            body,
            said,
        })
    }
}

/// The host that people know, of the API at `api`.
fn shown(api: &str) -> String {
    let authority = url::authority(api);
    let host = authority.strip_suffix(":443").unwrap_or(&authority);
    host.strip_prefix("api.").unwrap_or(host).to_owned()
}

//! One connection to GitHub's API: the one place that sends requests, each once.

use super::calls::Call;
use super::fault;
use super::outcome::{Answer, Lost};
use super::session::Session;
use super::transport::Transport;
use crate::domain::model::{Explanation, PortError, Redactor, Secret, Timestamp};
use crate::host::github::GitHubApi;
use crate::host::http::Client;
use crate::host::url;
use crate::ports::Clock;
use bytes::Bytes;
use octocrab::FromResponse;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The API of GitHub, or of a GitHub Enterprise server, for whoever has one token. What is asked with the same
/// token shares it, because GitHub counts by token: a limit that one request meets holds for all.
pub struct Connection {
    transport: Arc<Transport>,
    token: Secret,
    /// Begun by the first request, or why it could not begin: most runs have nothing to ask.
    session: OnceLock<Result<Session, Explanation>>,
    host: String,
    clock: Arc<dyn Clock>,
    redactor: Redactor,
    /// Until when a limit lasts that was met: nothing is sent before.
    limited: Mutex<Option<Timestamp>>,
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
            transport: Arc::new(Transport::new(client, GitHubApi::new(api, Some(token.clone()))?)),
            session: OnceLock::new(),
            token,
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

    /// Sends a request once; `path` is its path from the root of the API, with a slash. What comes back is
    /// without the token.
    pub(super) fn send(&self, call: &Call, path: &str) -> Result<Answer, Lost> {
        let sent = self.session().map_err(|why| Lost::before(why.clone()));
        match sent.and_then(|session| session.send(call, path)) {
            Ok(answer) if answer.is_success() => Ok(answer),
            Ok(answer) => Ok(Answer {
                said: self.words(&answer.body),
                ..answer
            }),
            Err(lost) => Err(Lost {
                what: lost.what.map(|text| self.redact(text)),
                ..lost
            }),
        }
    }

    /// Returns GitHub's own words in a refusal. The token is taken out before they are cut: a half of it would
    /// not be known again. A refusal by somebody on the way is a page, and its status says enough.
    fn words(&self, body: &[u8]) -> String {
        let text = self.redact(&String::from_utf8_lossy(body));
        fault::words(&serde_json::from_str(&text).unwrap_or_default())
    }

    /// Reads what a success holds, as [`Session::read`].
    pub(super) fn read<T: FromResponse>(&self, link: &str, body: Bytes) -> Result<T, String> {
        let session = self.session().map_err(Explanation::to_string);
        session.and_then(|session| session.read(link, body))
    }

    fn session(&self) -> Result<&Session, &Explanation> {
        let begin = || {
            Session::new(Arc::clone(&self.transport), &self.token)
                .map_err(|error| Explanation::new("octocrab's runtime cannot begin").because(&error))
        };
        self.session.get_or_init(begin).as_ref()
    }
}

/// The host that people know, of the API at `api`.
fn shown(api: &str) -> String {
    let authority = url::authority(api);
    let host = authority.strip_suffix(":443").unwrap_or(&authority);
    host.strip_prefix("api.").unwrap_or(host).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::http::HttpSettings;
    use crate::testing::FakeClock;

    fn connection() -> Connection {
        let client = Client::new(&HttpSettings::default()).unwrap();
        let token = Secret::new("swordfish".to_owned());
        let clock = Arc::new(FakeClock::default());
        Connection::new(client, "http://127.0.0.1:9", token, clock).unwrap()
    }

    #[test]
    fn a_connection_that_nobody_asks_begins_no_session() {
        let connection = connection();
        assert_eq!(connection.host(), "127.0.0.1:9");
        assert!(connection.session.get().is_none());
    }

    #[test]
    fn a_token_that_is_cut_is_not_shown_in_part() {
        let body = |message: &str| serde_json::json!({ "message": message }).to_string();
        for filled in 285..302 {
            let said = connection().words(body(&format!("{}swordfish", ".".repeat(filled))).as_bytes());
            assert!(!said.contains("sw"), "{said}");
        }
        assert_eq!(connection().words(b"<html>"), "no reason given");
    }
}

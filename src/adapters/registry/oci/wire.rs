//! Requests to registries: authorised, redirected, and repeated where that can help.

use super::address::Place;
use super::auth::{Auth, Scope, Shown};
use super::failure::{Refusal, clean, refusal};
use super::guard::Errand;
use super::referrers_api::ReferrersApi;
use super::reply::{Reply, setback_of, setback_of_source};
use super::retry::{Again, Setback, interrupted, wait};
use crate::domain::model::{ErrorKind, PortError};
use crate::host::http::{Client, Outgoing, Transfer};
use crate::host::random;
use crate::host::url::{joined, origin, redacted};
use crate::ports::{Clock, Reopen};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

/// The longest that a registry may keep still. It may have to check gigabytes before it answers.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest that one request may take, bodies included.
const LIMIT: Duration = Duration::from_secs(6 * 60 * 60);
/// Redirects that are followed for one request.
const REDIRECTS: usize = 5;
/// Credentials shown for one request: none, a token, a token for what else is demanded.
const ROUNDS: usize = 3;

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum Load<'a> {
    /// Nothing.
    Nothing,
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// `length` bytes of a stream that is opened anew for each try.
    Stream { open: &'a Reopen<'a>, length: u64 },
}

/// One request to a registry.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) place: &'a Place,
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    /// What the token must be good for.
    pub(super) scopes: &'a [Scope],
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) load: Load<'a>,
    /// What is being done, for errors.
    pub(super) doing: &'a str,
}

/// Sends requests.
pub(super) struct Wire {
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
    pub(super) auth: Auth,
    patience: Duration,
    pub(super) referrers_api: ReferrersApi,
}

impl Wire {
    pub(super) fn new(
        client: Arc<Client>,
        clock: Arc<dyn Clock>,
        auth: Auth,
        patience: Option<Duration>,
    ) -> Self {
        Self {
            client,
            clock,
            auth,
            patience: patience.unwrap_or(PATIENCE),
            referrers_api: ReferrersApi::default(),
        }
    }

    /// Tries until it works, cannot work, or has been tried long enough. The attempts are counted from
    /// one.
    pub(super) fn retried<T>(
        &self,
        doing: &str,
        mut attempt: impl FnMut(u32) -> Result<T, Setback>,
    ) -> Result<T, PortError> {
        let began = self.clock.monotonic();
        let mut tries = 1;
        loop {
            let setback = match attempt(tries) {
                Ok(value) => return Ok(value),
                Err(setback) => setback,
            };
            tries += 1;
            let spent = self.clock.monotonic().saturating_sub(began);
            let Some(period) = wait(setback.again, tries, spent, jitter()) else {
                let mut error = setback.error;
                if tries > 2 {
                    error
                        .why
                        .message
                        .push_str(&format!(" (tried {} times)", tries - 1));
                }
                return Err(error);
            };
            self.clock
                .sleep(period)
                .map_err(|signal| interrupted(doing, signal))?;
        }
    }

    /// Waits, for those who count their tries themselves.
    pub(super) fn rest(&self, next: u32, began: Duration, doing: &str) -> Result<bool, PortError> {
        let spent = self.clock.monotonic().saturating_sub(began);
        let Some(period) = wait(Again::Later, next, spent, jitter()) else {
            return Ok(false);
        };
        self.clock
            .sleep(period)
            .map_err(|signal| interrupted(doing, signal))?;
        Ok(true)
    }

    /// Time since some fixed moment.
    pub(super) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Sends a request. A refusal that may pass is a setback, any other is read and returned.
    pub(super) fn ask(&self, call: &Call<'_>) -> Result<Result<Reply, Refusal>, Setback> {
        let reply = self.once(call)?;
        if matches!(reply.status, 200..=299) {
            return Ok(Ok(reply));
        }
        let is_elsewhere = !is_own(call.place, &reply.url);
        let refusal = Refusal {
            is_elsewhere,
            ..refusal(reply, call.doing, self.clock.now())
        };
        if refusal.setback.again == Again::Never {
            Ok(Err(refusal))
        } else {
            Err(refusal.setback)
        }
    }

    /// Sends a request, with a fresh token where the one shown was refused.
    fn once(&self, call: &Call<'_>) -> Result<Reply, Setback> {
        let mut wanted = call.scopes.to_vec();
        let own = is_own(call.place, call.url);
        let mut round = 1;
        loop {
            let shown = if own {
                self.auth.shown(call.place, &wanted, call.doing)?
            } else {
                None
            };
            let mut reply = self.follow(call, shown.as_ref())?;
            if !matches!(reply.status, 401 | 403) || !is_own(call.place, &reply.url) {
                return Ok(reply);
            }
            let next = (reply.status == 401 && round < ROUNDS)
                .then(|| self.auth.learn(call.place, &reply, shown.as_ref(), &wanted))
                .flatten();
            let Some(next) = next else {
                reply.credential = self.auth.advice(call.place);
                return Ok(reply);
            };
            reply.drain();
            wanted = next;
            round += 1;
        }
    }

    /// Sends a request and follows where it is sent, without the authorization beyond its origin.
    fn follow(&self, call: &Call<'_>, shown: Option<&Shown>) -> Result<Reply, Setback> {
        let mut url = call.url.to_owned();
        let mut elsewhere: Option<Shown> = None;
        let mut hops = 0;
        loop {
            let own = is_own(call.place, &url);
            let shows = if own { shown } else { elsewhere.as_ref() };
            let reply = self.bare(call, &url, shows)?;
            let reads = matches!(call.method, "GET" | "HEAD");
            if reads && matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
                hops += 1;
                url = self.redirected(call, &reply, hops)?;
                elsewhere = None;
                reply.drain();
            } else if reads && reply.status == 401 && !own && elsewhere.is_none() {
                elsewhere = self.auth.anonymous(call.place, &reply, call.doing)?;
                if elsewhere.is_none() {
                    return Ok(reply);
                }
                reply.drain();
            } else {
                return Ok(reply);
            }
        }
    }

    fn redirected(&self, call: &Call<'_>, reply: &Reply, hops: usize) -> Result<String, Setback> {
        let invalid = |message: String| {
            let message = format!("{} {message}", reply.host);
            Setback::last(PortError::new(ErrorKind::Invalid, call.doing, message))
        };
        if hops > REDIRECTS {
            return Err(invalid(format!("redirects more than {REDIRECTS} times")));
        }
        let location = reply
            .header("location")
            .and_then(|location| joined(&reply.url, location));
        let url =
            location.ok_or_else(|| invalid(format!("answered {} without saying where", reply.status)))?;
        let permitted = self
            .auth
            .guard
            .permit(&reply.url, &url, Errand::Download)
            .and_then(|()| {
                // A chain of redirects leads no further than one.
                self.auth.guard.permit(&call.place.base, &url, Errand::Download)
            });
        permitted.map_err(|why| {
            invalid(format!(
                "redirects to {}, and greenroom does not go there: {why}",
                clean(&redacted(&url))
            ))
        })?;
        Ok(url)
    }

    /// One request, as it is.
    fn bare(&self, call: &Call<'_>, url: &str, shown: Option<&Shown>) -> Result<Reply, Setback> {
        let mut headers = call.headers.to_vec();
        headers.extend(shown.map(|shown| ("authorization", shown.value())));
        let mut source = None;
        let body = match call.load {
            Load::Nothing => Outgoing::Nothing,
            Load::Bytes(bytes) => Outgoing::Bytes(bytes),
            Load::Stream { open, length } => {
                let reader = open().map_err(Setback::last)?;
                let source = source.insert(Source {
                    reader,
                    left: length,
                    error: None,
                });
                Outgoing::Stream {
                    reader: source,
                    length,
                }
            }
        };
        let transfer = Transfer {
            method: call.method,
            url,
            headers: &headers,
            body,
            patience: self.patience,
            limit: LIMIT,
        };
        match self.client.transfer(transfer) {
            Ok(incoming) => Ok(Reply {
                status: incoming.status,
                headers: incoming.headers,
                body: incoming.body,
                host: origin(url).map_or_else(|| call.place.host.clone(), |origin| origin.host),
                url: url.to_owned(),
                credential: String::new(),
                hidden: shown.map(Shown::hidden).unwrap_or_default(),
            }),
            Err(error) => Err(match source.and_then(|source| source.error) {
                Some(error) => setback_of_source(&error, call.doing),
                None => setback_of(&error, call.doing),
            }),
        }
    }
}

/// Whether a URL is the registry's own: only there is anything shown.
pub(super) fn is_own(place: &Place, url: &str) -> bool {
    origin(url).is_some_and(|own| origin(&place.base) == Some(own))
}

/// Remembers the error of the content that is sent; ending too early is one.
struct Source {
    reader: Box<dyn Read + Send>,
    left: u64,
    error: Option<io::Error>,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let failed = match self.reader.read(buffer) {
            Ok(0) if self.left > 0 && !buffer.is_empty() => {
                io::Error::other(format!("it ends {} bytes too early", self.left))
            }
            Ok(count) => {
                self.left = self.left.saturating_sub(count as u64);
                return Ok(count);
            }
            Err(error) => error,
        };
        let kind = failed.kind();
        self.error = Some(failed);
        Err(kind.into())
    }
}

/// Between 0 and 1, another each time: many that were refused together do not come back together.
fn jitter() -> f64 {
    let drawn = random::hex(2)
        .ok()
        .and_then(|hex| u16::from_str_radix(&hex, 16).ok());
    drawn.map_or(0.5, |drawn| f64::from(drawn) / f64::from(u16::MAX))
}

//! What one verb asks of GitHub: within its limits, each write once.

use super::calls::{self, Call};
use super::connection::Connection;
use super::fault;
use super::outcome::{Answer, Lost};
use super::wait::{self, GRACE, Limit, PATIENCE, TRIES};
use crate::domain::model::{ErrorKind, Explanation, Period, PortError, Timestamp, one_line};
use crate::host::github::GitHubRepository;

use bytes::Bytes;
use octocrab::FromResponse;
use serde_json::Value;
use std::cell::Cell;
use std::time::Duration;

/// The shortest wait for a limit to end.
const LEAST: Duration = Duration::from_secs(1);
/// How much of what is wrong with an answer is shown, in characters.
const SHOWN: usize = 300;

/// A success.
#[derive(Debug)]
pub(super) struct Reply {
    /// 200 to 299.
    pub(super) status: u16,
    /// Its bytes; none with 204.
    body: Bytes,
    /// Its `Link`: the other pages of a list.
    link: String,
}

/// One verb's requests, and how long it has waited.
pub(super) struct Talk<'a> {
    connection: &'a Connection,
    /// The repository that paths are relative to which begin without a slash.
    repository: Option<&'a GitHubRepository>,
    doing: String,
    /// The longest that is waited for limits in all.
    patience: Duration,
    /// When, on the clock that never goes back.
    began: Duration,
    waited: Cell<Duration>,
}

impl<'a> Talk<'a> {
    /// Begins something that takes one or more requests: what is done, for messages. `repository` is the one
    /// that relative paths are in.
    pub(super) fn new(
        connection: &'a Connection,
        repository: Option<&'a GitHubRepository>,
        doing: String,
    ) -> Self {
        Self {
            connection,
            repository,
            doing,
            patience: PATIENCE,
            began: connection.clock().monotonic(),
            waited: Cell::new(Duration::ZERO),
        }
    }

    /// The same, which waits this long for limits.
    pub(super) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

impl Talk<'_> {
    /// An error of this verb.
    pub(super) fn error(&self, kind: ErrorKind, why: impl Into<Explanation>) -> PortError {
        PortError::new(kind, &self.doing, why)
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
            match self.once(call) {
                Ok(answer) => match self.limit(&answer) {
                    Limit::For(wait) => self.sit_out(wait, &answer)?,
                    Limit::None if answer.is_success() => return Ok(reply(answer)),
                    Limit::None if matches!(answer.status, 301 | 302 | 307 | 308) => {
                        return Err(self.moved(&answer));
                    }
                    Limit::None if wait::is_no_answer(answer.status) && self.repeats(call, true, tries) => {
                        self.rest(wait::pause(tries + 1))?;
                    }
                    Limit::None => {
                        let (kind, what) = fault::fault(call, answer.status, &answer.headers, &answer.said);
                        return Err(self.error(kind, what));
                    }
                },
                Err(lost) if lost.kind == ErrorKind::Transient && self.repeats(call, lost.left, tries) => {
                    self.rest(wait::pause(tries + 1))?;
                }
                Err(lost) if lost.left && lost.kind == ErrorKind::Transient => {
                    let (kind, what) = fault::unanswered(call, lost.what);
                    return Err(self.error(kind, what));
                }
                Err(lost) => return Err(self.error(lost.kind, lost.what)),
            }
            tries += 1;
        }
    }

    /// The same, read into what is expected: a model, or an [`octocrab::Page`] of them.
    pub(super) fn ask<T: FromResponse>(&self, call: &Call) -> Result<T, PortError> {
        self.read(self.send(call)?)
    }

    /// The same; `None` where it is not there, or is not shown.
    pub(super) fn find<T: FromResponse>(&self, call: &Call) -> Result<Option<T>, PortError> {
        match self.ask(call) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == ErrorKind::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads what a success holds.
    pub(super) fn read<T: FromResponse>(&self, reply: Reply) -> Result<T, PortError> {
        self.connection
            .read(&reply.link, reply.body)
            .map_err(|wrong| self.unexpected(&wrong))
    }

    /// Returns the error for an answer that is not what it should be; `wrong` is why, in foreign words.
    pub(super) fn unexpected(&self, wrong: &str) -> PortError {
        let wrong = one_line(&self.connection.redact(wrong), SHOWN);
        let why = Explanation::new("GitHub answered with something unexpected").caused_by(wrong);
        self.error(ErrorKind::Invalid, why)
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
                None if tries > TRIES || self.is_late() => return Err(lost),
                None => {}
            }
        }
    }

    /// Waits, within what this verb may wait in all.
    pub(super) fn rest(&self, wait: Duration) -> Result<(), PortError> {
        self.waited.set(self.waited.get().saturating_add(wait));
        self.connection
            .clock()
            .sleep(wait)
            .map_err(|signal| self.error(ErrorKind::Transient, &signal))
    }

    fn repeats(&self, call: &Call, left: bool, tries: u32) -> bool {
        wait::repeats(call.method, left, tries) && !self.is_late()
    }

    /// Whether this verb has gone on for long enough.
    fn is_late(&self) -> bool {
        let gone_on = self.connection.clock().monotonic().saturating_sub(self.began);
        gone_on >= self.patience.saturating_add(GRACE)
    }

    /// Sends nothing while a limit lasts that was met before.
    fn heed(&self) -> Result<(), PortError> {
        let now = self.connection.clock().now();
        let Some(until) = self.connection.limited().filter(|until| *until > now) else {
            return Ok(());
        };
        let wait = until.since(now).as_duration();
        if self.waited.get().saturating_add(wait) > self.patience {
            return Err(self.too_long(until));
        }
        self.rest(wait)
    }

    fn limit(&self, answer: &Answer) -> Limit {
        let now = self.connection.clock().now();
        wait::limit(answer.status, &answer.headers, &answer.said, now)
    }

    /// A limit was met: waits until it is over, or says until when it lasts.
    fn sit_out(&self, wait: Duration, answer: &Answer) -> Result<(), PortError> {
        // Not at once, whatever GitHub says: it would be asked without end.
        let wait = wait.max(LEAST);
        let until = self.connection.clock().now().plus(Period::from(wait));
        self.connection.limit(until);
        if self.waited.get().saturating_add(wait) > self.patience {
            let mut error = self.too_long(until);
            error.why.message = format!(
                "GitHub answered {}: {}; {}",
                answer.status, answer.said, error.why.message
            );
            return Err(error);
        }
        Ok(())
    }

    fn too_long(&self, until: Timestamp) -> PortError {
        let message = format!(
            "its rate limit is used up until {until}, and greenroom waits {} seconds at most",
            self.patience.as_secs()
        );
        self.error(ErrorKind::Transient, message).fix("try again then")
    }

    /// What is asked for has another name now. Nothing is sent to a new place unasked.
    fn moved(&self, answer: &Answer) -> PortError {
        let answered = format!("GitHub answered {}", answer.status);
        let Some(repository) = self.repository else {
            // It is there, elsewhere: nobody may take it for gone.
            return self
                .error(ErrorKind::Invalid, format!("{answered}: it was renamed or moved"))
                .fix("look up its new name, and write that in its place");
        };
        let to = match self.new_name(answer) {
            Some(name) => format!("it is {name} now: set GITHUB_REPOSITORY, and the remote, to that"),
            None => "look up its new name, and set GITHUB_REPOSITORY and the remote to that".to_owned(),
        };
        let was = repository.name();
        self.error(
            ErrorKind::Missing,
            format!("{answered}: {was} was renamed or moved"),
        )
        .fix(to)
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
        let found = self.once(&calls::repositories::numbered(number)).ok()?.json();
        let name = found.get("full_name").and_then(Value::as_str)?;
        Some(one_line(name, 140))
    }

    /// One try.
    fn once(&self, call: &Call) -> Result<Answer, Lost> {
        match self.repository {
            Some(repository) if !call.path.starts_with('/') => {
                self.connection.send(call, &repository.path(&call.path))
            }
            _ => self.connection.send(call, &call.path),
        }
    }
}

fn reply(mut answer: Answer) -> Reply {
    Reply {
        status: answer.status,
        link: answer.headers.remove("link").unwrap_or_default(),
        body: answer.body,
    }
}

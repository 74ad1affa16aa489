//! Writing blobs: mounted from a neighbour, sent in one piece, or in several where a registry insists.

use super::address::Place;
use super::auth::Scope;
use super::chunks;
use super::failure::{Refusal, clean};
use super::guard::Errand;
use super::pull::{digest_of, is_there};
use super::reply::Reply;
use super::retry::{Again, Setback};
use super::wire::{Call, Load, Wire, is_own};
use crate::domain::model::{Digest, ErrorKind, PortError};
use crate::host::url::{joined, redacted};
use crate::ports::{Blob, Content};

/// A blob below this size, in bytes, is sent without asking first whether it is there: the answer would
/// take as long.
const SMALL: u64 = 2 * 1024;

/// A token that may write.
pub(super) fn writing(place: &Place) -> [Scope; 1] {
    [Scope::repository(&place.name, &["pull", "push"])]
}

/// A blob on its way to a repository.
pub(super) struct Push<'a> {
    pub(super) wire: &'a Wire,
    pub(super) place: &'a Place,
    pub(super) blob: &'a Blob<'a>,
    pub(super) scopes: [Scope; 1],
    pub(super) doing: String,
}

/// Stores a blob. `from` is its source's address, where that is in the same registry.
pub(super) fn push(
    wire: &Wire,
    place: &Place,
    blob: &Blob<'_>,
    from: Option<&Place>,
) -> Result<(), PortError> {
    let doing = format!("storing {} in {}/{}", blob.digest, place.host, place.name);
    let push = Push {
        wire,
        place,
        blob,
        scopes: writing(place),
        doing,
    };
    let mut session = None;
    if let Some(from) = from.filter(|from| from.name != place.name) {
        match push.mount(from) {
            Mounted::Yes => return Ok(()),
            Mounted::No(begun) => session = begun,
        }
    }
    let worth_asking = from.is_some() || blob.size > SMALL;
    if worth_asking {
        let there = wire.retried(&push.doing, |_| push.is_there());
        if !matches!(there, Ok(false)) {
            if let Some(session) = session {
                push.abandon(&session);
            }
            return there.map(|_| ());
        }
    }
    push.upload(session)
}

/// Whether a blob was mounted.
enum Mounted {
    /// It is there.
    Yes,
    /// It is not, and perhaps an upload has begun.
    No(Option<String>),
}

impl Push<'_> {
    /// Whether the repository has it.
    pub(super) fn is_there(&self) -> Result<bool, Setback> {
        // With the token for writing, which is needed anyway.
        is_there(
            self.wire,
            self.place,
            &self.scopes,
            (Content::Blob, self.blob.digest),
            &self.doing,
        )
    }

    /// Takes it from a neighbouring repository. Any answer but 201 means that it is to be sent: some
    /// registries say 404 or 403 where the source may not be read, or do not know the request.
    fn mount(&self, from: &Place) -> Mounted {
        let url = self.place.url(&format!(
            "blobs/uploads/?mount={}&from={}",
            self.blob.digest, from.name
        ));
        let scopes = [self.scopes[0].clone(), Scope::repository(&from.name, &["pull"])];
        let call = Call {
            scopes: &scopes,
            ..self.call("POST", &url)
        };
        match self.wire.ask(&call) {
            Ok(Ok(reply)) if reply.status == 201 => {
                let proven = match digest_of(&reply) {
                    Some(digest) => digest == *self.blob.digest,
                    None => matches!(self.is_there(), Ok(true)),
                };
                if proven { Mounted::Yes } else { Mounted::No(None) }
            }
            Ok(Ok(reply)) if reply.status == 202 => Mounted::No(self.location(&reply).ok()),
            Ok(Ok(_) | Err(_)) | Err(_) => Mounted::No(None),
        }
    }

    /// Sends it, in a session that may have begun already.
    fn upload(&self, mut begun: Option<String>) -> Result<(), PortError> {
        let mut in_chunks = false;
        let mut careful = false;
        self.wire.retried(&self.doing, |_| {
            if in_chunks {
                return chunks::send(self);
            }
            let session = match begun.take() {
                Some(session) => session,
                None => self.begin()?.0,
            };
            let setback = match self.send_whole(&session, careful) {
                Ok(()) => return Ok(()),
                Err(Refused::Whole(refusal)) => {
                    in_chunks = true;
                    self.abandon(&session);
                    let whole = refusal.setback.error;
                    return chunks::send(self).map_err(|setback| also(setback, &whole));
                }
                Err(Refused::Setback(setback)) => setback,
            };
            // The next try waits for the registry's word before it sends: one that refuses and closes
            // the connection at once would not be heard otherwise.
            careful |= setback.unanswered;
            self.after(setback, &session)
        })
    }

    /// After a setback: what may have been carried out is looked for before it is done again.
    pub(super) fn after(&self, setback: Setback, session: &str) -> Result<(), Setback> {
        if !setback.unanswered {
            self.abandon(session);
            return Err(setback);
        }
        match self.is_there() {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.abandon(session);
                Err(setback)
            }
            Err(blind) => {
                let message = format!(
                    "{}; whether it is there cannot be told",
                    setback.error.why.cause_line()
                );
                let error =
                    PortError::new(ErrorKind::Ambiguous, &self.doing, message).because(&blind.error.why);
                Err(Setback { error, ..setback })
            }
        }
    }

    /// Begins an upload: its session, and the smallest chunk that the registry takes.
    pub(super) fn begin(&self) -> Result<(String, Option<u64>), Setback> {
        let url = self.place.url("blobs/uploads/");
        match self.wire.ask(&self.call("POST", &url))? {
            Ok(reply) => {
                let smallest = reply
                    .header("oci-chunk-min-length")
                    .and_then(|length| length.parse().ok());
                Ok((self.location(&reply)?, smallest))
            }
            Err(refusal) => Err(refusal.setback),
        }
    }

    fn send_whole(&self, session: &str, careful: bool) -> Result<(), Refused> {
        let url = with_digest(session, self.blob.digest);
        let headers = [
            ("content-type", "application/octet-stream"),
            ("expect", "100-continue"),
        ];
        let call = Call {
            headers: if careful { &headers } else { &headers[..1] },
            load: Load::Stream {
                open: self.blob.open,
                length: self.blob.size,
            },
            ..self.call("PUT", &url)
        };
        match self.wire.ask(&call).map_err(Refused::Setback)? {
            Ok(reply) => self.prove(reply).map_err(Refused::Setback),
            Err(refusal) if matches!(refusal.status, 405 | 411 | 413 | 416) => Err(Refused::Whole(refusal)),
            Err(refusal) => Err(Refused::Setback(self.judged(refusal))),
        }
    }

    /// A session that the registry has lost is begun anew.
    pub(super) fn judged(&self, refusal: Refusal) -> Setback {
        if refusal.status == 404 && refusal.says("BLOB_UPLOAD_UNKNOWN") {
            return Setback {
                again: Again::Later,
                ..refusal.setback
            };
        }
        refusal.setback
    }

    /// A write counts when the registry says what it has stored, or has it when it is asked.
    pub(super) fn prove(&self, reply: Reply) -> Result<(), Setback> {
        let status = reply.status;
        let said = digest_of(&reply);
        reply.drain();
        let lost =
            |message: String| Setback::passing(PortError::new(ErrorKind::Transient, &self.doing, message));
        match said {
            Some(digest) if digest == *self.blob.digest && status == 201 => Ok(()),
            Some(other) if other != *self.blob.digest => {
                let message = format!("{} says that it has stored {other}", self.place.host);
                Err(Setback::last(PortError::new(
                    ErrorKind::Invalid,
                    &self.doing,
                    message,
                )))
            }
            _ if self.is_there()? => Ok(()),
            _ => Err(lost(format!(
                "{} answered {status}, and does not have it",
                self.place.host
            ))),
        }
    }

    /// Where an upload goes on. Used exactly as it is given.
    pub(super) fn location(&self, reply: &Reply) -> Result<String, Setback> {
        let invalid =
            |message: String| Setback::last(PortError::new(ErrorKind::Invalid, &self.doing, message));
        let location = reply
            .header("location")
            .and_then(|location| joined(&reply.url, location));
        let url = location.ok_or_else(|| {
            invalid(format!(
                "{} answered {} without saying where to go on",
                self.place.host, reply.status
            ))
        })?;
        let guard = &self.wire.auth.guard;
        guard
            .permit(&self.place.base, &url, Errand::Upload)
            .map_err(|why| {
                let shown = clean(&redacted(&url));
                invalid(format!(
                    "{} sends the upload to {shown}, and greenroom does not go there: {why}",
                    self.place.host
                ))
            })?;
        Ok(url)
    }

    /// Gives up an upload. Whether that works does not matter: registries forget old ones.
    pub(super) fn abandon(&self, session: &str) {
        if is_own(self.place, session)
            && let Ok(Ok(reply)) = self.wire.ask(&self.call("DELETE", session))
        {
            reply.drain();
        }
    }

    pub(super) fn call<'c>(&'c self, method: &'c str, url: &'c str) -> Call<'c> {
        Call {
            place: self.place,
            method,
            url,
            scopes: &self.scopes,
            headers: &[],
            load: Load::Nothing,
            doing: &self.doing,
        }
    }
}

/// Why a blob could not be sent in one piece.
enum Refused {
    /// The registry takes it in smaller pieces, if at all.
    Whole(Refusal),
    /// For another reason.
    Setback(Setback),
}

/// The setback of the second way, with why the first was refused.
fn also(mut setback: Setback, first: &PortError) -> Setback {
    let why = &mut setback.error.why;
    why.message = format!("{}; in one piece: {}", why.message, first.why.cause_line());
    setback
}

/// The session's URL with the digest that ends it.
pub(super) fn with_digest(session: &str, digest: &Digest) -> String {
    let separator = match session.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{session}{separator}digest={digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_added_to_whatever_the_session_is() {
        let digest = Digest::of(b"");
        for (session, begin) in [
            ("http://h/u/1", "http://h/u/1?digest="),
            ("http://h/u/1?_state=a%2Fb", "http://h/u/1?_state=a%2Fb&digest="),
            ("http://h/u/1?", "http://h/u/1?digest="),
            ("http://h/u/1?a&", "http://h/u/1?a&digest="),
        ] {
            assert_eq!(with_digest(session, &digest), format!("{begin}{digest}"));
        }
    }
}

//! Reading blobs: as streams that go on where they were cut, and are checked as a whole.

use super::address::Place;
use super::pull::reading;
use super::reply::Reply;
use super::retry::Setback;
use super::wire::{Call, Load, Wire};
use crate::domain::model::{Digest, ErrorKind, PortError};

use sha2::{Digest as _, Sha256};
use std::io::{self, Read};
use std::sync::Arc;

/// How often one blob is begun anew, in all.
const RESUMED: u32 = 20;

/// A blob on its way. The read that gives its last byte fails when the content is not what was asked
/// for, so that nobody can store the whole of it.
pub(super) struct BlobStream {
    wire: Arc<Wire>,
    place: Place,
    digest: Digest,
    doing: String,
    body: Option<Box<dyn Read + Send>>,
    /// What was given to the caller.
    hasher: Sha256,
    given: u64,
    /// Its whole length, where the registry says so.
    length: Option<u64>,
    resumed: u32,
    /// Cuts since the last byte that came.
    fruitless: u32,
    /// Whether the registry has shown that it does not give parts.
    only_whole: bool,
    done: bool,
}

impl BlobStream {
    /// Opens a blob; the first bytes are on their way.
    pub(super) fn open(wire: &Arc<Wire>, place: &Place, digest: &Digest) -> Result<Self, PortError> {
        let doing = format!("reading {digest} from {}/{}", place.host, place.name);
        let mut stream = Self {
            wire: Arc::clone(wire),
            place: place.clone(),
            digest: digest.clone(),
            doing,
            body: None,
            hasher: Sha256::new(),
            given: 0,
            length: None,
            resumed: 0,
            fruitless: 0,
            only_whole: false,
            done: false,
        };
        let reply = wire.retried(&stream.doing, |_| stream.request(None))?;
        stream.length = length_of(&reply);
        stream.body = Some(reply.body);
        Ok(stream)
    }

    fn request(&self, from: Option<u64>) -> Result<Reply, Setback> {
        let url = self.place.url(&format!("blobs/{}", self.digest));
        let range = from.map(|from| format!("bytes={from}-"));
        let headers: Vec<(&str, &str)> = range.iter().map(|range| ("range", range.as_str())).collect();
        let call = Call {
            place: &self.place,
            method: "GET",
            url: &url,
            scopes: &reading(&self.place),
            headers: &headers,
            load: Load::Nothing,
            doing: &self.doing,
        };
        match self.wire.ask(&call)? {
            Ok(reply) => Ok(reply),
            Err(refusal) => Err(refusal.setback),
        }
    }

    /// Goes on where the stream was cut: with the rest where the registry gives it, else with the whole,
    /// of which the first part is read over. The caller has that already, and it is in the hash.
    fn resume(&mut self, why: &io::Error) -> Result<(), PortError> {
        self.body = None;
        let began = self.wire.monotonic();
        self.resumed += 1;
        self.fruitless += 1;
        let goes_on = self.resumed <= RESUMED && self.wire.rest(self.fruitless + 1, began, &self.doing)?;
        if !goes_on {
            let message = format!("the connection was cut {} times", self.resumed);
            return Err(PortError::new(ErrorKind::Transient, &self.doing, message).because(why));
        }
        let wire = Arc::clone(&self.wire);
        let doing = self.doing.clone();
        self.body = Some(wire.retried(&doing, |_| self.rest_of_it())?);
        Ok(())
    }

    fn rest_of_it(&mut self) -> Result<Box<dyn Read + Send>, Setback> {
        if self.given > 0 && !self.only_whole {
            match self.request(Some(self.given)) {
                Ok(reply) if self.is_the_rest(&reply) => return Ok(reply.body),
                Ok(reply) if reply.status == 200 => return self.without_beginning(reply),
                // Another part than was asked for, or a range that it says there is not.
                Ok(_) => self.only_whole = true,
                Err(setback) if setback.error.kind == ErrorKind::Invalid => self.only_whole = true,
                Err(setback) => return Err(setback),
            }
        }
        let reply = self.request(None)?;
        self.without_beginning(reply)
    }

    /// Whether an answer says that it is the part that was asked for.
    fn is_the_rest(&mut self, reply: &Reply) -> bool {
        let Some((from, to, length)) = reply.header("content-range").and_then(content_range) else {
            return false;
        };
        let fits = reply.status == 206
            && from == self.given
            && length
                .is_none_or(|length| to + 1 == length && self.length.is_none_or(|known| known == length));
        if fits {
            self.length = self.length.or(length);
        }
        fits
    }

    fn without_beginning(&mut self, mut reply: Reply) -> Result<Box<dyn Read + Send>, Setback> {
        if reply.status != 200 {
            let message = format!(
                "{} answered {} to a request for all of it",
                reply.host, reply.status
            );
            return Err(Setback::last(PortError::new(
                ErrorKind::Invalid,
                &self.doing,
                message,
            )));
        }
        self.length = length_of(&reply);
        let read = io::copy(&mut (&mut reply.body).take(self.given), &mut io::sink());
        match read {
            Ok(count) if count == self.given => Ok(reply.body),
            Ok(_) | Err(_) => {
                let message = "the connection was cut again before the place was reached";
                Err(Setback::passing(PortError::new(
                    ErrorKind::Transient,
                    &self.doing,
                    message,
                )))
            }
        }
    }

    /// The digest of what came, against what was asked for.
    fn check(&mut self) -> io::Result<()> {
        self.done = true;
        let found = Digest::from_sha256(self.hasher.clone().finalize().into());
        if found == self.digest {
            return Ok(());
        }
        let message = format!(
            "{} gave content whose digest is {found} and not {}; do not use it",
            self.place.host, self.digest
        );
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            PortError::new(ErrorKind::Invalid, &self.doing, message),
        ))
    }

    fn is_complete(&self) -> bool {
        self.length.is_some_and(|length| self.given >= length)
    }
}

impl Read for BlobStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let read = match &mut self.body {
                Some(body) => body.read(buffer),
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            };
            match read {
                Ok(0) if self.length.is_none() || self.is_complete() => {
                    self.check()?;
                    return Ok(0);
                }
                Ok(0) => self
                    .resume(&io::ErrorKind::UnexpectedEof.into())
                    .map_err(io::Error::other)?,
                Ok(count) => {
                    self.hasher.update(&buffer[..count]);
                    self.given += count as u64;
                    self.fruitless = 0;
                    if self.is_complete() {
                        self.check()?;
                        self.finish();
                    }
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.resume(&error).map_err(io::Error::other)?,
            }
        }
    }
}

impl BlobStream {
    /// Reads the end of the body, so that the connection can serve again.
    fn finish(&mut self) {
        if let Some(mut body) = self.body.take() {
            // All of it has come; a connection that is not at its end is closed.
            let _ = body.read(&mut [0; 1]);
        }
    }
}

/// The length of a whole blob.
fn length_of(reply: &Reply) -> Option<u64> {
    (reply.status == 200)
        .then(|| reply.header("content-length")?.parse().ok())
        .flatten()
}

/// `bytes FROM-TO/LENGTH`; the length may be `*`.
fn content_range(value: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, length) = value.strip_prefix("bytes")?.trim().split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let length = match length.trim() {
        "*" => None,
        length => Some(length.parse().ok()?),
    };
    Some((from.trim().parse().ok()?, to.trim().parse().ok()?, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_came_is_read_from_its_header() {
        for (value, expected) in [
            ("bytes 5-9/10", Some((5, 9, Some(10)))),
            ("bytes 5-9/*", Some((5, 9, None))),
            ("bytes */10", None),
            ("items 5-9/10", None),
            ("", None),
        ] {
            assert_eq!(content_range(value), expected, "{value}");
        }
    }
}

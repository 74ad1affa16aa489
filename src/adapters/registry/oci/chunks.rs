//! Sending a blob in chunks, for registries that do not take it in one piece. What the registry says
//! it has is checked after every chunk: one is known to answer well and keep only the first.

use super::push::{Push, with_digest};
use super::reply::Reply;
use super::retry::Setback;
use super::wire::Load;
use crate::domain::model::{ErrorKind, PortError};
use crate::ports::Reopen;
use std::io::{self, Read};

/// The largest chunk, in bytes; ghcr.io takes no more.
const LARGEST: u64 = 4 << 20;
/// The largest chunk that a registry may ask for, in bytes.
const LARGEST_ASKED: u64 = 256 << 20;
/// How often a session may say that it has something else than was thought.
const RESYNCED: u32 = 3;

/// Sends the blob in a session of its own.
pub(super) fn send(push: &Push<'_>) -> Result<(), Setback> {
    let (session, smallest) = push.begin()?;
    let chunk = smallest.unwrap_or(LARGEST).max(LARGEST);
    if chunk > LARGEST_ASKED {
        let message = format!("{} wants chunks of {chunk} bytes and more", push.place.host);
        return Err(failed(push, ErrorKind::Unsupported, message));
    }
    let mut chunks = Chunks {
        push,
        session,
        chunk,
        done: 0,
        resynced: 0,
    };
    match chunks.run() {
        Ok(()) => Ok(()),
        Err(setback) => push.after(setback, &chunks.session),
    }
}

struct Chunks<'a> {
    push: &'a Push<'a>,
    session: String,
    chunk: u64,
    /// What the registry has.
    done: u64,
    resynced: u32,
}

impl Chunks<'_> {
    fn run(&mut self) -> Result<(), Setback> {
        let size = self.push.blob.size;
        while self.done < size {
            self.patch(self.chunk.min(size - self.done))?;
        }
        let url = with_digest(&self.session, self.push.blob.digest);
        match self.push.wire.ask(&self.push.call("PUT", &url))? {
            Ok(reply) => self.push.prove(reply),
            Err(refusal) => Err(self.push.judged(refusal)),
        }
    }

    fn patch(&mut self, length: u64) -> Result<(), Setback> {
        let push = self.push;
        let (from, to) = (self.done, self.done + length - 1);
        let range = format!("{from}-{to}");
        let open = || from_offset(push.blob.open, from);
        let mut call = push.call("PATCH", &self.session);
        let headers = [
            ("content-type", "application/octet-stream"),
            ("content-range", range.as_str()),
        ];
        call.headers = &headers;
        call.load = Load::Stream { open: &open, length };
        match push.wire.ask(&call)? {
            Ok(reply) => {
                let next = push.location(&reply)?;
                let has = match received(&reply) {
                    Some(has) => has,
                    None => self.status(&next)?,
                };
                reply.drain();
                self.session = next;
                // A session with one byte looks like an empty one.
                if has == to + 1 || (to == 0 && has == 0) {
                    self.done = to + 1;
                    return Ok(());
                }
                let message = format!(
                    "{} took bytes {range} and says that it has {has}: it loses chunks, and what it would store is not what was sent",
                    push.place.host
                );
                Err(failed(push, ErrorKind::Invalid, message))
            }
            Err(refusal) if refusal.status == 416 && self.resynced < RESYNCED => {
                self.resynced += 1;
                let session = self.session.clone();
                self.done = self.status(&session)?.min(push.blob.size);
                Ok(())
            }
            Err(refusal) => Err(push.judged(refusal)),
        }
    }

    /// How much the registry has of this session.
    fn status(&mut self, session: &str) -> Result<u64, Setback> {
        let push = self.push;
        match push.wire.ask(&push.call("GET", session))? {
            Ok(reply) => {
                let has = received(&reply);
                if reply.header("location").is_some() {
                    self.session = push.location(&reply)?;
                }
                reply.drain();
                has.ok_or_else(|| {
                    let message = format!("{} does not say how much it has of the upload", push.place.host);
                    failed(push, ErrorKind::Invalid, message)
                })
            }
            Err(refusal) => Err(push.judged(refusal)),
        }
    }
}

fn failed(push: &Push<'_>, kind: ErrorKind, message: String) -> Setback {
    Setback::last(PortError::new(kind, &push.doing, message))
}

/// The content from a place on.
fn from_offset(open: &Reopen<'_>, from: u64) -> Result<Box<dyn Read + Send>, PortError> {
    let mut reader = open()?;
    io::copy(&mut (&mut reader).take(from), &mut io::sink())
        .map_err(|error| PortError::new(ErrorKind::Transient, "reading the content again", &error))?;
    Ok(reader)
}

/// How many bytes a session has by its `Range: 0-LAST`, with or without `bytes=`.
fn received(reply: &Reply) -> Option<u64> {
    let range = reply.header("range")?;
    let (from, to) = range.strip_prefix("bytes=").unwrap_or(range).split_once('-')?;
    let (from, to): (u64, u64) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    // `0-0` is what docker's registry says of an empty session, too.
    (from == 0).then_some(if to == 0 { 0 } else { to + 1 })
}

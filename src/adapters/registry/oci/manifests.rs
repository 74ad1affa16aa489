//! Writing manifests: exact bytes, under their digest or under tags.

use super::LANES;
use super::address::Place;
use super::failure::Refusal;
use super::pull::{digest_of, is_there, resolve};
use super::push::writing;
use super::referrers;
use super::retry::Setback;
use super::wire::{Call, Load, Wire};
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::domain::oci::{Descriptor, Manifest};
use crate::parallel::try_each;
use crate::ports::Content;

/// What a registry says when something that a manifest names is not there.
const ABSENT: [&str; 4] = [
    "MANIFEST_BLOB_UNKNOWN",
    "BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
];

/// A manifest on its way to a repository.
struct Writing<'a> {
    wire: &'a Wire,
    place: &'a Place,
    bytes: &'a [u8],
    digest: Digest,
    media_type: &'a str,
}

/// Stores a manifest, points the tags at it, and lists it with its subject's referrers where the
/// registry does not do so itself.
pub(super) fn push(
    wire: &Wire,
    place: &Place,
    bytes: &[u8],
    tags: &[Tag],
    attaching: &referrers::Attaching,
) -> Result<Digest, PortError> {
    let doing = format!("storing a manifest in {}/{}", place.host, place.name);
    let manifest =
        Manifest::parse(bytes).map_err(|error| PortError::new(ErrorKind::Invalid, doing, &error))?;
    let writing = Writing {
        wire,
        place,
        bytes,
        digest: Digest::of(bytes),
        media_type: &manifest.media_type,
    };
    let listed = match tags {
        [] => vec![writing.put(None)?],
        tags => try_each(tags, LANES, |tag| writing.put(Some(tag)))?,
    };
    if let Some(subject) = &manifest.subject
        && !listed.iter().all(|listed| *listed)
    {
        let descriptor = Descriptor {
            media_type: manifest.media_type.clone(),
            digest: writing.digest.clone(),
            size: bytes.len() as u64,
            platform: None,
            annotations: manifest.annotations.clone(),
            artifact_type: manifest.artifact_type.clone(),
            urls: Vec::new(),
        };
        attaching.attach(wire, place, &subject.digest, &descriptor)?;
    }
    Ok(writing.digest)
}

/// Stores a manifest under a tag, and nothing else.
pub(super) fn put(
    wire: &Wire,
    place: &Place,
    bytes: &[u8],
    media_type: &str,
    tag: &Tag,
) -> Result<(), PortError> {
    let digest = Digest::of(bytes);
    Writing {
        wire,
        place,
        bytes,
        digest,
        media_type,
    }
    .put(Some(tag))
    .map(|_| ())
}

impl Writing<'_> {
    /// Stores it under `tag`, or under its digest alone. Whether the registry lists it with its
    /// subject's referrers by itself.
    fn put(&self, tag: Option<&Tag>) -> Result<bool, PortError> {
        let reference = tag.map_or_else(|| self.digest.to_string(), Tag::to_string);
        let doing = format!("storing {}:{reference} in {}", self.place.name, self.place.host);
        let url = self.place.url(&format!("manifests/{reference}"));
        let call = Call {
            place: self.place,
            method: "PUT",
            url: &url,
            scopes: &writing(self.place),
            headers: &[("content-type", self.media_type)],
            load: Load::Bytes(self.bytes),
            doing: &doing,
        };
        self.wire.retried(&doing, |_| match self.wire.ask(&call) {
            Ok(Ok(reply)) => {
                let said = digest_of(&reply);
                let lists = reply.header("oci-subject").is_some();
                let status = reply.status;
                reply.drain();
                match said {
                    Some(digest) if digest == self.digest && status == 201 => Ok(lists),
                    Some(other) if other != self.digest => Err(self.other(&doing, &other)),
                    _ if self.is_stored(tag, &doing)? => Ok(lists),
                    _ => {
                        let message = format!("{} answered {status}, and does not have it", self.place.host);
                        Err(Setback::passing(PortError::new(
                            ErrorKind::Transient,
                            &doing,
                            message,
                        )))
                    }
                }
            }
            Ok(Err(refusal)) => Err(absent(refusal)),
            Err(setback) if setback.unanswered => self.unanswered(tag, setback, &doing),
            Err(setback) => Err(setback),
        })
    }

    /// It may have been stored without our being told.
    fn unanswered(&self, tag: Option<&Tag>, setback: Setback, doing: &str) -> Result<bool, Setback> {
        match self.is_stored(tag, doing) {
            // Whether it lists referrers was in the answer: what is listed twice does no harm.
            Ok(true) => Ok(false),
            Ok(false) => Err(setback),
            Err(blind) => {
                let message = format!(
                    "{}; whether it is there cannot be told",
                    setback.error.why.cause_line()
                );
                let error = PortError::new(ErrorKind::Ambiguous, doing, message).because(&blind.error.why);
                Err(Setback { error, ..setback })
            }
        }
    }

    fn is_stored(&self, tag: Option<&Tag>, doing: &str) -> Result<bool, Setback> {
        match tag {
            None => is_there(
                self.wire,
                self.place,
                &writing(self.place),
                (Content::Manifest, &self.digest),
                doing,
            ),
            Some(tag) => resolve(self.wire, self.place, tag)
                .map(|found| found.as_ref() == Some(&self.digest))
                .map_err(Setback::last),
        }
    }

    fn other(&self, doing: &str, other: &Digest) -> Setback {
        let message = format!(
            "{} says that it has stored {other} and not {}: it changes manifests, and cannot be used",
            self.place.host, self.digest
        );
        Setback::last(PortError::new(ErrorKind::Invalid, doing, message))
    }
}

/// A manifest whose parts are missing makes no sense yet, whatever status that comes with.
fn absent(refusal: Refusal) -> Setback {
    let mut setback = refusal.setback;
    let absent = refusal.codes.iter().any(|code| ABSENT.contains(&code.as_str()));
    if absent && matches!(refusal.status, 400 | 404 | 422) {
        setback.error.kind = ErrorKind::Invalid;
        setback.error = setback
            .error
            .fix("store everything that the manifest names first");
    }
    setback
}

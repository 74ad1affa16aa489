//! Reading: tags, manifests, and whether something is there.

use super::address::Place;
use super::auth::Scope;
use super::reply::Reply;
use super::retry::Setback;
use super::wire::{Call, Load, Wire};
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::domain::oci::{LARGEST_MANIFEST, Manifest, media};
use crate::ports::Content;

/// The digest that a registry says it has given or taken.
pub(super) const CONTENT_DIGEST: &str = "docker-content-digest";

/// Everything that a manifest can be, for `Accept`.
pub(super) fn accepted() -> String {
    media::MANIFESTS.join(", ")
}

/// A token that may read.
pub(super) fn reading(place: &Place) -> [Scope; 1] {
    [Scope::repository(&place.name, &["pull"])]
}

/// The digest in an answer, where there is a valid one.
pub(super) fn digest_of(reply: &Reply) -> Option<Digest> {
    reply.header(CONTENT_DIGEST)?.parse().ok()
}

/// Whether an answer is for people: a server that shows its front page whatever it is asked for.
fn is_page(reply: &Reply) -> bool {
    reply
        .header("content-type")
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"))
}

/// The digest that `tag` names. Asked for with HEAD, which no registry counts as a pull.
pub(super) fn resolve(wire: &Wire, place: &Place, tag: &Tag) -> Result<Option<Digest>, PortError> {
    let doing = format!("looking up {}:{tag} in {}", place.name, place.host);
    let url = place.url(&format!("manifests/{tag}"));
    let accept = accepted();
    let call = Call {
        place,
        method: "HEAD",
        url: &url,
        scopes: &reading(place),
        headers: &[("accept", &accept)],
        load: Load::Nothing,
        doing: &doing,
    };
    wire.retried(&doing, |_| match wire.ask(&call)? {
        Ok(reply) => match digest_of(&reply) {
            Some(digest) => Ok(Some(digest)),
            None => tagged(wire, &call),
        },
        Err(refusal) if refusal.status == 404 => Ok(None),
        // A server that does not know HEAD.
        Err(refusal) if matches!(refusal.status, 400 | 405 | 501) => tagged(wire, &call),
        Err(refusal) => Err(refusal.setback),
    })
}

/// The digest by the content, where the registry does not say it.
fn tagged(wire: &Wire, head: &Call<'_>) -> Result<Option<Digest>, Setback> {
    let Some(bytes) = fetched(
        wire,
        &Call {
            method: "GET",
            ..*head
        },
    )?
    else {
        return Ok(None);
    };
    Manifest::parse(&bytes)
        .map_err(|error| Setback::last(PortError::new(ErrorKind::Invalid, head.doing, &error)))?;
    Ok(Some(Digest::of(&bytes)))
}

/// The bytes of a manifest, if there is one; not checked.
pub(super) fn fetched(wire: &Wire, call: &Call<'_>) -> Result<Option<Vec<u8>>, Setback> {
    match wire.ask(call)? {
        Ok(reply) => reply.whole(LARGEST_MANIFEST, call.doing).map(Some),
        Err(refusal) if refusal.status == 404 => Ok(None),
        Err(refusal) => Err(refusal.setback),
    }
}

/// What `tag` names, with its bytes, if there is such a tag. Bytes that come without a digest have to be a
/// manifest: else the front page of some server would be an image.
pub(super) fn manifest_by_tag(
    wire: &Wire,
    place: &Place,
    tag: &Tag,
) -> Result<Option<(Digest, Vec<u8>)>, PortError> {
    let Some(bytes) = by_tag(wire, place, tag)? else {
        return Ok(None);
    };
    Manifest::parse(&bytes).map_err(|error| {
        let doing = format!("reading {}:{tag} in {}", place.name, place.host);
        PortError::new(ErrorKind::Invalid, doing, &error)
    })?;
    Ok(Some((Digest::of(&bytes), bytes)))
}

/// The bytes of what `tag` names, if there is such a tag, checked against the digest that comes with
/// them.
pub(super) fn by_tag(wire: &Wire, place: &Place, tag: &Tag) -> Result<Option<Vec<u8>>, PortError> {
    let doing = format!("reading {}:{tag} in {}", place.name, place.host);
    let url = place.url(&format!("manifests/{tag}"));
    let accept = accepted();
    let call = Call {
        place,
        method: "GET",
        url: &url,
        scopes: &reading(place),
        headers: &[("accept", &accept)],
        load: Load::Nothing,
        doing: &doing,
    };
    wire.retried(&doing, |_| match wire.ask(&call)? {
        Ok(reply) => {
            let said = digest_of(&reply);
            let bytes = reply.whole(LARGEST_MANIFEST, &doing)?;
            match said {
                Some(said) => checked(bytes, &said, &call).map(Some),
                None => Ok(Some(bytes)),
            }
        }
        Err(refusal) if refusal.status == 404 => Ok(None),
        Err(refusal) => Err(refusal.setback),
    })
}

/// The exact bytes of a manifest.
pub(super) fn manifest(wire: &Wire, place: &Place, digest: &Digest) -> Result<Vec<u8>, PortError> {
    let doing = format!("reading {}@{digest} in {}", place.name, place.host);
    let url = place.url(&format!("manifests/{digest}"));
    let accept = accepted();
    let call = Call {
        place,
        method: "GET",
        url: &url,
        scopes: &reading(place),
        headers: &[("accept", &accept)],
        load: Load::Nothing,
        doing: &doing,
    };
    wire.retried(&doing, |_| match wire.ask(&call)? {
        Ok(reply) => checked(reply.whole(LARGEST_MANIFEST, &doing)?, digest, &call),
        Err(refusal) => Err(refusal.setback),
    })
}

fn checked(bytes: Vec<u8>, digest: &Digest, call: &Call<'_>) -> Result<Vec<u8>, Setback> {
    let found = Digest::of(&bytes);
    if found == *digest {
        return Ok(bytes);
    }
    let message = format!(
        "{} gave a manifest whose digest is {found} and not {digest}; do not use it",
        call.place.host
    );
    Err(Setback::last(PortError::new(
        ErrorKind::Invalid,
        call.doing,
        message,
    )))
}

/// Whether this content is there.
pub(super) fn has(wire: &Wire, place: &Place, content: Content, digest: &Digest) -> Result<bool, PortError> {
    let doing = format!("looking for {digest} in {}/{}", place.host, place.name);
    wire.retried(&doing, |_| {
        is_there(wire, place, &reading(place), (content, digest), &doing)
    })
}

/// The same, once, with a token that is good for `scopes`.
pub(super) fn is_there(
    wire: &Wire,
    place: &Place,
    scopes: &[Scope],
    (content, digest): (Content, &Digest),
    doing: &str,
) -> Result<bool, Setback> {
    let (url, accept) = match content {
        Content::Manifest => (place.url(&format!("manifests/{digest}")), accepted()),
        Content::Blob => (place.url(&format!("blobs/{digest}")), "*/*".to_owned()),
    };
    let call = Call {
        place,
        method: "HEAD",
        url: &url,
        scopes,
        headers: &[("accept", &accept)],
        load: Load::Nothing,
        doing,
    };
    match wire.ask(&call)? {
        Ok(reply) => match digest_of(&reply) {
            Some(other) if other != *digest => {
                let message = format!("{} answers with {other}, which is something else", place.host);
                Err(Setback::last(PortError::new(ErrorKind::Invalid, doing, message)))
            }
            None if is_page(&reply) => {
                let message = format!(
                    "{} answers with a web page: it is no registry, or something on the way wants a login",
                    place.host
                );
                Err(Setback::last(PortError::new(ErrorKind::Invalid, doing, message)))
            }
            _ => Ok(true),
        },
        // A link to a store is good for one method, and not always for HEAD; the registry has it all the
        // same, or there would be no link.
        Err(refusal) if refusal.is_elsewhere && matches!(refusal.status, 403 | 405 | 501) => Ok(true),
        Err(refusal) if refusal.status == 404 => Ok(false),
        Err(refusal) => Err(refusal.setback),
    }
}

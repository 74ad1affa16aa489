//! What a repository holds, and taking things out of it.

use super::LANES;
use super::address::Place;
use super::auth::Scope;
use super::failure::Refusal;
use super::pages::Pages;
use super::pull::{is_there, reading, resolve};
use super::retry::Setback;
use super::wire::{Call, Load, Wire};
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::parallel::try_each;
use crate::ports::{Content, Discard, HeldImage};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Tags that are asked for at once; Amazon's registry refuses more.
const PAGE: usize = 1000;
/// The largest page, in bytes: some registries give all tags at once.
const LARGEST_PAGE: u64 = 16 << 20;
/// How often it is looked whether something is gone.
const LOOKS: u32 = 4;

#[derive(Deserialize)]
struct TagList {
    /// `null` where there are none.
    tags: Option<Vec<String>>,
}

/// How many tags are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every one.
    All,
    /// Every one, if one page holds them.
    OnePage,
}

/// Every tag of the repository; `None` when there are more than were wanted.
pub(super) fn tags(wire: &Wire, place: &Place, extent: Extent) -> Result<Option<Vec<Tag>>, PortError> {
    let doing = format!("listing the tags of {}/{}", place.host, place.name);
    let mut pages = Pages::new(place, place.url(&format!("tags/list?n={PAGE}")));
    let mut all = BTreeSet::new();
    while let Some(url) = pages.next() {
        let call = Call {
            place,
            method: "GET",
            url: &url,
            scopes: &reading(place),
            headers: &[("accept", "application/json")],
            load: Load::Nothing,
            doing: &doing,
        };
        let page = wire.retried(&doing, |_| match wire.ask(&call)? {
            Ok(reply) => {
                let link = pages.link(&reply, &doing)?;
                let bytes = reply.whole(LARGEST_PAGE, &doing)?;
                let list: TagList = serde_json::from_slice(&bytes).map_err(|_| {
                    let message = format!("{} answered with something else than a list of tags", place.host);
                    Setback::last(PortError::new(ErrorKind::Invalid, &doing, message))
                })?;
                Ok(Some((list.tags.unwrap_or_default(), link)))
            }
            // Only a registry's own word counts: a web server's 404 does not mean that there are no tags.
            // A later page that is gone is no end: the list would lack what is on it.
            Err(refusal) if refusal.status == 404 && refusal.is_registrys && pages.is_first() => Ok(None),
            Err(refusal) => Err(refusal.setback),
        })?;
        let Some((names, link)) = page else {
            break;
        };
        // What is no legal tag can be neither asked for nor written.
        all.extend(names.iter().filter_map(|name| name.parse::<Tag>().ok()));
        if extent == Extent::OnePage && link.is_some() {
            return Ok(None);
        }
        pages.go_on(link, &doing)?;
    }
    Ok(Some(all.into_iter().collect()))
}

/// Every image that has a tag: a registry names no others.
pub(super) fn images(wire: &Wire, place: &Place) -> Result<Vec<HeldImage>, PortError> {
    let tags = tags(wire, place, Extent::All)?.unwrap_or_default();
    let digests = try_each(&tags, LANES, |tag| resolve(wire, place, tag))?;
    let mut images = BTreeMap::<Digest, Vec<Tag>>::new();
    for (tag, digest) in tags.into_iter().zip(digests) {
        // One that went away since it was listed is not held.
        if let Some(digest) = digest {
            images.entry(digest).or_default().push(tag);
        }
    }
    let held = |(digest, tags)| HeldImage {
        digest,
        tags,
        pushed: None,
    };
    Ok(images.into_iter().map(held).collect())
}

/// Takes a tag or a manifest out, and makes sure that it is gone.
pub(super) fn discard(wire: &Wire, place: &Place, what: &Discard) -> Result<(), PortError> {
    let reference = match what {
        Discard::Tag(tag) => tag.to_string(),
        Discard::Manifest(digest) => digest.to_string(),
    };
    let doing = format!("discarding {reference} in {}/{}", place.host, place.name);
    let url = place.url(&format!("manifests/{reference}"));
    let call = Call {
        place,
        method: "DELETE",
        url: &url,
        // Not asked for together with anything else: many may read and write, and few delete.
        scopes: &[Scope::repository(&place.name, &["delete"])],
        headers: &[],
        load: Load::Nothing,
        doing: &doing,
    };
    let accepted = wire.retried(&doing, |_| match wire.ask(&call)? {
        Ok(reply) => {
            reply.drain();
            Ok(true)
        }
        Err(refusal) if refusal.status == 404 && refusal.is_registrys => Ok(false),
        Err(refusal) => Err(cannot(refusal, what)),
    })?;
    if accepted {
        gone(wire, place, what, &doing)
    } else {
        Ok(())
    }
}

/// A refusal that means that the registry cannot do this at all.
fn cannot(refusal: Refusal, what: &Discard) -> Setback {
    let mut setback = refusal.setback;
    let advice = match what {
        Discard::Tag(_) if matches!(refusal.status, 400 | 405 | 501) => {
            "this registry takes out no single tags: move the tag to another image, or discard the image by its digest"
        }
        Discard::Manifest(_) if matches!(refusal.status, 405 | 501) => {
            "this registry deletes nothing by its API, or not until that is allowed in its configuration (storage.delete.enabled of docker's registry)"
        }
        _ => return setback,
    };
    setback.error.kind = ErrorKind::Unsupported;
    setback.error = setback.error.fix(advice);
    setback
}

/// Looks until it is gone: some registries answer before they have done it.
fn gone(wire: &Wire, place: &Place, what: &Discard, doing: &str) -> Result<(), PortError> {
    let began = wire.monotonic();
    for look in 1..=LOOKS {
        let is_still_there = match what {
            Discard::Tag(tag) => resolve(wire, place, tag)?.is_some(),
            Discard::Manifest(digest) => wire.retried(doing, |_| {
                is_there(wire, place, &reading(place), (Content::Manifest, digest), doing)
            })?,
        };
        if !is_still_there {
            return Ok(());
        }
        if look < LOOKS {
            wire.rest(look + 1, began, doing)?;
        }
    }
    let message = format!("{} said that it was done, and still has it", place.host);
    Err(PortError::new(ErrorKind::Transient, doing, message))
}

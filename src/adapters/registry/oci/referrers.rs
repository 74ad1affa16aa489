//! What hangs off an image: by the referrers API, or by the tag that stands in for it (OCI distribution
//! spec 1.1, "Listing Referrers" and "Referrers Tag Schema").

use super::LANES;
use super::address::Place;
use super::failure::clean;
use super::manifests;
use super::pages::Pages;
use super::pull::{by_tag, has, manifest, reading};
use super::wire::{Call, Load, Wire};
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::domain::oci::{Body, Descriptor, LARGEST_MANIFEST, Manifest, fallback_tag, media};
use crate::parallel::try_each;
use crate::ports::Content;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// How often the stand-in index is written when another writer takes an entry out again.
const WRITES: u32 = 8;

/// One at a time writes to the stand-in indexes: writers in this process at least do not undo each other.
#[derive(Default)]
pub(super) struct Attaching(Mutex<()>);

/// Every manifest whose subject is `subject`, with its true artifact type. Where `tags` are given they are all
/// that the repository has, and a stand-in that is none of them is not asked for.
pub(super) fn list(
    wire: &Wire,
    place: &Place,
    subject: &Digest,
    tags: Option<&BTreeSet<Tag>>,
) -> Result<Vec<Descriptor>, PortError> {
    let all = match by_api(wire, place, subject)? {
        Some(all) => all,
        None if tags.is_some_and(|tags| !tags.contains(&fallback_tag(subject))) => Vec::new(),
        None => by_fallback_tag(wire, place, subject)?
            .map(|index| index.all)
            .unwrap_or_default(),
    };
    let unique: BTreeMap<Digest, Descriptor> = all
        .into_iter()
        .map(|descriptor| (descriptor.digest.clone(), descriptor))
        .collect();
    let unique: Vec<Descriptor> = unique.into_values().collect();
    let confirmed = try_each(&unique, LANES, |descriptor| {
        confirmed(wire, place, subject, descriptor)
    })?;
    Ok(confirmed.into_iter().flatten().collect())
}

/// The referrer as its own manifest describes it, where the list leaves that open or says what is known
/// to be wrong. `None` for one that is gone, or that is about something else.
fn confirmed(
    wire: &Wire,
    place: &Place,
    subject: &Digest,
    listed: &Descriptor,
) -> Result<Option<Descriptor>, PortError> {
    if listed
        .artifact_type
        .as_deref()
        .is_some_and(|kind| !kind.is_empty() && kind != media::EMPTY)
    {
        return Ok(Some(listed.clone()));
    }
    let doing = || {
        format!(
            "reading the referrers of {subject} in {}/{}",
            place.host, place.name
        )
    };
    let bytes = match manifest(wire, place, &listed.digest) {
        Err(error) if error.kind == ErrorKind::Missing => return Ok(None),
        read => read?,
    };
    let manifest =
        Manifest::parse(&bytes).map_err(|error| PortError::new(ErrorKind::Invalid, doing(), &error))?;
    let about = manifest.subject.as_ref().map(|subject| &subject.digest);
    if about != Some(subject) {
        return Ok(None);
    }
    Ok(Some(Descriptor {
        media_type: manifest.media_type,
        artifact_type: manifest.artifact_type,
        annotations: manifest.annotations,
        ..listed.clone()
    }))
}

/// By the API; `None` where there is none.
fn by_api(wire: &Wire, place: &Place, subject: &Digest) -> Result<Option<Vec<Descriptor>>, PortError> {
    let doing = format!(
        "reading the referrers of {subject} in {}/{}",
        place.host, place.name
    );
    let Some(asking) = wire.referrers_api.enter(&place.base) else {
        return Ok(None);
    };
    let mut pages = Pages::new(place, place.url(&format!("referrers/{subject}")));
    let mut all = Vec::new();
    while let Some(url) = pages.next() {
        let call = Call {
            place,
            method: "GET",
            url: &url,
            scopes: &reading(place),
            headers: &[("accept", media::INDEX)],
            load: Load::Nothing,
            doing: &doing,
        };
        let page = wire.retried(&doing, |_| match wire.ask(&call)? {
            Ok(reply) => {
                let link = pages.link(&reply, &doing)?;
                let kind = reply.header("content-type").unwrap_or_default().to_owned();
                let is_index = kind
                    .split(';')
                    .next()
                    .is_some_and(|kind| kind.trim() == media::INDEX);
                if !is_index {
                    reply.drain();
                    return Ok(None);
                }
                Ok(Some((reply.whole(LARGEST_MANIFEST, &doing)?, link)))
            }
            Err(refusal) if pages.is_first() && matches!(refusal.status, 400 | 404 | 405 | 406 | 501) => {
                // A 404 that the registry's own code did not write: the path is unknown to it.
                if refusal.status == 404 && !refusal.is_registrys {
                    asking.is_absent();
                }
                Ok(None)
            }
            Err(refusal) => Err(refusal.setback),
        })?;
        let Some((bytes, link)) = page else {
            return Ok(None);
        };
        all.extend(listed(&bytes).map_err(|message| PortError::new(ErrorKind::Invalid, &doing, message))?);
        pages.go_on(link, &doing)?;
    }
    Ok(Some(all))
}

/// The stand-in index.
struct Index {
    bytes: Vec<u8>,
    all: Vec<Descriptor>,
}

/// The stand-in index, if there is one.
fn by_fallback_tag(wire: &Wire, place: &Place, subject: &Digest) -> Result<Option<Index>, PortError> {
    let tag = fallback_tag(subject);
    let Some(bytes) = by_tag(wire, place, &tag)? else {
        return Ok(None);
    };
    let all = listed(&bytes).map_err(|message| {
        let doing = format!("reading {}:{tag} in {}", place.name, place.host);
        PortError::new(ErrorKind::Invalid, doing, message)
    })?;
    Ok(Some(Index { bytes, all }))
}

/// The manifests that an index lists. An entry that is no descriptor is an error: an incomplete list
/// would have what hangs off an image left behind.
fn listed(bytes: &[u8]) -> Result<Vec<Descriptor>, String> {
    match Manifest::parse(bytes)
        .map_err(|error| clean(&error.to_string()))?
        .body
    {
        Body::Index { manifests } => Ok(manifests),
        Body::Image { .. } => Err("the referrers are no index".to_owned()),
    }
}

impl Attaching {
    /// Lists `referrer` in the stand-in index of `subject`. Registries have no compare-and-swap for
    /// tags, so that the index is read again after it was written, and written again where another
    /// writer was quicker.
    pub(super) fn attach(
        &self,
        wire: &Wire,
        place: &Place,
        subject: &Digest,
        referrer: &Descriptor,
    ) -> Result<(), PortError> {
        let _one_at_a_time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let doing = format!("listing {} with the referrers of {subject}", referrer.digest);
        let tag = fallback_tag(subject);
        let failed = |message: String| PortError::new(ErrorKind::Conflict, &doing, message);
        for write in 0..=WRITES {
            let found = by_fallback_tag(wire, place, subject)?;
            let entry = found
                .iter()
                .flat_map(|index| &index.all)
                .find(|entry| entry.digest == referrer.digest);
            if entry.is_some_and(|entry| entry.artifact_type == referrer.artifact_type) {
                return Ok(());
            }
            if write == WRITES {
                break;
            }
            if write > 0 {
                wire.rest(write + 1, wire.monotonic(), &doing)?;
            }
            let before = found.map(|index| index.bytes);
            let index = with_entry(before.as_deref(), referrer)
                .map_err(|error| PortError::new(ErrorKind::Conflict, &doing, &error))?;
            match manifests::put(wire, place, &index, media::INDEX, &tag) {
                // Some take no list that names what has been deleted.
                Err(error) if error.kind == ErrorKind::Invalid => {
                    let index = without_gone(wire, place, &index)?;
                    manifests::put(wire, place, &index, media::INDEX, &tag)?;
                }
                stored => stored?,
            }
        }
        Err(failed(format!(
            "other writers take it out of {}:{tag} again and again",
            place.name
        ))
        .fix("attach one thing at a time"))
    }
}

/// The index with one more entry. All others stay as they were written.
fn with_entry(before: Option<&[u8]>, referrer: &Descriptor) -> Result<Vec<u8>, serde_json::Error> {
    let mut index: Value = match before {
        Some(before) => serde_json::from_slice(before)?,
        None => json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": []}),
    };
    index["mediaType"] = json!(media::INDEX);
    let entry = serde_json::to_value(referrer)?;
    if let Some(manifests) = index["manifests"].as_array_mut() {
        manifests.retain(|known| known["digest"] != entry["digest"]);
        manifests.push(entry);
    }
    serde_json::to_vec(&index)
}

/// The index without what the repository does not have. All others stay as they were written.
fn without_gone(wire: &Wire, place: &Place, index: &[u8]) -> Result<Vec<u8>, PortError> {
    let doing = format!(
        "leaving out what is gone from a list in {}/{}",
        place.host, place.name
    );
    let invalid = |message: String| PortError::new(ErrorKind::Invalid, &doing, message);
    let listed = listed(index).map_err(invalid)?;
    let there = try_each(&listed, LANES, |entry| {
        has(wire, place, Content::Manifest, &entry.digest)
    })?;
    let mut index: Value =
        serde_json::from_slice(index).map_err(|error| PortError::new(ErrorKind::Invalid, &doing, &error))?;
    if let Some(manifests) = index["manifests"].as_array_mut() {
        let mut there = there.into_iter();
        manifests.retain(|_| there.next().unwrap_or(true));
    }
    serde_json::to_vec(&index).map_err(|error| PortError::new(ErrorKind::Invalid, &doing, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_added_once_and_others_keep_what_is_written_in_them() {
        let referrer = Descriptor {
            media_type: media::MANIFEST.to_owned(),
            digest: Digest::of(b"signature"),
            size: 9,
            platform: None,
            annotations: BTreeMap::new(),
            artifact_type: Some("application/x".to_owned()),
            urls: Vec::new(),
        };
        let other =
            json!({"mediaType": media::MANIFEST, "digest": Digest::of(b"other"), "size": 5, "data": "eA=="});
        let before = json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": [other]}).to_string();
        let once = with_entry(Some(before.as_bytes()), &referrer).unwrap();
        let twice = with_entry(Some(&once), &referrer).unwrap();
        assert_eq!(once, twice);
        let index: Value = serde_json::from_slice(&twice).unwrap();
        assert_eq!(index["manifests"][0], other);
        assert_eq!(listed(&twice).unwrap().len(), 2);
        assert_eq!(listed(&with_entry(None, &referrer).unwrap()).unwrap(), [referrer]);
    }
}

//! A well-behaved registry in memory (OCI distribution spec 1.1).

use super::server::{Answer, Request, answer, refusal};
use greenroom::domain::model::Digest;
use greenroom::domain::oci::Manifest;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// What it holds.
#[derive(Default)]
pub(crate) struct Store {
    blobs: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    manifests: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    tags: Mutex<BTreeMap<(String, String), String>>,
    uploads: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Store {
    /// Puts a blob in.
    pub(crate) fn add_blob(&self, repository: &str, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        self.blobs
            .lock()
            .unwrap()
            .insert((repository.to_owned(), digest.to_string()), content.to_vec());
        digest
    }

    /// Puts a manifest in under a tag.
    pub(crate) fn add_manifest(&self, repository: &str, content: &[u8], tag: &str) -> Digest {
        let digest = Digest::of(content);
        let key = (repository.to_owned(), digest.to_string());
        self.manifests.lock().unwrap().insert(key, content.to_vec());
        self.tags
            .lock()
            .unwrap()
            .insert((repository.to_owned(), tag.to_owned()), digest.to_string());
        digest
    }

    /// A blob's content.
    pub(crate) fn blob(&self, repository: &str, digest: &Digest) -> Option<Vec<u8>> {
        self.blobs
            .lock()
            .unwrap()
            .get(&(repository.to_owned(), digest.to_string()))
            .cloned()
    }

    /// Uploads that have begun and not ended.
    pub(crate) fn open_uploads(&self) -> usize {
        self.uploads.lock().unwrap().len()
    }

    /// The right answer.
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap().to_owned();
        let Some(rest) = path.strip_prefix("/v2/") else {
            return answer(404);
        };
        for (part, handler) in [
            (
                "/blobs/uploads/",
                Self::upload as fn(&Self, &Request, &str, &str) -> Answer,
            ),
            ("/blobs/", Self::blobs),
            ("/manifests/", Self::manifests),
            ("/tags/list", Self::tags),
            ("/referrers/", Self::referrers),
        ] {
            if let Some((repository, rest)) = rest.split_once(part) {
                return handler(self, request, repository, rest);
            }
        }
        answer(404)
    }

    fn upload(&self, request: &Request, repository: &str, session: &str) -> Answer {
        let begun = |session: &str, has: usize| {
            answer(202)
                .header(
                    "location",
                    format!("/v2/{repository}/blobs/uploads/{session}?state=1"),
                )
                .header("range", format!("0-{}", has.saturating_sub(1)))
        };
        let mut uploads = self.uploads.lock().unwrap();
        if request.method == "POST" {
            let (mount, from) = (request.parameter("mount"), request.parameter("from"));
            if let (Some(mount), Some(from)) = (mount, from)
                && let Some(content) = self.blob(from, &mount.parse().unwrap())
            {
                let digest = self.add_blob(repository, &content);
                return answer(201).header("docker-content-digest", digest.as_str());
            }
            let session = format!("s{}", uploads.len());
            uploads.insert(session.clone(), Vec::new());
            return begun(&session, 0);
        }
        let Some(content) = uploads.get_mut(session) else {
            return refusal(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
        };
        match request.method.as_str() {
            "GET" => begun(session, content.len()),
            "PATCH" => {
                content.extend_from_slice(request.body());
                let has = content.len();
                begun(session, has)
            }
            "DELETE" => {
                uploads.remove(session);
                answer(204)
            }
            _ => {
                content.extend_from_slice(request.body());
                let content = uploads.remove(session).unwrap();
                let digest = Digest::of(&content);
                if request.parameter("digest") != Some(digest.as_str()) {
                    return refusal(400, "DIGEST_INVALID", "the content has another digest");
                }
                self.add_blob(repository, &content);
                answer(201).header("docker-content-digest", digest.as_str())
            }
        }
    }

    fn blobs(&self, request: &Request, repository: &str, digest: &str) -> Answer {
        let Some(content) = self.blob(repository, &digest.parse().unwrap()) else {
            return refusal(404, "BLOB_UNKNOWN", "no such blob");
        };
        let from: Option<usize> = request
            .header("range")
            .strip_prefix("bytes=")
            .and_then(|range| range.trim_end_matches('-').parse().ok());
        let found = |status: u16| answer(status).header("docker-content-digest", digest);
        match from {
            Some(from) if from < content.len() => found(206)
                .header(
                    "content-range",
                    format!("bytes {from}-{}/{}", content.len() - 1, content.len()),
                )
                .body(&content[from..]),
            Some(_) => answer(416),
            None => found(200).body(content),
        }
    }

    fn manifests(&self, request: &Request, repository: &str, reference: &str) -> Answer {
        let key = |reference: &str| (repository.to_owned(), reference.to_owned());
        let digest = if reference.starts_with("sha256:") {
            Some(reference.to_owned())
        } else {
            self.tags.lock().unwrap().get(&key(reference)).cloned()
        };
        if request.method == "PUT" {
            return self.put(request, repository, reference);
        }
        let mut manifests = self.manifests.lock().unwrap();
        let Some((digest, content)) =
            digest.and_then(|digest| Some((digest.clone(), manifests.get(&key(&digest))?.clone())))
        else {
            return refusal(404, "MANIFEST_UNKNOWN", "no such manifest");
        };
        if request.method == "DELETE" {
            let mut tags = self.tags.lock().unwrap();
            if reference.starts_with("sha256:") {
                manifests.remove(&key(&digest));
                tags.retain(|(name, _), named| name != repository || *named != digest);
            } else {
                tags.remove(&key(reference));
            }
            return answer(202);
        }
        let media_type = Manifest::parse(&content).unwrap().media_type;
        if !request.header("accept").contains(&media_type) {
            return refusal(404, "MANIFEST_UNKNOWN", "not in a form that is accepted");
        }
        answer(200)
            .header("content-type", media_type)
            .header("docker-content-digest", digest)
            .body(content)
    }

    fn put(&self, request: &Request, repository: &str, reference: &str) -> Answer {
        let content = request.body().to_vec();
        let manifest = Manifest::parse(&content).unwrap();
        if request.header("content-type") != manifest.media_type {
            return refusal(400, "MANIFEST_INVALID", "another media type");
        }
        let has = |digest: &Digest| {
            let key = (repository.to_owned(), digest.to_string());
            self.blobs.lock().unwrap().contains_key(&key) || self.manifests.lock().unwrap().contains_key(&key)
        };
        if !manifest
            .children()
            .iter()
            .chain(manifest.blobs())
            .all(|part| has(&part.digest))
        {
            return refusal(400, "MANIFEST_BLOB_UNKNOWN", "a part is missing");
        }
        let digest = Digest::of(&content);
        let key = (repository.to_owned(), digest.to_string());
        self.manifests.lock().unwrap().insert(key, content);
        if !reference.starts_with("sha256:") {
            let key = (repository.to_owned(), reference.to_owned());
            self.tags.lock().unwrap().insert(key, digest.to_string());
        }
        let stored = answer(201).header("docker-content-digest", digest.as_str());
        match manifest.subject {
            Some(subject) => stored.header("oci-subject", subject.digest.as_str()),
            None => stored,
        }
    }

    fn tags(&self, _: &Request, repository: &str, _: &str) -> Answer {
        let tags = self.tags.lock().unwrap();
        let own: BTreeSet<&str> = tags
            .keys()
            .filter(|(name, _)| name == repository)
            .map(|(_, tag)| tag.as_str())
            .collect();
        if own.is_empty() {
            return refusal(404, "NAME_UNKNOWN", "no such repository");
        }
        answer(200).body(json!({"name": repository, "tags": own}).to_string())
    }

    fn referrers(&self, _: &Request, repository: &str, digest: &str) -> Answer {
        let manifests = self.manifests.lock().unwrap();
        let about = manifests.iter().filter_map(|((name, own), content)| {
            let manifest = Manifest::parse(content).unwrap();
            let fits = name == repository && manifest.subject.as_ref()?.digest.as_str() == digest;
            fits.then(|| {
                json!({
                    "mediaType": manifest.media_type,
                    "digest": own,
                    "size": content.len(),
                    "artifactType": manifest.artifact_type,
                })
            })
        });
        let about: Vec<_> = about.collect();
        let index = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": about,
        });
        answer(200)
            .header("content-type", "application/vnd.oci.image.index.v1+json")
            .body(index.to_string())
    }
}

//! GitHub's container registry. It speaks the OCI protocol but for what it holds and for deletion (405):
//! these are the package API's. A version there is one manifest with all its tags, under a number.

mod api;

use crate::host::http::Settings;
use crate::host::url::encoded;
use crate::model::{Digest, RepositoryName, Secret, Tag, Timestamp};
use crate::oci::Descriptor;
use crate::ports::{Blob, Catalog, Clock, Content, Discard, ErrorKind, HeldImage, PortError, Registry};
use api::{Answer, Api};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

/// The registry's host.
pub const HOST: &str = "ghcr.io";
/// Where its API is, unless `GITHUB_API_URL` says otherwise.
const API: &str = "https://api.github.com";
/// Versions of a page, GitHub's most.
const PAGE: usize = 100;
/// The most pages that are read.
const MOST_PAGES: usize = 1_000;

/// What is settled once for the API.
#[derive(Debug, Default)]
pub struct GhcrSettings {
    /// Certificates and proxy.
    pub http: Settings,
    /// Where the API is.
    pub api: Option<String>,
    /// Who asks.
    pub token: Option<Secret>,
}

impl GhcrSettings {
    /// The settings in these variables of the environment: `GITHUB_API_URL`; the token of
    /// `GREENROOM_REGISTRY_GHCR_IO_TOKEN`, of `GREENROOM_REGISTRY_TOKEN` where `own`, the host of the
    /// project's registry, is GitHub's, else of `GITHUB_TOKEN`.
    pub fn of(variables: &BTreeMap<String, String>, http: Settings, own: Option<&str>) -> Self {
        let given = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
        let projects = || given("GREENROOM_REGISTRY_TOKEN").filter(|_| own == Some(HOST));
        Self {
            http,
            api: given("GITHUB_API_URL"),
            token: given("GREENROOM_REGISTRY_GHCR_IO_TOKEN")
                .or_else(projects)
                .or_else(|| given("GITHUB_TOKEN"))
                .map(Secret::new),
        }
    }
}

/// A registry whose images are listed and deleted by GitHub's package API. Everything else is done by the
/// one that it stands before.
pub struct Ghcr<C> {
    inner: C,
    api: Api,
    /// The API's path to each owner: `/orgs/acme`, `/users/ana`.
    owners: Mutex<BTreeMap<String, String>>,
    /// The numbers of the versions of each repository, as they were last listed.
    versions: Mutex<BTreeMap<String, BTreeMap<Digest, u64>>>,
}

/// A version, as the API tells of it.
#[derive(Deserialize)]
struct Version {
    id: u64,
    /// The digest.
    name: String,
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    container: Container,
}

#[derive(Deserialize, Default)]
struct Container {
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct Owner {
    #[serde(rename = "type")]
    kind: String,
}

impl<C: Catalog> Ghcr<C> {
    /// Stands before `inner`.
    ///
    /// # Errors
    /// `Invalid` when the CA file or the proxy's URL is of no use.
    pub fn new(inner: C, settings: GhcrSettings, clock: Arc<dyn Clock>) -> Result<Self, PortError> {
        let base = settings.api.as_deref().unwrap_or(API);
        Ok(Self {
            inner,
            api: Api::new(&settings.http, base, settings.token, clock)?,
            owners: Mutex::default(),
            versions: Mutex::default(),
        })
    }

    /// The one that it stands before.
    pub fn inner(&self) -> &C {
        &self.inner
    }

    /// The API's path to a package.
    fn package(&self, repository: &str, doing: &str) -> Result<String, PortError> {
        let invalid = |cause: &str| PortError::new(ErrorKind::Invalid, doing, cause);
        let name: RepositoryName = repository.parse().map_err(|error| invalid(&format!("{error}")))?;
        let (owner, package) = name
            .path()
            .split_once('/')
            .ok_or_else(|| invalid("a repository of GitHub's registry has an owner: ghcr.io/OWNER/NAME"))?;
        let known = |owners: &BTreeMap<String, String>| owners.get(owner).cloned();
        let known = known(&self.owners.lock().unwrap_or_else(PoisonError::into_inner));
        let path = match known {
            Some(path) => path,
            None => {
                let answer =
                    self.api
                        .send("GET", &self.api.url(&format!("/users/{}", encoded(owner))), doing)?;
                if answer.status != 200 {
                    return Err(refusal(&answer, doing));
                }
                let found: Owner = parsed(&answer, doing)?;
                let kind = if found.kind == "Organization" {
                    "orgs"
                } else {
                    "users"
                };
                let path = format!("/{kind}/{}", encoded(owner));
                let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
                owners.insert(owner.to_owned(), path.clone());
                path
            }
        };
        // One segment, whatever the package's name.
        let package = encoded(package).replace('/', "%2F");
        Ok(format!("{path}/packages/container/{package}"))
    }

    /// Every version, and their numbers remembered.
    fn list(&self, repository: &str, doing: &str) -> Result<Vec<HeldImage>, PortError> {
        let package = self.package(repository, doing)?;
        let mut url = Some(
            self.api
                .url(&format!("{package}/versions?per_page={PAGE}&page=1")),
        );
        let mut images = BTreeMap::<Digest, HeldImage>::new();
        let mut numbers = BTreeMap::new();
        for _ in 0..MOST_PAGES {
            let Some(page) = url.take() else { break };
            let answer = self.api.send("GET", &page, doing)?;
            if answer.status != 200 {
                return Err(refusal(&answer, doing));
            }
            for version in parsed::<Vec<Version>>(&answer, doing)? {
                let digest: Digest = version
                    .name
                    .parse()
                    .map_err(|error| PortError::new(ErrorKind::Invalid, doing, error))?;
                numbers.insert(digest.clone(), version.id);
                images.insert(digest.clone(), held(digest, &version));
            }
            url = answer.next;
        }
        if url.is_some() {
            let message = format!("it has more than {} versions", PAGE * MOST_PAGES);
            return Err(PortError::new(ErrorKind::Invalid, doing, message));
        }
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.insert(repository.to_owned(), numbers);
        Ok(images.into_values().collect())
    }

    fn number(&self, repository: &str, digest: &Digest) -> Option<u64> {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.get(repository)?.get(digest).copied()
    }

    fn delete(&self, repository: &str, digest: &Digest) -> Result<(), PortError> {
        let doing = format!("deleting {digest} from {repository}");
        let number = match self.number(repository, digest) {
            Some(number) => number,
            None => {
                self.list(repository, &doing)?;
                match self.number(repository, digest) {
                    Some(number) => number,
                    None => return Ok(()),
                }
            }
        };
        let package = self.package(repository, &doing)?;
        let url = self.api.url(&format!("{package}/versions/{number}"));
        let answer = self.api.send("DELETE", &url, &doing)?;
        match answer.status {
            200..300 => {}
            // What may not be deleted is shown as absent, too.
            404 => {
                let there = self.api.send("GET", &url, &doing)?;
                if there.status != 404 {
                    return Err(refusal(&answer, &doing));
                }
            }
            _ => return Err(refusal(&answer, &doing)),
        }
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(numbers) = versions.get_mut(repository) {
            numbers.remove(digest);
        }
        Ok(())
    }
}

/// A change of tags counts as a push: somebody is at work with it.
fn held(digest: Digest, version: &Version) -> HeldImage {
    let tags = version.metadata.container.tags.iter();
    let mut tags: Vec<Tag> = tags.filter_map(|tag| tag.parse().ok()).collect();
    tags.sort();
    HeldImage {
        digest,
        tags,
        pushed: Some(version.created_at).max(version.updated_at),
    }
}

fn parsed<'a, T: Deserialize<'a>>(answer: &'a Answer, doing: &str) -> Result<T, PortError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let message = format!("GitHub answered with something unexpected: {error}");
        PortError::new(ErrorKind::Invalid, doing, message)
    })
}

/// What a refusal means, and what to do about it.
fn refusal(answer: &Answer, doing: &str) -> PortError {
    let said = &answer.message;
    let lower = said.to_lowercase();
    let (kind, advice) = match answer.status {
        401 => (
            ErrorKind::Denied,
            "the token is not valid any more, or not for this host",
        ),
        404 => (
            ErrorKind::Denied,
            "there is no such package, or the token may not see or delete it: it needs read:packages and \
             delete:packages; a workflow's GITHUB_TOKEN needs `packages: write`, and its repository the Admin \
             role on the package (package settings, Manage Actions access)",
        ),
        400 | 403 | 422 if lower.contains("last tagged version") || lower.contains("last version") => (
            ErrorKind::Invalid,
            "GitHub keeps the last tagged version of a package: delete the package itself to be rid of it",
        ),
        400 | 403 | 422 if lower.contains("5,000 downloads") || lower.contains("5000 downloads") => (
            ErrorKind::Invalid,
            "GitHub deletes no public version with more than 5,000 downloads: ask its support, or leave it",
        ),
        403 => (
            ErrorKind::Denied,
            "the token may not do this: it needs read:packages and delete:packages, single sign-on where the \
             organization asks for it, and the Admin role on the package",
        ),
        500..600 => (ErrorKind::Transient, "try again later"),
        _ => (ErrorKind::Invalid, "this is not known to happen"),
    };
    PortError::new(
        kind,
        doing,
        format!("GitHub answered {} ({said}): {advice}", answer.status),
    )
}

impl<C: Catalog> Registry for Ghcr<C> {
    fn resolve(&self, repository: &str, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.inner.resolve(repository, tag)
    }

    fn has(&self, repository: &str, content: Content, digest: &Digest) -> Result<bool, PortError> {
        self.inner.has(repository, content, digest)
    }

    fn manifest(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError> {
        self.inner.manifest(repository, digest)
    }

    fn blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + Send>, PortError> {
        self.inner.blob(repository, digest)
    }

    fn push_blob(&self, repository: &str, blob: &Blob<'_>) -> Result<(), PortError> {
        self.inner.push_blob(repository, blob)
    }

    fn push_manifest(&self, repository: &str, manifest: &[u8], tags: &[Tag]) -> Result<Digest, PortError> {
        self.inner.push_manifest(repository, manifest, tags)
    }
}

impl<C: Catalog> Catalog for Ghcr<C> {
    fn tags(&self, repository: &str) -> Result<Vec<Tag>, PortError> {
        self.inner.tags(repository)
    }

    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, PortError> {
        self.inner.referrers(repository, digest)
    }

    fn images(&self, repository: &str) -> Result<Vec<HeldImage>, PortError> {
        self.list(repository, &format!("listing {repository}"))
    }

    fn discard(&self, repository: &str, what: &Discard) -> Result<(), PortError> {
        match what {
            Discard::Manifest(digest) => self.delete(repository, digest),
            Discard::Tag(tag) => Err(PortError::new(
                ErrorKind::Unsupported,
                format!("taking the tag {tag} out of {repository}"),
                "GitHub's registry takes out no single tags: move it to another image, or delete the image",
            )),
        }
    }
}

//! GitHub's container registry. It speaks the OCI protocol but for what it holds and for deletion (405):
//! these are GitHub's packages. A version there is one manifest with all its tags, under a number.

use crate::domain::model::{
    Digest, ErrorKind, Explanation, InvalidText, PortError, RepositoryName, Secret, Tag,
};
use crate::domain::oci::Descriptor;
use crate::ports::{Blob, Catalog, Content, Discard, HeldImage, Package, PackageVersion, Packages, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The registry's host.
pub const HOST: &str = "ghcr.io";

/// Reaches the packages: asked once, when they are first needed, because images are read without them.
pub type Reach = Box<dyn Fn() -> Result<Arc<dyn Packages>, PortError> + Send + Sync>;

/// The token for packages that these variables of the environment hold: `GREENROOM_REGISTRY_GHCR_IO_TOKEN`, or
/// `GREENROOM_REGISTRY_TOKEN` where `own`, the host of the project's registry, is GitHub's, else `GITHUB_TOKEN`.
///
/// # Errors
/// `Denied` when there is none.
pub fn token(variables: &BTreeMap<String, String>, own: Option<&str>) -> Result<Secret, PortError> {
    let given = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
    let projects = || given("GREENROOM_REGISTRY_TOKEN").filter(|_| own == Some(HOST));
    given("GREENROOM_REGISTRY_GHCR_IO_TOKEN")
        .or_else(projects)
        .or_else(|| given("GITHUB_TOKEN"))
        .map(Secret::new)
        .ok_or_else(|| {
            let message = "GitHub tells and deletes packages only with a token: set GITHUB_TOKEN or \
                GREENROOM_REGISTRY_TOKEN to one with read:packages and delete:packages";
            PortError::new(ErrorKind::Denied, "reaching GitHub's packages", message)
        })
}

/// A registry whose images are listed and deleted as GitHub's packages. Everything else is done by the one that
/// it stands before.
pub struct Ghcr<C> {
    inner: C,
    reach: Reach,
    packages: OnceLock<Result<Arc<dyn Packages>, PortError>>,
    /// The numbers of the versions of each repository, as they were last listed.
    numbers: Mutex<BTreeMap<String, BTreeMap<Digest, u64>>>,
}

impl<C: Catalog> Ghcr<C> {
    /// Stands before `inner`.
    pub fn new(inner: C, reach: Reach) -> Self {
        Self {
            inner,
            reach,
            packages: OnceLock::new(),
            numbers: Mutex::default(),
        }
    }

    /// The one that it stands before.
    pub fn inner(&self) -> &C {
        &self.inner
    }

    fn packages(&self, doing: &str) -> Result<&dyn Packages, PortError> {
        match self.packages.get_or_init(|| (self.reach)()) {
            Ok(packages) => Ok(packages.as_ref()),
            Err(error) => Err(said_while(doing)(error.clone())),
        }
    }

    /// Every version, and their numbers remembered.
    fn list(&self, repository: &str, doing: &str) -> Result<Vec<PackageVersion>, PortError> {
        let package = package(repository, doing)?;
        let versions = self
            .packages(doing)?
            .versions(&package)
            .map_err(said_while(doing))?;
        let numbered = versions
            .iter()
            .map(|version| (version.digest.clone(), version.number));
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.insert(repository.to_owned(), numbered.collect());
        Ok(versions)
    }

    fn number(&self, repository: &str, digest: &Digest) -> Option<u64> {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.get(repository)?.get(digest).copied()
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
        self.packages(&doing)?
            .delete_version(&package(repository, &doing)?, number)
            .map_err(said_while(&doing))?;
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(numbers) = numbers.get_mut(repository) {
            numbers.remove(digest);
        }
        Ok(())
    }
}

/// Puts what was done with an image in the place of what was done with a package.
fn said_while(doing: &str) -> impl Fn(PortError) -> PortError {
    move |error| PortError {
        doing: doing.to_owned(),
        ..error
    }
}

/// The package that a repository is.
fn package(repository: &str, doing: &str) -> Result<Package, PortError> {
    let invalid = |why: Explanation| PortError::new(ErrorKind::Invalid, doing, why);
    let name: RepositoryName = repository
        .parse()
        .map_err(|error: InvalidText| invalid((&error).into()))?;
    let (owner, name) = name.path().split_once('/').ok_or_else(|| {
        invalid("a repository of GitHub's registry has an owner: ghcr.io/OWNER/NAME".into())
    })?;
    Ok(Package {
        owner: owner.to_owned(),
        name: name.to_owned(),
    })
}

/// A change of tags counts as a push: somebody is at work with it.
fn held(version: PackageVersion) -> HeldImage {
    let tags = version.tags.iter();
    let mut tags: Vec<Tag> = tags.filter_map(|tag| tag.parse().ok()).collect();
    tags.sort();
    HeldImage {
        digest: version.digest,
        tags,
        pushed: Some(version.created).max(version.updated),
    }
}

impl<C: Catalog> Registry for Ghcr<C> {
    fn resolve(&self, repository: &str, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.inner.resolve(repository, tag)
    }

    fn has(&self, repository: &str, content: Content, digest: &Digest) -> Result<bool, PortError> {
        self.inner.has(repository, content, digest)
    }

    fn manifest_by_tag(&self, repository: &str, tag: &Tag) -> Result<Option<(Digest, Vec<u8>)>, PortError> {
        self.inner.manifest_by_tag(repository, tag)
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

    fn tags_at_once(&self, repository: &str) -> Result<Option<Vec<Tag>>, PortError> {
        self.inner.tags_at_once(repository)
    }

    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, PortError> {
        self.inner.referrers(repository, digest)
    }

    fn referrers_among(
        &self,
        repository: &str,
        digest: &Digest,
        tags: &BTreeSet<Tag>,
    ) -> Result<Vec<Descriptor>, PortError> {
        self.inner.referrers_among(repository, digest, tags)
    }

    fn images(&self, repository: &str) -> Result<Vec<HeldImage>, PortError> {
        let versions = self.list(repository, &format!("listing {repository}"))?;
        let images: BTreeMap<Digest, HeldImage> = versions
            .into_iter()
            .map(|version| (version.digest.clone(), held(version)))
            .collect();
        Ok(images.into_values().collect())
    }

    fn discard(&self, repository: &str, what: &Discard) -> Result<(), PortError> {
        match what {
            Discard::Manifest(digest) => self.delete(repository, digest),
            Discard::Tag(tag) => Err(PortError::new(
                ErrorKind::Unsupported,
                format!("taking the tag {tag} out of {repository}"),
                "GitHub's registry takes out no single tags",
            )
            .fix("move it to another image, or delete the image")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_for_packages_is_the_nearest_one() {
        let variables = |names: &[&str]| {
            let pairs = names.iter().map(|name| ((*name).to_owned(), (*name).to_owned()));
            pairs.collect::<BTreeMap<_, _>>()
        };
        let all = [
            "GREENROOM_REGISTRY_GHCR_IO_TOKEN",
            "GREENROOM_REGISTRY_TOKEN",
            "GITHUB_TOKEN",
        ];
        for (own, given, taken) in [
            (Some(HOST), &all[..], all[0]),
            (Some(HOST), &all[1..], all[1]),
            // The project's token is another registry's.
            (Some("registry.acme.test"), &all[1..], all[2]),
            (None, &all[1..], all[2]),
        ] {
            assert_eq!(token(&variables(given), own).unwrap().expose(), taken);
        }
        let missing = token(&BTreeMap::new(), Some(HOST)).unwrap_err();
        assert!(missing.kind == ErrorKind::Denied && missing.to_string().contains("set GITHUB_TOKEN"));
    }
}

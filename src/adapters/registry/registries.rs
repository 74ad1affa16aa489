//! The project's own store and the registries on the network as one.

use super::ghcr::{self, Ghcr, Reach};
use super::layout::LayoutRegistry;
use super::oci::{OciRegistry, OciSettings};
use crate::domain::model::{Digest, ErrorKind, InvalidText, PortError, RepositoryName, Tag};
use crate::domain::oci::Descriptor;
use crate::ports::{Blob, Catalog, Clock, Content, Discard, HeldImage, Registry};
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What a client for the network is made of.
type Ingredients = (OciSettings, Reach, Arc<dyn Clock>);

/// A repository that is named with its registry's host is there; one without is in the project's store.
pub struct Registries {
    own: LayoutRegistry,
    remote: OnceLock<Result<Ghcr<OciRegistry>, PortError>>,
    ingredients: Mutex<Option<Ingredients>>,
}

impl Registries {
    /// Both. What the network needs is made when it is first used; `packages` reaches those of GitHub.
    pub fn new(own: LayoutRegistry, settings: OciSettings, packages: Reach, clock: Arc<dyn Clock>) -> Self {
        Self {
            own,
            remote: OnceLock::new(),
            ingredients: Mutex::new(Some((settings, packages, clock))),
        }
    }

    /// Where a repository is.
    fn at(&self, repository: &str) -> Result<&dyn Catalog, PortError> {
        let name: RepositoryName = repository.parse().map_err(|error: InvalidText| {
            PortError::new(
                ErrorKind::Invalid,
                format!("opening the repository {repository:?}"),
                &error,
            )
        })?;
        if name.registry().is_none() {
            return Ok(&self.own);
        }
        let made = self.remote.get_or_init(|| {
            let mut ingredients = self.ingredients.lock().unwrap_or_else(PoisonError::into_inner);
            let (settings, packages, clock) = ingredients.take().ok_or_else(|| {
                PortError::new(
                    ErrorKind::Invalid,
                    "preparing requests to registries",
                    "they were prepared before",
                )
            })?;
            Ok(Ghcr::new(OciRegistry::new(settings, clock)?, packages))
        });
        match made {
            Ok(remote) if name.registry() == Some(ghcr::HOST) => Ok(remote),
            Ok(remote) => Ok(remote.inner()),
            Err(error) => Err(error.clone()),
        }
    }
}

impl Registry for Registries {
    fn resolve(&self, repository: &str, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.at(repository)?.resolve(repository, tag)
    }

    fn has(&self, repository: &str, content: Content, digest: &Digest) -> Result<bool, PortError> {
        self.at(repository)?.has(repository, content, digest)
    }

    fn manifest_by_tag(&self, repository: &str, tag: &Tag) -> Result<Option<(Digest, Vec<u8>)>, PortError> {
        self.at(repository)?.manifest_by_tag(repository, tag)
    }

    fn manifest(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError> {
        self.at(repository)?.manifest(repository, digest)
    }

    fn blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + Send>, PortError> {
        self.at(repository)?.blob(repository, digest)
    }

    fn push_blob(&self, repository: &str, blob: &Blob<'_>) -> Result<(), PortError> {
        self.at(repository)?.push_blob(repository, blob)
    }

    fn push_manifest(&self, repository: &str, manifest: &[u8], tags: &[Tag]) -> Result<Digest, PortError> {
        self.at(repository)?.push_manifest(repository, manifest, tags)
    }
}

impl Catalog for Registries {
    fn tags(&self, repository: &str) -> Result<Vec<Tag>, PortError> {
        self.at(repository)?.tags(repository)
    }

    fn tags_at_once(&self, repository: &str) -> Result<Option<Vec<Tag>>, PortError> {
        self.at(repository)?.tags_at_once(repository)
    }

    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, PortError> {
        self.at(repository)?.referrers(repository, digest)
    }

    fn referrers_among(
        &self,
        repository: &str,
        digest: &Digest,
        tags: &BTreeSet<Tag>,
    ) -> Result<Vec<Descriptor>, PortError> {
        self.at(repository)?.referrers_among(repository, digest, tags)
    }

    fn images(&self, repository: &str) -> Result<Vec<HeldImage>, PortError> {
        self.at(repository)?.images(repository)
    }

    fn discard(&self, repository: &str, what: &Discard) -> Result<(), PortError> {
        self.at(repository)?.discard(repository, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::http::HttpSettings;
    use crate::testing::FakeClock;

    #[test]
    fn only_a_host_leads_to_the_network() {
        let root = tempfile::tempdir().unwrap();
        let settings = OciSettings {
            http: HttpSettings {
                ca_file: Some("/no/such/file".into()),
                ..HttpSettings::default()
            },
            ..OciSettings::default()
        };
        let own = LayoutRegistry::open(root.path().to_owned());
        let registries = Registries::new(
            own,
            settings,
            Box::new(|| panic!("nobody asks for packages")),
            Arc::new(FakeClock::default()),
        );
        assert_eq!(registries.tags("acme/app").unwrap(), []);
        for _ in 0..2 {
            let error = registries.tags("ghcr.io/acme/app").unwrap_err();
            assert!(error.to_string().contains("/no/such/file"), "{error}");
        }
        assert_eq!(registries.tags("../app").unwrap_err().kind, ErrorKind::Invalid);
    }
}

//! The registry's and the catalog's ports over the wire.

use super::address::Place;
use super::auth::Auth;
use super::blob::BlobStream;
use super::catalog;
use super::credentials::Credentials;
use super::manifests;
use super::pull;
use super::push;
use super::referrers;
use super::wire::Wire;
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::domain::oci::Descriptor;
use crate::host::http::{Client, HttpSettings};
use crate::ports::{Blob, Catalog, Clock, Content, Discard, HeldImage, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Most requests that are under way to one registry for one purpose.
pub(super) const LANES: usize = 8;
/// How long the addresses of a registry's name are remembered.
const NAMES_KEPT: Duration = Duration::from_secs(30);

/// What is settled once for all registries.
#[derive(Debug, Default)]
pub struct OciSettings {
    /// Certificates and proxy.
    pub http: HttpSettings,
    /// Registries, with their ports, that are spoken to in plain HTTP besides those on this machine.
    pub insecure: BTreeSet<String>,
    /// Who asks.
    pub credentials: Credentials,
    /// The longest that a registry may keep still; two minutes where nothing is said.
    pub patience: Option<Duration>,
}

impl OciSettings {
    /// The settings in these variables of the environment: those of [`credentials`](super::credentials),
    /// `GREENROOM_REGISTRY_INSECURE` (hosts separated by commas) and `GREENROOM_REGISTRY_CA_FILE` (PEM).
    /// `own` is the host of the registry that the project's images are kept in.
    pub fn of(variables: &BTreeMap<String, String>, own: Option<&str>) -> Self {
        let given = |name: &str| variables.get(name).filter(|value| !value.is_empty());
        let insecure = given("GREENROOM_REGISTRY_INSECURE").map_or("", String::as_str);
        Self {
            http: HttpSettings {
                ca_file: given("GREENROOM_REGISTRY_CA_FILE").map(PathBuf::from),
                ..HttpSettings::default()
            },
            insecure: insecure
                .split(',')
                .map(|host| host.trim().to_ascii_lowercase())
                .filter(|host| !host.is_empty())
                .collect(),
            credentials: Credentials::new(variables, own),
            patience: None,
        }
    }
}

/// Registries on the network. Repositories are named with their registry's host. Safe for many threads
/// at once, which share its connections.
pub struct OciRegistry {
    wire: Arc<Wire>,
    insecure: BTreeSet<String>,
    attaching: referrers::Attaching,
}

impl OciRegistry {
    /// All registries. Nothing is sent, and no certificate is loaded, before the first request.
    ///
    /// # Errors
    /// `Invalid` when the CA file or the proxy's URL is of no use.
    pub fn new(settings: OciSettings, clock: Arc<dyn Clock>) -> Result<Self, PortError> {
        let http = HttpSettings {
            names_kept: NAMES_KEPT,
            ..settings.http
        };
        let client = Client::new(&http).map_err(|error| {
            PortError::new(ErrorKind::Invalid, "preparing requests to registries", &error)
        })?;
        let client = Arc::new(client);
        let auth = Auth::new(Arc::clone(&client), Arc::clone(&clock), settings.credentials);
        Ok(Self {
            wire: Arc::new(Wire::new(client, clock, auth, settings.patience)),
            insecure: settings.insecure,
            attaching: referrers::Attaching::default(),
        })
    }

    fn place(&self, repository: &str) -> Result<Place, PortError> {
        Place::of(repository, &self.insecure)
    }
}

impl Registry for OciRegistry {
    fn resolve(&self, repository: &str, tag: &Tag) -> Result<Option<Digest>, PortError> {
        pull::resolve(&self.wire, &self.place(repository)?, tag)
    }

    fn has(&self, repository: &str, content: Content, digest: &Digest) -> Result<bool, PortError> {
        pull::has(&self.wire, &self.place(repository)?, content, digest)
    }

    fn manifest_by_tag(&self, repository: &str, tag: &Tag) -> Result<Option<(Digest, Vec<u8>)>, PortError> {
        pull::manifest_by_tag(&self.wire, &self.place(repository)?, tag)
    }

    fn manifest(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError> {
        pull::manifest(&self.wire, &self.place(repository)?, digest)
    }

    fn blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + Send>, PortError> {
        let place = self.place(repository)?;
        Ok(Box::new(BlobStream::open(&self.wire, &place, digest)?))
    }

    fn push_blob(&self, repository: &str, blob: &Blob<'_>) -> Result<(), PortError> {
        let place = self.place(repository)?;
        let from = blob
            .from
            .and_then(|from| self.place(from).ok())
            .filter(|from| from.base == place.base);
        push::push(&self.wire, &place, blob, from.as_ref())
    }

    fn push_manifest(&self, repository: &str, manifest: &[u8], tags: &[Tag]) -> Result<Digest, PortError> {
        manifests::push(
            &self.wire,
            &self.place(repository)?,
            manifest,
            tags,
            &self.attaching,
        )
    }
}

impl Catalog for OciRegistry {
    fn tags(&self, repository: &str) -> Result<Vec<Tag>, PortError> {
        let tags = catalog::tags(&self.wire, &self.place(repository)?, catalog::Extent::All)?;
        Ok(tags.unwrap_or_default())
    }

    fn tags_at_once(&self, repository: &str) -> Result<Option<Vec<Tag>>, PortError> {
        catalog::tags(&self.wire, &self.place(repository)?, catalog::Extent::OnePage)
    }

    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, PortError> {
        referrers::list(&self.wire, &self.place(repository)?, digest, None)
    }

    fn referrers_among(
        &self,
        repository: &str,
        digest: &Digest,
        tags: &BTreeSet<Tag>,
    ) -> Result<Vec<Descriptor>, PortError> {
        referrers::list(&self.wire, &self.place(repository)?, digest, Some(tags))
    }

    fn images(&self, repository: &str) -> Result<Vec<HeldImage>, PortError> {
        catalog::images(&self.wire, &self.place(repository)?)
    }

    fn discard(&self, repository: &str, what: &Discard) -> Result<(), PortError> {
        catalog::discard(&self.wire, &self.place(repository)?, what)
    }
}

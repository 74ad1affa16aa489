//! Attestations that GitHub keeps beside the registry (REST API, "List attestations").

use crate::domain::model::{Digest, ErrorKind, Explanation, PortError, Secret};
use crate::host::github::{GitHubApi, GitHubRepository};
use crate::host::http::{Client, Failure, Outgoing, Transfer};
use crate::ports::Attestations;
use serde::Deserialize;
use serde_json::Value;
use std::io::Read;
use std::time::Duration;

/// How many attestations are asked for; they come newest first.
const MOST: usize = 30;
/// The longest answer that is read, in bytes: a bundle takes some ten thousand.
const LONGEST: u64 = 4 << 20;
/// The longest that the request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The attestations of one repository on GitHub, or on a GitHub Enterprise server.
pub struct GitHubAttestations {
    client: Client,
    api: GitHubApi,
    repository: GitHubRepository,
}

#[derive(Deserialize)]
struct Listing {
    attestations: Vec<Attestation>,
}

#[derive(Deserialize)]
struct Attestation {
    /// The bundle as JSON; `null` where GitHub only says where it is.
    bundle: Option<Value>,
}

impl GitHubAttestations {
    /// Those of the repository `owner/name` behind the API at `api` (`https://api.github.com`). Without a
    /// token only a public repository's can be read.
    ///
    /// # Errors
    /// As [`GitHubApi::new`] and [`GitHubRepository::new`].
    pub fn new(
        client: Client,
        api: &str,
        repository: &str,
        token: Option<Secret>,
    ) -> Result<Self, PortError> {
        Ok(Self {
            client,
            api: GitHubApi::new(api, token)?,
            repository: GitHubRepository::new(repository)?,
        })
    }
}

impl Attestations for GitHubAttestations {
    fn bundles(&self, digest: &Digest) -> Result<Vec<Vec<u8>>, PortError> {
        let doing = format!("asking GitHub for the attestations of {}", self.repository.name());
        let failed = |kind: ErrorKind, message: String| PortError::new(kind, &doing, message);
        let path = format!("attestations/{digest}?per_page={MOST}");
        let url = self.api.url(&self.repository.path(&path));
        let carried = self.api.headers();
        let headers: Vec<(&str, &str)> = carried
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = self
            .client
            .transfer(Transfer {
                method: "GET",
                url: &url,
                headers: &headers,
                body: Outgoing::Nothing,
                patience: TIMEOUT,
                limit: TIMEOUT,
            })
            .map_err(|error| {
                let kind = match error.failure {
                    Failure::Invalid | Failure::Untrusted => ErrorKind::Invalid,
                    Failure::Unreachable | Failure::Unanswered => ErrorKind::Transient,
                };
                PortError::new(kind, &doing, &error)
            })?;
        match answer.status {
            200 => {}
            // GitHub says so for an image without attestations, and for a repository that is not shown.
            404 => return Ok(Vec::new()),
            401 | 403 => {
                return Err(
                    failed(ErrorKind::Denied, format!("GitHub answered {}", answer.status))
                        .fix("set GITHUB_TOKEN to a token with `attestations: read`"),
                );
            }
            status => return Err(failed(ErrorKind::Transient, format!("GitHub answered {status}"))),
        }
        let listing = listing(answer.body, &doing)?;
        bundles(listing).map_err(|why| PortError::new(ErrorKind::Unsupported, &doing, why))
    }
}

/// The list in an answer.
fn listing(answer: Box<dyn Read + Send>, doing: &str) -> Result<Listing, PortError> {
    let failed = |kind: ErrorKind, message: String| PortError::new(kind, doing, message);
    let mut body = Vec::new();
    answer
        .take(LONGEST + 1)
        .read_to_end(&mut body)
        .map_err(|error| PortError::new(ErrorKind::Transient, doing, &error))?;
    if body.len() as u64 > LONGEST {
        let message = format!("the answer is longer than {LONGEST} bytes");
        return Err(failed(ErrorKind::Invalid, message));
    }
    serde_json::from_slice(&body).map_err(|error| {
        failed(
            ErrorKind::Invalid,
            "the answer is no list of attestations".to_owned(),
        )
        .because(&error)
    })
}

/// The bundles of a list, unless it only says where they are.
fn bundles(listing: Listing) -> Result<Vec<Vec<u8>>, Explanation> {
    let found = listing.attestations.len();
    let bundles: Vec<Vec<u8>> = listing
        .attestations
        .into_iter()
        .filter_map(|attestation| attestation.bundle.map(|bundle| bundle.to_string().into_bytes()))
        .take(MOST)
        .collect();
    if bundles.is_empty() && found > 0 {
        return Err(
            Explanation::new("GitHub lists attestations without their bundles")
                .fix("push them to the registry (actions/attest with `push-to-registry: true`)"),
        );
    }
    Ok(bundles)
}

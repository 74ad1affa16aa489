//! Attestations that GitHub keeps beside the registry (REST API, "List attestations").

use crate::host::http::{Client, Failure, Outgoing, Transfer};
use crate::host::url::{authority, redacted};
use crate::model::{Digest, Secret};
use crate::ports::{Attestations, ErrorKind, PortError};
use serde::Deserialize;
use serde_json::Value;
use std::io::Read as _;
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
    api: String,
    repository: String,
    token: Option<Secret>,
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
    /// `Invalid` when the repository's name is none, or the token would go over the network in the clear.
    pub fn new(
        client: Client,
        api: &str,
        repository: &str,
        token: Option<Secret>,
    ) -> Result<Self, PortError> {
        let api = api.trim_end_matches('/');
        let invalid = |message: &str| {
            let doing = format!("setting up GitHub at {}", redacted(api));
            Err(PortError::new(ErrorKind::Invalid, doing, message))
        };
        let is_name = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric() || "-_".contains(c))
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        let named = repository
            .split_once('/')
            .is_some_and(|(owner, name)| is_name(owner) && is_name(name));
        if !named {
            return invalid("the repository is not named as owner/name (GITHUB_REPOSITORY)");
        }
        if token.is_some() && !api.starts_with("https://") && !is_loopback(api) {
            return invalid("the token would go there unencrypted: use https");
        }
        Ok(Self {
            client,
            api: api.to_owned(),
            repository: repository.to_owned(),
            token,
        })
    }
}

fn is_loopback(api: &str) -> bool {
    let authority = authority(api);
    let host = authority
        .rsplit_once(':')
        .map_or(authority.as_str(), |(host, _)| host);
    ["127.0.0.1", "[::1]", "localhost"].contains(&host)
}

impl Attestations for GitHubAttestations {
    fn bundles(&self, digest: &Digest) -> Result<Vec<Vec<u8>>, PortError> {
        let doing = format!("asking GitHub for the attestations of {}", self.repository);
        let failed = |kind: ErrorKind, message: String| PortError::new(kind, &doing, message);
        let url = format!(
            "{}/repos/{}/attestations/{digest}?per_page={MOST}",
            self.api, self.repository
        );
        let bearer = self
            .token
            .as_ref()
            .map(|token| format!("Bearer {}", token.expose()));
        let mut headers = vec![
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
        ];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
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
                failed(kind, error.to_string())
            })?;
        match answer.status {
            200 => {}
            // GitHub says so for an image without attestations, and for a repository that is not shown.
            404 => return Ok(Vec::new()),
            401 | 403 => {
                let message = format!(
                    "GitHub answered {}; set GITHUB_TOKEN to a token with `attestations: read`",
                    answer.status
                );
                return Err(failed(ErrorKind::Denied, message));
            }
            status => return Err(failed(ErrorKind::Transient, format!("GitHub answered {status}"))),
        }
        let mut body = Vec::new();
        answer
            .body
            .take(LONGEST + 1)
            .read_to_end(&mut body)
            .map_err(|error| failed(ErrorKind::Transient, error.to_string()))?;
        if body.len() as u64 > LONGEST {
            let message = format!("the answer is longer than {LONGEST} bytes");
            return Err(failed(ErrorKind::Invalid, message));
        }
        let listing: Listing = serde_json::from_slice(&body).map_err(|error| {
            failed(
                ErrorKind::Invalid,
                format!("the answer is no list of attestations: {error}"),
            )
        })?;
        let found = listing.attestations.len();
        let bundles: Vec<Vec<u8>> = listing
            .attestations
            .into_iter()
            .filter_map(|attestation| attestation.bundle.map(|bundle| bundle.to_string().into_bytes()))
            .take(MOST)
            .collect();
        if bundles.is_empty() && found > 0 {
            let message = "GitHub lists attestations without their bundles; push them to the registry \
                           (actions/attest with `push-to-registry: true`)";
            return Err(failed(ErrorKind::Unsupported, message.to_owned()));
        }
        Ok(bundles)
    }
}

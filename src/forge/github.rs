//! GitHub's REST API, version 2022-11-28.

use crate::host::github::GitHubRepository;
use crate::host::http::{Answer, Client, Failure, Request};
use crate::model::Secret;
use crate::ports::{CodeScanning, ErrorKind, PortError, SarifUpload};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;

/// The largest SARIF that GitHub takes, compressed, in bytes (code scanning, "SARIF support").
const LARGEST_SARIF: usize = 10 << 20;
/// The longest that one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A repository on GitHub, or on a GitHub Enterprise server.
pub struct GitHub {
    client: Client,
    repository: GitHubRepository,
    name: String,
}

impl GitHub {
    /// The repository `owner/name` behind the API at `api` (`https://api.github.com`).
    ///
    /// # Errors
    /// As [`GitHubRepository::new`].
    pub fn new(client: Client, api: &str, repository: &str, token: Secret) -> Result<Self, PortError> {
        let repository = GitHubRepository::new(api, repository, Some(token))?;
        Ok(Self {
            client,
            name: format!("{} {}", repository.authority(), repository.name()),
            repository,
        })
    }

    /// The API's host and the repository, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn post(&self, doing: &str, path: &str, body: &Value) -> Result<Answer, PortError> {
        let url = self.repository.url(path);
        let mut headers: BTreeMap<String, String> = self
            .repository
            .headers()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        headers.insert("content-type".to_owned(), "application/json".to_owned());
        let bytes =
            serde_json::to_vec(body).map_err(|error| PortError::new(ErrorKind::Invalid, doing, error))?;
        self.client
            .send(&Request {
                method: "POST",
                url: &url,
                headers: &headers,
                body: Some(&bytes),
                timeout: TIMEOUT,
            })
            .map_err(|error| {
                let kind = match error.failure {
                    Failure::Invalid => ErrorKind::Invalid,
                    Failure::Untrusted => ErrorKind::Denied,
                    // Whether it was taken is not known; the same upload again changes nothing.
                    Failure::Unreachable | Failure::Unanswered => ErrorKind::Transient,
                };
                PortError::new(kind, doing, error)
            })
    }
}

impl CodeScanning for GitHub {
    fn upload_sarif(&self, upload: &SarifUpload) -> Result<String, PortError> {
        let doing = format!("uploading the findings to {}", self.name);
        let packed =
            packed(&upload.sarif).map_err(|error| PortError::new(ErrorKind::Invalid, &doing, error))?;
        if packed.len() > LARGEST_SARIF {
            let message = format!(
                "they are {} bytes compressed, and GitHub takes {LARGEST_SARIF}: show fewer with `scan.severity`",
                packed.len()
            );
            return Err(PortError::new(ErrorKind::Invalid, doing, message));
        }
        let body = json!({
            "commit_sha": upload.commit.as_str(),
            "ref": upload.reference,
            "sarif": STANDARD.encode(&packed),
            "tool_name": upload.tool,
            "started_at": upload.started.to_string(),
        });
        let answer = self.post(&doing, "code-scanning/sarifs", &body)?;
        if answer.status != 202 {
            return Err(refused(&doing, &answer));
        }
        let receipt: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match receipt.get("id").and_then(Value::as_str) {
            Some(id) => Ok(id.chars().take(100).collect()),
            None => Err(PortError::new(
                ErrorKind::Ambiguous,
                doing,
                "GitHub answered 202 without an id: look at the repository's code scanning alerts",
            )),
        }
    }
}

fn packed(sarif: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(sarif.as_bytes())?;
    encoder.finish()
}

/// What an answer other than 202 means, and what to do.
fn refused(doing: &str, answer: &Answer) -> PortError {
    let said = serde_json::from_slice::<Value>(&answer.body)
        .ok()
        .and_then(|body| {
            Some(
                body.get("message")?
                    .as_str()?
                    .chars()
                    .take(300)
                    .collect::<String>(),
            )
        })
        .unwrap_or_else(|| "no reason given".to_owned());
    let limited = answer.headers.contains_key("retry-after")
        || answer
            .headers
            .get("x-ratelimit-remaining")
            .is_some_and(|left| left == "0");
    let (kind, fix) = match answer.status {
        403 | 429 if limited => (ErrorKind::Transient, "the rate limit is used up: try again later"),
        401 => (
            ErrorKind::Denied,
            "the token is not valid here: check GITHUB_TOKEN",
        ),
        403 => (
            ErrorKind::Denied,
            "give the job `permissions: { security-events: write }`, and enable code scanning (private repositories need GitHub Code Security)",
        ),
        404 => (
            ErrorKind::Missing,
            "there is no such repository, or the token may not see it: check GITHUB_REPOSITORY and the token",
        ),
        400 | 422 => (
            ErrorKind::Invalid,
            "the commit or the ref is not one of this repository: push it first",
        ),
        413 => (
            ErrorKind::Invalid,
            "the findings are too many: show fewer with `scan.severity`",
        ),
        429 | 500..=599 => (ErrorKind::Transient, "GitHub is busy: try again later"),
        _ => (ErrorKind::Invalid, "this answer is not one that GitHub documents"),
    };
    PortError::new(
        kind,
        doing,
        format!("GitHub answered {}: {said}; {fix}", answer.status),
    )
}

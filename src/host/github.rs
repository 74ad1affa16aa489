//! GitHub's REST API, version 2022-11-28: where it is, who asks, and the repository that is asked about.

use super::url::{authority, is_loopback, redacted};
use crate::domain::model::{ErrorKind, PortError, Secret};

/// What GitHub asks every client to accept.
pub const ACCEPTED: &str = "application/vnd.github+json";

/// The API of GitHub, or of a GitHub Enterprise server.
pub struct GitHubApi {
    base: String,
    token: Option<Secret>,
}

impl GitHubApi {
    /// The API at `base` (`https://api.github.com`). Without a token only what is public can be read.
    ///
    /// # Errors
    /// `Invalid` when the token would go over the network in the clear.
    pub fn new(base: &str, token: Option<Secret>) -> Result<Self, PortError> {
        let base = base.trim_end_matches('/');
        if token.is_some() && !base.starts_with("https://") && !is_loopback(&authority(base)) {
            let doing = format!("setting up GitHub at {}", redacted(base));
            let message = "the token would go there unencrypted: use https";
            return Err(PortError::new(ErrorKind::Invalid, doing, message));
        }
        Ok(Self {
            base: base.to_owned(),
            token,
        })
    }

    /// The URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// What every request carries.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("accept", ACCEPTED.to_owned()),
            ("x-github-api-version", "2022-11-28".to_owned()),
        ];
        let bearer = self.token.as_ref();
        headers.extend(bearer.map(|token| ("authorization", format!("Bearer {}", token.expose()))));
        headers
    }
}

/// The name of a repository on GitHub, `owner/name`.
pub struct GitHubRepository {
    name: String,
}

impl GitHubRepository {
    /// The repository of that name.
    ///
    /// # Errors
    /// `Invalid` when it is none.
    pub fn new(name: &str) -> Result<Self, PortError> {
        let is_name = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        let named = name
            .split_once('/')
            .is_some_and(|(owner, name)| is_name(owner) && is_name(name));
        if !named {
            let message = format!("{name:?} is not a repository: write owner/name (GITHUB_REPOSITORY)");
            return Err(PortError::new(ErrorKind::Invalid, "setting up GitHub", message));
        }
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// `owner/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The API's path to something of it.
    pub fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", self.name)
    }
}

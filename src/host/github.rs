//! One repository behind GitHub's REST API, version 2022-11-28: where it is, and what is shown there.

use super::url::{authority, is_loopback, redacted};
use crate::model::Secret;
use crate::ports::{ErrorKind, PortError};

/// A repository on GitHub, or on a GitHub Enterprise server.
pub struct GitHubRepository {
    api: String,
    name: String,
    token: Option<Secret>,
}

impl GitHubRepository {
    /// The repository `owner/name` behind the API at `api` (`https://api.github.com`). Without a token only
    /// what is public can be read.
    ///
    /// # Errors
    /// `Invalid` when the repository's name is none, or the token would go over the network in the clear.
    pub fn new(api: &str, name: &str, token: Option<Secret>) -> Result<Self, PortError> {
        let api = api.trim_end_matches('/');
        let invalid = |message: String| {
            let doing = format!("setting up GitHub at {}", redacted(api));
            Err(PortError::new(ErrorKind::Invalid, doing, message))
        };
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
            return invalid(format!(
                "{name:?} is not a repository: write owner/name (GITHUB_REPOSITORY)"
            ));
        }
        if token.is_some() && !api.starts_with("https://") && !is_loopback(&authority(api)) {
            return invalid("the token would go there unencrypted: use https".to_owned());
        }
        Ok(Self {
            api: api.to_owned(),
            name: name.to_owned(),
            token,
        })
    }

    /// Host and port of the API.
    pub fn authority(&self) -> String {
        authority(&self.api)
    }

    /// `owner/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL of something of this repository.
    pub fn url(&self, rest: &str) -> String {
        format!("{}/repos/{}/{rest}", self.api, self.name)
    }

    /// The URL of something beside the repositories.
    pub fn root(&self, rest: &str) -> String {
        format!("{}/{rest}", self.api)
    }

    /// Whose repository it is.
    pub fn owner(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// The host that people know and the repository: `github.com acme/app`.
    pub fn shown(&self) -> String {
        let authority = self.authority();
        let host = authority.strip_suffix(":443").unwrap_or(&authority);
        let host = host.strip_prefix("api.").unwrap_or(host);
        format!("{host} {}", self.name)
    }

    /// What every request carries.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("accept", "application/vnd.github+json".to_owned()),
            ("x-github-api-version", "2022-11-28".to_owned()),
        ];
        let bearer = self.token.as_ref();
        headers.extend(bearer.map(|token| ("authorization", format!("Bearer {}", token.expose()))));
        headers
    }
}

//! The file that docker (`config.json`) and podman (`auth.json`) write when somebody logs in.

use super::{Credential, canonical, credential};
use crate::domain::model::{Explanation, Secret};
use crate::host::files;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The largest such file, in bytes.
const LARGEST: u64 = 4 << 20;

/// The parts of the file that are about registries.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct File {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
    #[serde(skip)]
    path: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

impl File {
    /// Reads the file, where there is one.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Explanation> {
        let shown = path.display().to_string();
        let bytes = match files::read_bounded(path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => {
                let doing = format!("reading the credentials in {shown}");
                return Err(Explanation::of(&error).while_doing(&doing));
            }
        };
        // The parser's message may quote what is in the file.
        let mut file: Self = serde_json::from_slice(&bytes).map_err(|error| {
            Explanation::new(format!(
                "reading the credentials in {shown}: it is no JSON as docker writes it (line {})",
                error.line()
            ))
            .fix("log in again")
        })?;
        file.path = shown;
        Ok(Some(file))
    }

    /// The name of the credential helper for a registry.
    pub(super) fn helper(&self, host: &str) -> Option<&str> {
        let own = self.cred_helpers.iter().find(|(key, _)| canonical(key) == host);
        own.map(|(_, helper)| helper.as_str())
            .or(Some(self.creds_store.as_str()))
            .filter(|helper| !helper.is_empty())
    }

    /// The credential for a repository: that of the longest part of its name, or of its registry.
    pub(super) fn credential(&self, host: &str, name: &str) -> Result<Option<Credential>, Explanation> {
        let full = format!("{host}/{name}");
        let matching = self.auths.iter().filter_map(|(key, entry)| {
            let key = canonical(key);
            let fits = full == key || full.strip_prefix(&key).is_some_and(|rest| rest.starts_with('/'));
            fits.then_some((key.len(), entry))
        });
        let Some((_, entry)) = matching.max_by_key(|(length, _)| *length) else {
            return Ok(None);
        };
        entry.credential().map_err(|problem| {
            Explanation::new(format!(
                "reading the credentials in {}: the entry for {host} {problem}",
                self.path
            ))
            .fix("log in again")
        })
    }
}

impl Entry {
    fn credential(&self) -> Result<Option<Credential>, String> {
        if !self.registrytoken.is_empty() {
            return Ok(Some(Credential::Bearer(Secret::new(self.registrytoken.clone()))));
        }
        if !self.identitytoken.is_empty() {
            return Ok(Some(Credential::Identity(Secret::new(
                self.identitytoken.clone(),
            ))));
        }
        if !self.auth.is_empty() {
            let decoded = STANDARD
                .decode(&self.auth)
                .or_else(|_| STANDARD_NO_PAD.decode(&self.auth))
                .map_err(|_| "is no base64")?;
            let decoded = String::from_utf8(decoded).map_err(|_| "is no text")?;
            // Docker has filled it up with zeros.
            let (user, password) = decoded
                .trim_end_matches('\0')
                .split_once(':')
                .ok_or("has no ':' between user and password")?;
            return Ok(Some(credential(user, password)));
        }
        // An entry without anything is left by docker where a helper keeps the password.
        Ok((!self.username.is_empty()).then(|| credential(&self.username, &self.password)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        serde_json::from_str(text).unwrap()
    }

    fn shown(credential: Option<Credential>) -> String {
        match credential {
            Some(Credential::Password { user, password }) => format!("{user}:{}", password.expose()),
            Some(Credential::Identity(token)) => format!("identity:{}", token.expose()),
            Some(Credential::Bearer(token)) => format!("bearer:{}", token.expose()),
            None => String::new(),
        }
    }

    #[test]
    fn entries_are_found_by_host_and_by_the_longest_path() {
        let file = file(
            r#"{"auths": {
                "https://index.docker.io/v1/": {"auth": "aHViOmEAAAA="},
                "quay.io": {"auth": "cXVheTpwOnc="},
                "quay.io/acme": {"username": "acme", "password": "w"},
                "ghcr.io": {"auth": "PHRva2VuPjp4", "identitytoken": "idt"},
                "ecr.aws": {"registrytoken": "rt"},
                "helped.io": {},
                "token.io": {"auth": "PHRva2VuPjp4"},
                "bad.io": {"auth": "!"}
            }, "credHelpers": {"helped.io": "pass"}, "currentContext": "x", "HttpHeaders": {}}"#,
        );
        for (host, name, expected) in [
            ("docker.io", "library/nginx", "hub:a"),
            ("quay.io", "other/app", "quay:p:w"),
            ("quay.io", "acme/app", "acme:w"),
            ("quay.io", "acmes/app", "quay:p:w"),
            ("ghcr.io", "a", "identity:idt"),
            ("token.io", "a", "identity:x"),
            ("ecr.aws", "a", "bearer:rt"),
            ("helped.io", "a", ""),
            ("none.io", "a", ""),
        ] {
            assert_eq!(
                shown(file.credential(host, name).unwrap()),
                expected,
                "{host}/{name}"
            );
        }
        assert!(
            file.credential("bad.io", "a")
                .unwrap_err()
                .to_string()
                .contains("log in again")
        );
        assert_eq!(file.helper("helped.io"), Some("pass"));
        assert_eq!(file.helper("ghcr.io"), None);
    }
}

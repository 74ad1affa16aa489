//! Finds the credential for a registry: variables first, then files and helpers.

use super::files::File;
use super::helper;
use crate::domain::model::{Explanation, Secret};
use crate::host::environment::registry_prefix;
use crate::host::runner::LocalRunner;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

const PREFIX: &str = "GREENROOM_REGISTRY";
/// The user that a token without a name belongs to.
const TOKEN_USER: &str = "token";
/// The user name that marks a password as an identity token (docker's `config.json`).
const IDENTITY_USER: &str = "<token>";

/// The secrets for registries among these variables of the environment.
pub fn secrets(variables: &BTreeMap<String, String>) -> impl Iterator<Item = Secret> {
    let own = variables.iter().filter(|(name, _)| {
        name.starts_with(PREFIX) && (name.ends_with("_PASSWORD") || name.ends_with("_TOKEN"))
    });
    own.map(|(_, value)| Secret::new(value.clone()))
}

/// What is shown to a registry or its token server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::adapters::registry::oci) enum Credential {
    /// A user's password, or a token in its place.
    Password { user: String, password: Secret },
    /// What a token server gives tokens for (OAuth2's refresh token).
    Identity(Secret),
    /// What is shown to the registry as it is.
    Bearer(Secret),
}

/// A credential, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::adapters::registry::oci) struct Found {
    pub(in crate::adapters::registry::oci) credential: Credential,
    /// For messages: a variable's or a file's name.
    pub(in crate::adapters::registry::oci) source: String,
}

/// What was found for a repository, or what is wrong with the place where it should be.
type Outcome = Result<Option<Arc<Found>>, Explanation>;

/// What a helper said.
type Answer = Result<Option<Credential>, Explanation>;

/// Finds credentials. Nothing is read before a registry asks for one, and nothing twice.
#[derive(Default)]
pub struct Credentials {
    variables: BTreeMap<String, String>,
    /// The registry that the variables without a host belong to.
    own: Option<String>,
    known: Mutex<BTreeMap<String, Outcome>>,
    /// What helpers said, by their names and the hosts that they were asked about.
    asked: Mutex<BTreeMap<(String, String), Answer>>,
}

impl Credentials {
    /// Credentials as these variables of the environment name them. `own` is the host of the registry
    /// that the project's images are kept in.
    pub fn new(variables: &BTreeMap<String, String>, own: Option<&str>) -> Self {
        let bound = given(variables, &format!("{PREFIX}_HOST")).or(own);
        Self {
            variables: variables.clone(),
            own: bound.map(canonical),
            known: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// The credential for a repository's registry, if there is one. The error says what is wrong with
    /// the place where one should be.
    pub(in crate::adapters::registry::oci) fn find(&self, host: &str, name: &str) -> Outcome {
        // Held while a helper is asked: it may show a prompt, and is to show it once.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = format!("{host}/{name}");
        if let Some(found) = known.get(&key) {
            return found.clone();
        }
        let found = self.look(host, name).map(|found| found.map(Arc::new));
        known.insert(key, found.clone());
        found
    }

    /// What to tell somebody whose request was refused.
    pub(in crate::adapters::registry::oci) fn advice(&self, host: &str, name: &str) -> String {
        match self.find(host, name) {
            Ok(Some(found)) => format!(
                "the credentials of {} were shown: check that they are right, have not expired and reach as far as {name}",
                found.source
            ),
            Ok(None) => {
                let prefix = registry_prefix(host);
                let unbound = ["USERNAME", "TOKEN"]
                    .into_iter()
                    .map(|part| format!("{PREFIX}_{part}"))
                    .find(|variable| given(&self.variables, variable).is_some())
                    .map_or_else(String::new, |variable| {
                        let whose = self.own.as_deref().unwrap_or("no registry yet");
                        format!(" ({variable} belongs to {whose}; GREENROOM_REGISTRY_HOST says whose it is)")
                    });
                format!(
                    "no credentials were found for {host}{unbound}: set {prefix}_USERNAME and {prefix}_PASSWORD, or log in with docker login {host}"
                )
            }
            Err(why) => why.to_string(),
        }
    }

    fn look(&self, host: &str, name: &str) -> Result<Option<Found>, Explanation> {
        if let Some(found) = self.in_variables(&registry_prefix(host))? {
            return Ok(Some(found));
        }
        if self.own.as_deref() == Some(host)
            && let Some(found) = self.in_variables(PREFIX)?
        {
            return Ok(Some(found));
        }
        for path in self.files() {
            let Some(file) = File::read(&path)? else {
                continue;
            };
            if let Some(helper) = file.helper(host)
                && let Some(credential) = self.ask(helper, host)?
            {
                let source = format!("docker-credential-{helper} (named in {})", path.display());
                return Ok(Some(Found { credential, source }));
            }
            if let Some(credential) = file.credential(host, name)? {
                let source = path.display().to_string();
                return Ok(Some(Found { credential, source }));
            }
        }
        Ok(None)
    }

    /// Asks a helper once for each registry, however many repositories there are.
    fn ask(&self, helper: &str, host: &str) -> Answer {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (helper.to_owned(), host.to_owned());
        if let Some(answer) = asked.get(&key) {
            return answer.clone();
        }
        let runner = LocalRunner::new(&self.variables, PathBuf::from("/"));
        let answer = helper::ask(&runner, &self.variables, helper, host);
        asked.insert(key, answer.clone());
        answer
    }

    fn in_variables(&self, prefix: &str) -> Result<Option<Found>, Explanation> {
        let get = |part: &str| given(&self.variables, &format!("{prefix}_{part}"));
        let (user, password, token) = (get("USERNAME"), get("PASSWORD"), get("TOKEN"));
        let (secret, variable) = match (password, token) {
            (Some(password), _) => (password, "PASSWORD"),
            (None, Some(token)) => (token, "TOKEN"),
            (None, None) if user.is_some() => {
                return Err(format!(
                    "{prefix}_USERNAME is set, and neither {prefix}_PASSWORD nor {prefix}_TOKEN"
                )
                .into());
            }
            (None, None) => return Ok(None),
        };
        let user = match user {
            Some(user) => user,
            None if variable == "TOKEN" => TOKEN_USER,
            None => return Err(format!("{prefix}_PASSWORD is set without {prefix}_USERNAME").into()),
        };
        Ok(Some(Found {
            credential: credential(user, secret),
            source: format!("{prefix}_{variable}"),
        }))
    }

    /// Where podman and docker keep theirs.
    fn files(&self) -> Vec<PathBuf> {
        let get = |name: &str| given(&self.variables, name).map(PathBuf::from);
        let podman =
            get("REGISTRY_AUTH_FILE").or_else(|| Some(get("XDG_RUNTIME_DIR")?.join("containers/auth.json")));
        let docker = get("DOCKER_CONFIG").or_else(|| Some(get("HOME")?.join(".docker")));
        podman
            .into_iter()
            .chain(docker.map(|folder| folder.join("config.json")))
            .collect()
    }
}

impl fmt::Debug for Credentials {
    /// Without the variables, which hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

/// A user's password; an identity token where the name says so.
pub(super) fn credential(user: &str, secret: &str) -> Credential {
    let secret = Secret::new(secret.to_owned());
    if user == IDENTITY_USER {
        Credential::Identity(secret)
    } else {
        Credential::Password {
            user: user.to_owned(),
            password: secret,
        }
    }
}

fn given<'a>(variables: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    variables
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

/// A registry's host as this client names it, from what people and files write: `https://ghcr.io/v2/`,
/// `https://index.docker.io/v1/`.
pub(super) fn canonical(text: &str) -> String {
    let text = text
        .split_once("://")
        .map_or(text, |(_, rest)| rest)
        .trim_end_matches('/');
    let text = text
        .strip_suffix("/v1")
        .or_else(|| text.strip_suffix("/v2"))
        .unwrap_or(text);
    let (host, rest) = text.split_at(text.find('/').unwrap_or(text.len()));
    let host = host.to_ascii_lowercase();
    match host.as_str() {
        "index.docker.io" | "registry-1.docker.io" | "docker.io" => format!("docker.io{rest}"),
        host => format!("{host}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(variables: &[(&str, &str)], own: Option<&str>) -> Credentials {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Credentials::new(&variables.collect(), own)
    }

    fn user(credentials: &Credentials, host: &str) -> Option<String> {
        match &credentials.find(host, "acme/app").unwrap()?.credential {
            Credential::Password { user, password } => Some(format!("{user}:{}", password.expose())),
            Credential::Identity(token) => Some(format!("identity:{}", token.expose())),
            Credential::Bearer(token) => Some(format!("bearer:{}", token.expose())),
        }
    }

    #[test]
    fn variables_belong_to_one_registry() {
        let bound = [
            ("GREENROOM_REGISTRY_USERNAME", "ci"),
            ("GREENROOM_REGISTRY_PASSWORD", "one"),
            ("GREENROOM_REGISTRY_HOST", "https://GHCR.io/"),
            ("GREENROOM_REGISTRY_127_0_0_1_5000_TOKEN", "two"),
            ("GREENROOM_REGISTRY_DOCKER_IO_USERNAME", "<token>"),
            ("GREENROOM_REGISTRY_DOCKER_IO_TOKEN", "three"),
        ];
        let all = credentials(&bound, Some("quay.io"));
        assert_eq!(user(&all, "ghcr.io").as_deref(), Some("ci:one"));
        assert_eq!(user(&all, "127.0.0.1:5000").as_deref(), Some("token:two"));
        assert_eq!(user(&all, "docker.io").as_deref(), Some("identity:three"));
        assert_eq!(user(&all, "quay.io"), None);
        let own = credentials(&bound[..2], Some("quay.io"));
        assert_eq!(user(&own, "quay.io").as_deref(), Some("ci:one"));
        assert_eq!(user(&own, "ghcr.io"), None);
        let advice = own.advice("ghcr.io", "acme/app");
        assert!(
            advice.contains("GREENROOM_REGISTRY_GHCR_IO_USERNAME") && advice.contains("belongs to quay.io"),
            "{advice}"
        );
    }

    #[test]
    fn half_a_credential_is_an_error_that_shows_no_secret() {
        for variable in [
            "GREENROOM_REGISTRY_GHCR_IO_USERNAME",
            "GREENROOM_REGISTRY_GHCR_IO_PASSWORD",
        ] {
            let half = credentials(&[(variable, "swordfish")], None);
            let error = half.find("ghcr.io", "a").unwrap_err().to_string();
            assert!(
                error.contains("GREENROOM_REGISTRY_GHCR_IO_") && !error.contains("swordfish"),
                "{error}"
            );
            assert!(!format!("{half:?}").contains("swordfish"));
        }
    }

    #[test]
    fn registries_are_named_in_many_ways() {
        for (written, host) in [
            ("https://index.docker.io/v1/", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("https://GHCR.IO/v2/", "ghcr.io"),
            ("quay.io/acme", "quay.io/acme"),
            ("http://127.0.0.1:5000", "127.0.0.1:5000"),
        ] {
            assert_eq!(canonical(written), host);
        }
    }
}

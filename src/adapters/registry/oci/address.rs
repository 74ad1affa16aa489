//! Where a repository is: its registry's address, and its name there.

use crate::domain::model::{ErrorKind, Explanation, InvalidText, PortError, RepositoryName};
use crate::host::url::is_loopback;

use std::collections::BTreeSet;

/// A repository's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The registry as credentials name it: `ghcr.io`, `docker.io`, `127.0.0.1:5000`.
    pub(super) host: String,
    /// Its URL without a path: `https://registry-1.docker.io`.
    pub(super) base: String,
    /// The repository's name within it: `library/nginx`.
    pub(super) name: String,
}

impl Place {
    /// The address of a repository that is named with its host. Plain HTTP is spoken with this machine
    /// and with the hosts in `insecure`.
    pub(super) fn of(repository: &str, insecure: &BTreeSet<String>) -> Result<Self, PortError> {
        let invalid = |why: Explanation| {
            PortError::new(
                ErrorKind::Invalid,
                format!("opening the repository {repository:?}"),
                why,
            )
        };
        let name: RepositoryName = repository
            .parse()
            .map_err(|error: InvalidText| invalid((&error).into()))?;
        let host = name.registry().ok_or_else(|| {
            invalid(Explanation::new("it names no registry").fix("write it with its host (ghcr.io/acme/app)"))
        })?;
        let host = host.to_ascii_lowercase();
        let hub = ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(&host.as_str());
        let (host, server) = if hub {
            ("docker.io".to_owned(), "registry-1.docker.io".to_owned())
        } else {
            (host.clone(), host)
        };
        let scheme = if is_loopback(&server) || insecure.contains(&host) {
            "http"
        } else {
            "https"
        };
        let path = name.path();
        Ok(Self {
            host,
            base: format!("{scheme}://{server}"),
            name: if hub && !path.contains('/') {
                format!("library/{path}")
            } else {
                path.to_owned()
            },
        })
    }

    /// The URL of something of this repository.
    pub(super) fn url(&self, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.base, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_what_is_listed_is_spoken_to_in_the_clear() {
        let insecure = BTreeSet::from(["registry.corp:5000".to_owned()]);
        for (repository, base, name) in [
            ("ghcr.io/acme/app", "https://ghcr.io", "acme/app"),
            ("docker.io/nginx", "https://registry-1.docker.io", "library/nginx"),
            ("docker.io/acme/app", "https://registry-1.docker.io", "acme/app"),
            ("127.0.0.1:5000/app", "http://127.0.0.1:5000", "app"),
            ("127.8.8.8/app", "http://127.8.8.8", "app"),
            ("[::1]:5000/app", "http://[::1]:5000", "app"),
            ("localhost/app", "http://localhost", "app"),
            (
                "localhost.evil.example/app",
                "https://localhost.evil.example",
                "app",
            ),
            ("10.0.0.1:5000/app", "https://10.0.0.1:5000", "app"),
            ("registry.corp:5000/app", "http://registry.corp:5000", "app"),
            ("registry.corp/app", "https://registry.corp", "app"),
        ] {
            let place = Place::of(repository, &insecure).unwrap();
            assert_eq!((place.base.as_str(), place.name.as_str()), (base, name));
        }
        assert!(Place::of("app", &insecure).is_err());
    }
}

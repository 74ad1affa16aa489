//! The token of a job in GitHub Actions for git, where the checkout left no credentials
//! (`persist-credentials: false`).
//!
//! It is handed to the one command that talks to the remote, through its environment (git-config(1),
//! `GIT_CONFIG_COUNT`), as the header that actions/checkout would have written into the configuration. The
//! header is bound to the server's address, so that git itself sends it nowhere else.

use crate::domain::model::Secret;
use crate::host::environment::{Ci, ProcessEnvironment};
use crate::host::url::{UrlOrigin, is_loopback, origin};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The user name that goes with a token of GitHub's.
const USER: &str = "x-access-token";

/// A header for every request to one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The name of git's setting.
    pub(super) key: String,
    /// Its value.
    pub(super) value: Secret,
}

/// The header for a remote with these URLs, where it is on the server that the job's token is for.
/// `config` is what git knows already (`git config -z`): credentials for that server that somebody
/// configured are left to work.
pub(super) fn header(environment: &ProcessEnvironment, urls: &[&str], config: &str) -> Option<Header> {
    if environment.ci() != Some(Ci::GitHub) {
        return None;
    }
    let token = token(environment)?;
    let server = origin(environment.get("GITHUB_SERVER_URL")?)?;
    let safe = server.scheme == "https" || is_loopback(&server.host);
    let there = urls.iter().any(|url| origin(url).as_ref() == Some(&server));
    if !safe || !there || is_configured(config, &server) {
        return None;
    }
    let UrlOrigin { scheme, host, port } = server;
    Some(Header {
        key: format!("http.{scheme}://{host}:{port}/.extraheader"),
        value: Secret::new(format!("AUTHORIZATION: basic {}", encoded(token))),
    })
}

/// What the token is made into on its way. The runner masks the token itself; this it does not know.
pub(super) fn travelling(environment: &ProcessEnvironment) -> Option<Secret> {
    token(environment).map(encoded).map(Secret::new)
}

/// The token of the job.
fn token(environment: &ProcessEnvironment) -> Option<&str> {
    let token = environment.get("GITHUB_TOKEN")?.trim();
    (!token.is_empty() && token.chars().all(|c| c.is_ascii_graphic())).then_some(token)
}

fn encoded(token: &str) -> String {
    STANDARD.encode(format!("{USER}:{token}"))
}

/// Whether git has credentials for the server: a header, or a helper that is meant for it.
fn is_configured(config: &str, server: &UrlOrigin) -> bool {
    let entries = config.split('\0').filter_map(|entry| entry.split_once('\n'));
    entries
        .filter(|(_, value)| !value.is_empty())
        .any(|(key, value)| {
            if key == "http.extraheader" {
                return is_authorization(value);
            }
            let section = |begin: &str, end: &str| {
                let url = key.strip_prefix(begin)?.strip_suffix(end)?;
                origin(url)
            };
            section("credential.", ".helper").is_some_and(|of| of == *server)
                || section("http.", ".extraheader").is_some_and(|of| of == *server && is_authorization(value))
        })
}

fn is_authorization(header: &str) -> bool {
    header.to_ascii_lowercase().starts_with("authorization:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://github.com/acme/app";

    fn environment(changed: &[(&str, &str)]) -> ProcessEnvironment {
        let mut variables = vec![
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_TOKEN", "t0ken"),
            ("GITHUB_SERVER_URL", "https://github.com"),
        ];
        variables.extend(changed);
        ProcessEnvironment::of(variables, "/")
    }

    #[test]
    fn the_token_goes_to_the_jobs_own_server_and_to_no_other() {
        let made = header(&environment(&[]), &[URL], "").unwrap();
        assert_eq!(made.key, "http.https://github.com:443/.extraheader");
        // As actions/checkout writes it.
        assert_eq!(
            made.value.expose(),
            "AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46dDBrZW4="
        );
        assert!(!format!("{made:?}").contains("eC1h"));
        for url in [
            "https://github.com.evil.example/a",
            "https://github.com:444/a",
            "http://github.com/a",
            "https://ci:pw@github.com/a",
            "git@github.com:acme/app.git",
            "file:///srv/a",
        ] {
            assert_eq!(header(&environment(&[]), &[url], ""), None, "{url}");
        }
    }

    #[test]
    fn without_a_job_a_token_or_a_safe_way_there_is_none() {
        for changed in [
            ("GITHUB_ACTIONS", ""),
            ("GITHUB_TOKEN", ""),
            ("GITHUB_TOKEN", "two\nlines"),
            ("GITHUB_SERVER_URL", "http://github.com"),
            ("GITHUB_SERVER_URL", "github.com"),
        ] {
            let urls = [URL, "http://github.com/acme/app"];
            assert_eq!(header(&environment(&[changed]), &urls, ""), None, "{changed:?}");
        }
        let loopback = environment(&[("GITHUB_SERVER_URL", "http://127.0.0.1:8080")]);
        assert!(header(&loopback, &["http://127.0.0.1:8080/r.git"], "").is_some());
    }

    #[test]
    fn credentials_that_are_configured_are_left_to_work() {
        for (config, left) in [
            (
                "http.https://github.com/.extraheader\nAUTHORIZATION: basic x\0",
                true,
            ),
            ("http.https://github.com/.extraheader\nX-Trace: 1\0", false),
            ("http.https://github.com/.extraheader\n\0", false),
            (
                "http.https://other.example/.extraheader\nAUTHORIZATION: basic x\0",
                false,
            ),
            ("http.extraheader\nauthorization: bearer x\0", true),
            (
                "credential.https://github.com.helper\n!gh auth git-credential\0",
                true,
            ),
            ("credential.helper\nstore\0", false),
        ] {
            let made = header(&environment(&[]), &[URL], config);
            assert_eq!(made.is_none(), left, "{config:?}");
        }
    }

    #[test]
    fn what_the_token_is_made_into_is_a_secret_as_well() {
        let made = travelling(&environment(&[])).unwrap();
        assert_eq!(made.expose(), "eC1hY2Nlc3MtdG9rZW46dDBrZW4=");
    }
}

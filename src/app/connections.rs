//! Connections to GitHub: where it is, with which token, and one connection for each.

use crate::adapters::forge::github::{Connection, GitHubPackages};
use crate::domain::model::{ErrorKind, PortError, Secret};
use crate::host::environment::ProcessEnvironment;
use crate::host::http::{Client, HttpSettings};
use crate::ports::{Clock, Packages};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the address of the API is remembered: one deployment asks it dozens of times.
const NAMES_KEPT: Duration = Duration::from_secs(60);

/// Where the repository is, as GitHub's variables say it.
pub(super) struct Place<'a> {
    /// `GITHUB_REPOSITORY`, owner and name.
    pub(super) repository: Option<&'a str>,
    /// `GITHUB_API_URL` as it is given, with its path on a GitHub Enterprise server.
    pub(super) api: &'a str,
    /// `GITHUB_TOKEN`, else `GH_TOKEN`.
    pub(super) token: Option<Secret>,
}

impl<'a> Place<'a> {
    /// What the environment says.
    pub(super) fn of(environment: &'a ProcessEnvironment) -> Self {
        let given = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let token = given("GITHUB_TOKEN").or_else(|| given("GH_TOKEN"));
        Self {
            repository: given("GITHUB_REPOSITORY"),
            api: given("GITHUB_API_URL").unwrap_or("https://api.github.com"),
            token: token.map(|token| Secret::new(token.to_owned())),
        }
    }
}

/// A client for requests to GitHub: `GREENROOM_GITHUB_CA_FILE` names the certificates to trust in place of the
/// public ones.
///
/// # Errors
/// When that file is of no use.
pub(super) fn client(environment: &ProcessEnvironment) -> Result<Client, PortError> {
    let file = environment.get("GREENROOM_GITHUB_CA_FILE");
    let settings = HttpSettings {
        ca_file: file.filter(|file| !file.is_empty()).map(PathBuf::from),
        names_kept: NAMES_KEPT,
        ..HttpSettings::default()
    };
    Client::new(&settings)
        .map_err(|error| PortError::new(ErrorKind::Invalid, "setting up requests to GitHub", &error))
}

/// What a connection is made from.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// The variables of the process.
    pub(super) environment: &'a ProcessEnvironment,
    /// Times its waits.
    pub(super) clock: &'a Arc<dyn Clock>,
}

/// The connections of a run, one for each token: what is learnt of a rate limit holds for every later request
/// with it, whether the project's repository or its images are asked for.
#[derive(Default)]
pub(super) struct Connections(Mutex<Vec<(Secret, Arc<Connection>)>>);

impl Connections {
    /// The one of this token.
    ///
    /// # Errors
    /// As [`client`], and where the token would go out unencrypted.
    pub(super) fn with(&self, run: Run<'_>, token: Secret) -> Result<Arc<Connection>, PortError> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = made.iter().find(|(known, _)| *known == token) {
            return Ok(Arc::clone(known));
        }
        let (api, clock) = (Place::of(run.environment).api, Arc::clone(run.clock));
        let connection = Connection::new(client(run.environment)?, api, token.clone(), clock)?;
        let connection = Arc::new(connection);
        made.push((token, Arc::clone(&connection)));
        Ok(connection)
    }

    /// The packages that `token` may see.
    ///
    /// # Errors
    /// As [`Connections::with`].
    pub(super) fn packages(&self, run: Run<'_>, token: Secret) -> Result<Arc<dyn Packages>, PortError> {
        Ok(Arc::new(GitHubPackages::new(self.with(run, token)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeClock;

    #[test]
    fn whatever_is_asked_with_one_token_goes_over_one_connection() {
        let none: [(&str, &str); 0] = [];
        let environment = ProcessEnvironment::of(none, "/nowhere");
        let clock: Arc<dyn Clock> = Arc::new(FakeClock::default());
        let run = Run {
            environment: &environment,
            clock: &clock,
        };
        let connections = Connections::default();
        let with = |token: &str| connections.with(run, Secret::new(token.to_owned())).unwrap();
        let (one, same, other) = (with("one"), with("one"), with("other"));
        assert!(Arc::ptr_eq(&one, &same));
        assert!(!Arc::ptr_eq(&one, &other));
    }
}

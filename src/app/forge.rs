//! The forge that the project's repository lives at: the only place that chooses it.

use super::context::Context;
use super::error::AppError;
use super::workspace::Workspace;
use crate::forge::github::{Connection, GitHub, GitHubPackages};
use crate::host::http::{Client, Settings};
use crate::model::Secret;
use crate::ports::{ErrorKind, Packages, PortError};
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
    pub(super) fn of(context: &'a Context) -> Self {
        let environment = &context.environment;
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
pub(super) fn client(context: &Context) -> Result<Client, PortError> {
    let file = context.environment.get("GREENROOM_GITHUB_CA_FILE");
    let settings = Settings {
        ca_file: file.filter(|file| !file.is_empty()).map(PathBuf::from),
        names_kept: NAMES_KEPT,
        ..Settings::default()
    };
    Client::new(&settings)
        .map_err(|error| PortError::new(ErrorKind::Invalid, "setting up requests to GitHub", error))
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
    fn with(&self, context: &Context, token: Secret) -> Result<Arc<Connection>, PortError> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = made.iter().find(|(known, _)| *known == token) {
            return Ok(Arc::clone(known));
        }
        let (api, clock) = (Place::of(context).api, Arc::clone(&context.clock));
        let connection = Arc::new(Connection::new(client(context)?, api, token.clone(), clock)?);
        made.push((token, Arc::clone(&connection)));
        Ok(connection)
    }

    /// The packages that `token` may see.
    ///
    /// # Errors
    /// As [`Connections::with`].
    pub(super) fn packages(&self, context: &Context, token: Secret) -> Result<Arc<dyn Packages>, PortError> {
        Ok(Arc::new(GitHubPackages::new(self.with(context, token)?)))
    }
}

/// The forge; `None` where `GITHUB_REPOSITORY` or a token is missing.
///
/// # Errors
/// When what is set makes no sense: a repository without an owner, a token that would go out unencrypted, a
/// file of certificates that holds none.
pub(super) fn connect(workspace: &Workspace) -> Result<Option<Arc<GitHub>>, AppError> {
    let context = &workspace.context;
    let place = Place::of(context);
    let (Some(repository), Some(token)) = (place.repository, place.token) else {
        return Ok(None);
    };
    let connection = workspace.connections().with(context, token)?;
    Ok(Some(Arc::new(GitHub::new(connection, repository)?)))
}

/// The same where there has to be one.
///
/// # Errors
/// As [`connect`], and with the variable that is missing: `what` cannot be done without.
pub(super) fn required(workspace: &Workspace, what: &str) -> Result<Arc<GitHub>, AppError> {
    if let Some(forge) = connect(workspace)? {
        return Ok(forge);
    }
    let missing = match Place::of(&workspace.context).repository {
        None => "set GITHUB_REPOSITORY to owner/name",
        Some(_) => "set GITHUB_TOKEN (in a workflow: `env: { GITHUB_TOKEN: ${{ github.token }} }`)",
    };
    Err(AppError::Usage(format!("{what}: {missing}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::environment::Environment;
    use crate::testing::FakeClock;

    #[test]
    fn whatever_is_asked_with_one_token_goes_over_one_connection() {
        let none: [(&str, &str); 0] = [];
        let context = Context {
            environment: Environment::of(none, "/nowhere"),
            clock: Arc::new(FakeClock::default()),
            binary: PathBuf::from("greenroom"),
        };
        let connections = Connections::default();
        let with = |token: &str| connections.with(&context, Secret::new(token.to_owned())).unwrap();
        let (one, same, other) = (with("one"), with("one"), with("other"));
        assert!(Arc::ptr_eq(&one, &same));
        assert!(!Arc::ptr_eq(&one, &other));
    }
}

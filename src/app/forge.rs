//! The forge that the project's repository lives at: the only place that chooses it.

use super::context::Context;
use super::error::AppError;
use super::workspace::Workspace;
use crate::forge::github::GitHub;
use crate::host::http::{Client, Settings};
use crate::model::Secret;
use crate::ports::{ErrorKind, PortError};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The one connection of a run: what it learnt of a rate limit holds for every later verb.
pub(super) type Connection = OnceLock<Arc<GitHub>>;

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
    if let Some(github) = workspace.forge().get() {
        return Ok(Some(Arc::clone(github)));
    }
    let clock = Arc::clone(&context.clock);
    let github = GitHub::new(client(context)?, place.api, repository, token, clock)?;
    Ok(Some(Arc::clone(
        workspace.forge().get_or_init(|| Arc::new(github)),
    )))
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

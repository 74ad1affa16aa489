//! Docker's credential helpers: `docker-credential-NAME get`, the registry on its standard input, a JSON
//! object on its standard output.

use super::{Credential, credential};
use crate::domain::model::{ErrorKind, Explanation};
use crate::host::runner::LocalRunner;
use crate::ports::Command;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Docker's hub goes by this name there.
const HUB: &str = "https://index.docker.io/v1/";
/// How long a helper may take, in seconds; it may ask a cloud for a fresh password.
const SECONDS: u64 = 30;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// What the helper has for this registry, if anything.
pub(super) fn ask(
    runner: &LocalRunner,
    variables: &BTreeMap<String, String>,
    helper: &str,
    host: &str,
) -> Result<Option<Credential>, Explanation> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !helper.chars().all(legal) {
        return Err(format!("the credential helper {helper:?} is no name of one").into());
    }
    let program = format!("docker-credential-{helper}");
    let command = Command {
        argv: vec![program.clone(), "get".to_owned()],
        directory: None,
        // A helper looks for its cloud's own variables, and has no business with greenroom's.
        variables: variables
            .iter()
            .filter(|(name, _)| !name.starts_with("GREENROOM_"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        secrets: BTreeMap::new(),
        timeout: std::time::Duration::from_secs(SECONDS).into(),
    };
    let server = if host == "docker.io" { HUB } else { host };
    let finished = match runner.ask(&command, server) {
        // A laptop's configuration often names a helper that a CI machine does not have.
        Err(error) if error.kind == ErrorKind::Missing => return Ok(None),
        ran => ran.map_err(|error| Explanation::from(&error))?,
    };
    if finished.timed_out {
        return Err(format!("{program} did not answer within {SECONDS} s").into());
    }
    if finished.code != Some(0) {
        // The protocol's word for "I have none"; its other errors are sentences, too.
        let none = finished.stdout.contains("credentials not found");
        let said: String = finished
            .stdout
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        return if none {
            Ok(None)
        } else {
            Err(Explanation::new(format!("{program} failed for {host}"))
                .caused_by(super::super::failure::clean(&said)))
        };
    }
    let answer: Answer = serde_json::from_str(&finished.stdout)
        .map_err(|_| format!("{program} answered something else than a user and a secret for {host}"))?;
    Ok(Some(credential(&answer.username, &answer.secret)))
}

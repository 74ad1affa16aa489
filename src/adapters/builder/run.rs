//! Commands that build: what they get of the environment, and what they say.

use crate::domain::model::{ErrorKind, PortError};
use crate::ports::{Command, Finished, Runner};
use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many of the last lines an error shows.
const LAST_LINES: usize = 20;
/// Variables that builders read, by how they begin. Nothing else of the environment reaches them, save
/// what every command gets.
const VARIABLES: &[&str] = &[
    "DOCKER_",
    "BUILDX_",
    "BUILDKIT_",
    "BUILDAH_",
    "CONTAINER",
    "STORAGE_",
    "REGISTRY_AUTH_FILE",
    "REGISTRIES_",
    "XDG_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_",
    "SSH_AUTH_SOCK",
    "ACTIONS_",
];

/// What of `environment` is meant for builders.
pub fn variables(environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    environment
        .iter()
        .filter(|(name, _)| VARIABLES.iter().any(|start| name.starts_with(start)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Runs a command that has to succeed, and tells its lines as they come.
///
/// # Errors
/// With the last lines, when it does not exit with 0.
pub(super) fn follow(
    runner: &Arc<dyn Runner>,
    command: &Command,
    tell: &dyn Fn(&str),
    shown: &str,
) -> Result<Finished, PortError> {
    let mut last: VecDeque<String> = VecDeque::with_capacity(LAST_LINES);
    let finished = runner.follow(command, &mut |line| {
        if let Some(line) = line.filter(|line| !line.trim().is_empty()) {
            tell(line);
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line.to_owned());
        }
        ControlFlow::Continue(())
    })?;
    let how = match finished.code {
        Some(0) => return Ok(finished),
        _ if finished.timed_out => format!("did not end within {}", command.timeout),
        Some(code) => format!("exited with {code}"),
        None => "was ended by a signal".to_owned(),
    };
    let said = if last.is_empty() {
        String::new()
    } else {
        format!("; the last lines were\n  {}", Vec::from(last).join("\n  "))
    };
    Err(PortError::new(
        ErrorKind::Invalid,
        format!("running {shown}"),
        format!("{shown} {how}{said}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builders_get_their_own_variables_and_nothing_else() {
        let environment = [
            ("DOCKER_HOST", "unix:///run/d.sock"),
            ("https_proxy", "http://proxy"),
            ("GITHUB_TOKEN", "s3cret"),
            ("PATH", "/bin"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept: Vec<String> = variables(&environment.into()).into_keys().collect();
        assert_eq!(kept, ["DOCKER_HOST", "https_proxy"]);
    }
}

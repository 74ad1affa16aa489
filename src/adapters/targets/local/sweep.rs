//! Local environments that were made for a time: found by the marker in their directory, and removed.

use super::state::{MARKER, Marker, marker};
use super::{LocalSettings, LocalTarget, fault};
use crate::domain::model::{EnvironmentName, ErrorKind, PortError, Slot, UnitId};
use crate::ports::{ExpiringResource, Removal, Stop, Sweeper, Target as _};
use rustix::process::Signal;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A removal may take that long: the processes are ended by force, and then files are deleted.
const PATIENCE: Duration = Duration::from_secs(30);

/// Finds and removes the environments below one directory whose marker carries an end.
pub struct LocalSweeper {
    directory: PathBuf,
    target: LocalTarget,
}

impl LocalSweeper {
    /// Sweeps the environments of the same service that are kept beside that of `target`.
    pub fn beside(target: LocalTarget) -> Self {
        let own = &target.settings.state_directory;
        Self {
            directory: own.parent().unwrap_or(own).to_path_buf(),
            target,
        }
    }

    /// The target of another environment in the directory.
    fn target(&self, environment: &EnvironmentName) -> LocalTarget {
        let settings = LocalSettings {
            state_directory: self.directory.join(environment.as_str()),
            environment: environment.clone(),
            ..self.target.settings.clone()
        };
        LocalTarget::new(
            settings,
            Arc::clone(&self.target.registry),
            Arc::clone(&self.target.clock),
            self.target.secrets.clone(),
        )
    }

    /// The marker of the environment's directory, where it is one of ours that carries an end.
    fn ours(&self, environment: &EnvironmentName) -> io::Result<Option<Marker>> {
        let found = marker(&self.directory.join(environment.as_str()))?;
        Ok(found.filter(|marker| {
            marker.service == self.target.settings.service
                && marker.environment == *environment
                && marker.expires.is_some()
        }))
    }
}

impl Sweeper for LocalSweeper {
    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn list(&self) -> Result<Vec<ExpiringResource>, PortError> {
        let failed =
            |error: io::Error| fault(&format!("looking through {}", self.directory.display()), &error);
        let mut found = Vec::new();
        for name in names(&self.directory).map_err(failed)? {
            let Ok(environment) = name.parse::<EnvironmentName>() else {
                continue;
            };
            let marker = self.ours(&environment).map_err(failed)?;
            if let Some(expires) = marker.and_then(|marker| marker.expires) {
                found.push(ExpiringResource {
                    what: format!("the directory {}", self.directory.join(&name).display()),
                    environment,
                    key: name,
                    expires,
                });
            }
        }
        found.sort_by(|one, two| one.environment.cmp(&two.environment));
        Ok(found)
    }

    fn remove(&self, temporary: &ExpiringResource, stop: Stop) -> Result<Removal, PortError> {
        let doing = format!("removing {}", temporary.environment);
        let failed = |error: io::Error| fault(&doing, &error);
        let state = self.directory.join(temporary.environment.as_str());
        if !state.exists() {
            return Ok(Removal::Gone);
        }
        let marker = self.ours(&temporary.environment).map_err(failed)?;
        if marker.and_then(|marker| marker.expires) != Some(temporary.expires) {
            let message = format!(
                "{} does not carry the mark of an acceptance deployment that ends at {}: it is not touched",
                state.display(),
                temporary.expires
            );
            return Err(PortError::new(ErrorKind::Denied, doing, message));
        }
        let target = self.target(&temporary.environment);
        for name in names(&state.join("units")).map_err(failed)? {
            let unit: UnitId = name
                .parse()
                .map_err(|error| PortError::new(ErrorKind::Denied, &doing, &error))?;
            for slot in Slot::BOTH {
                if target.remove(&unit, slot, stop)? == Removal::Stopping {
                    return Ok(Removal::Stopping);
                }
            }
        }
        // What no record leads to any more.
        let orphans = target.orphans()?;
        if !orphans.is_empty() {
            for process in orphans {
                process.signal(Signal::KILL);
            }
            return Ok(Removal::Stopping);
        }
        erase(&state).map_err(failed)?;
        Ok(Removal::Gone)
    }
}

/// The names in a directory, which need not exist.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

/// Removes a state directory. The marker goes last: what was cut off is found again.
fn erase(state: &Path) -> io::Result<()> {
    for name in names(state)?.iter().filter(|name| *name != MARKER) {
        let path = state.join(name);
        if fs::symlink_metadata(&path)?.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    fs::remove_file(state.join(MARKER))?;
    fs::remove_dir(state)
}

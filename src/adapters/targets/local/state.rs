//! The directory in which one service of one environment is kept, and whose it is.

use crate::domain::model::{EnvironmentName, Explanation, Timestamp};
use crate::host::files;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

pub(super) const MARKER: &str = "greenroom.json";
/// The largest marker that is read, in bytes.
const LARGEST: u64 = 1 << 16;

/// Written first into every state directory.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Marker {
    /// Format version, 1.
    pub(super) v: u32,
    /// The service that is kept here.
    pub(super) service: String,
    /// The environment it is kept for.
    pub(super) environment: EnvironmentName,
    /// From then on anybody may remove it, where it was made for a time. No part of whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<Timestamp>,
}

impl Marker {
    /// Whether both name the same service and environment.
    fn is_of(&self, other: &Self) -> bool {
        let (one, two) = ((self.v, &self.service), (other.v, &other.service));
        one == two && self.environment == other.environment
    }
}

/// The marker of `directory`; `None` where there is none that can be read.
pub(super) fn marker(directory: &Path) -> io::Result<Option<Marker>> {
    match files::read_bounded(&directory.join(MARKER), LARGEST) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whose a directory is.
#[derive(Debug, PartialEq)]
pub(super) enum Owner {
    /// Nobody's yet: it does not exist, or is empty.
    Nobody,
    /// This service's.
    Us,
    /// Something else's, in words.
    Other(Explanation),
}

/// Whose `directory` is. Changes nothing.
pub(super) fn owner(directory: &Path, us: &Marker) -> io::Result<Owner> {
    let path = directory.join(MARKER);
    let read = || match files::read_bounded(&path, LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    };
    if let Some(bytes) = read()? {
        return Ok(judge(directory, &bytes, us));
    }
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Owner::Nobody),
        Err(error) => return Err(error),
    };
    let mut others = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if !name.to_string_lossy().starts_with(".stage-") {
            others.push(name);
        }
    }
    match others.first() {
        None => Ok(Owner::Nobody),
        // Whoever else is starting here writes the marker first: look again.
        Some(other) => Ok(match read()? {
            Some(bytes) => judge(directory, &bytes, us),
            None => Owner::Other(
                Explanation::new(format!(
                    "{} holds {}, which greenroom did not make",
                    directory.display(),
                    other.display()
                ))
                .fix("choose an empty directory"),
            ),
        }),
    }
}

fn judge(directory: &Path, marker: &[u8], us: &Marker) -> Owner {
    match serde_json::from_slice::<Marker>(marker) {
        Ok(marker) if marker.is_of(us) => Owner::Us,
        Ok(marker) => Owner::Other(
            Explanation::new(format!(
                "{} belongs to the service {} in {} (format {})",
                directory.display(),
                marker.service,
                marker.environment,
                marker.v
            ))
            .fix("choose another directory"),
        ),
        Err(error) => Owner::Other(
            Explanation::new(format!("{}/{MARKER} cannot be read", directory.display())).because(&error),
        ),
    }
}

/// Makes `directory` ours where it is nobody's, and says whose it is then.
pub(super) fn claim(directory: &Path, us: &Marker) -> io::Result<Owner> {
    match owner(directory, us)? {
        Owner::Nobody => {
            fs::create_dir_all(directory)?;
            match files::create_new(&directory.join(MARKER), &serde_json::to_vec(us)?, files::PUBLIC) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => owner(directory, us),
            }
        }
        known => Ok(known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(service: &str) -> Marker {
        Marker {
            v: 1,
            service: service.into(),
            environment: "staging".parse().unwrap(),
            expires: None,
        }
    }

    #[test]
    fn a_directory_is_claimed_once_and_a_strange_one_never() {
        let parent = tempfile::tempdir().unwrap();
        let state = parent.path().join("state");
        assert_eq!(owner(&state, &marker("web")).unwrap(), Owner::Nobody);
        assert_eq!(claim(&state, &marker("web")).unwrap(), Owner::Us);
        assert_eq!(claim(&state, &marker("web")).unwrap(), Owner::Us);
        assert!(matches!(claim(&state, &marker("api")).unwrap(), Owner::Other(_)));
        // The parent holds "state", which is not greenroom's own there.
        assert!(matches!(
            claim(parent.path(), &marker("web")).unwrap(),
            Owner::Other(_)
        ));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}

//! A private directory for the time of a build.

use crate::host::process::ProcessIdentity;
use crate::host::random;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// How the names of private directories begin.
const PREFIX: &str = "build-";

/// A private directory that is removed with everything in it.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A fresh one below `staging`.
    pub(super) fn new(staging: &Path) -> io::Result<Self> {
        fs::create_dir_all(staging)?;
        // Programs run in the project's directory, wherever greenroom was started.
        let staging = staging.canonicalize()?;
        sweep(&staging);
        let me = ProcessIdentity::current()?;
        let path = staging.join(format!("{PREFIX}{}-{}-{}", me.pid, me.started, random::hex(4)?));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes what builds that were killed left behind.
fn sweep(staging: &Path) {
    for entry in fs::read_dir(staging).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        let mut parts = owner.split('-');
        let alive = parts
            .next()
            .and_then(|pid| pid.parse().ok())
            .and_then(|pid| ProcessIdentity::of(pid).ok())
            .is_some_and(|now| parts.next() == Some(&now.started.to_string()));
        if !alive {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_directory_vanishes_and_one_of_the_dead_is_swept() {
        let staging = tempfile::tempdir().unwrap();
        let dead = staging.path().join("build-1-1-abcd");
        let other = staging.path().join("else");
        for directory in [&dead, &other] {
            fs::create_dir(directory).unwrap();
        }
        let scratch = Scratch::new(staging.path()).unwrap();
        assert!(!dead.exists() && other.exists() && scratch.0.exists());
        let second = Scratch::new(staging.path()).unwrap();
        assert!(scratch.0.exists(), "one that is in use was swept");
        drop((scratch, second));
        assert_eq!(fs::read_dir(staging.path()).unwrap().count(), 1);
    }
}

//! Where a router keeps its things: a directory of its own that nobody else can write to.

use crate::domain::model::Explanation;
use rustix::fs::{CWD, FlockOperation, Mode, OFlags};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// An open state directory.
#[derive(Debug)]
pub(super) struct StateDirectory {
    path: PathBuf,
    handle: OwnedFd,
}

impl StateDirectory {
    /// Opens the directory, made (mode 0700) if it is not there.
    ///
    /// # Errors
    /// `PermissionDenied` when someone else owns it or can write to it, else those of the file system.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Self::open(path)
    }

    /// Opens the directory.
    ///
    /// # Errors
    /// As [`StateDirectory::create`]; `NotFound` when it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(CWD, &path, flags, Mode::empty())?;
        let status = rustix::fs::fstat(&handle)?;
        let foreign = status.st_uid != rustix::process::geteuid().as_raw();
        if foreign || status.st_mode & 0o022 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                Explanation::new(format!("{} is owned or writable by others", path.display()))
                    .fix("give the router a state directory of its own (chmod go-w)"),
            ));
        }
        Ok(Self { path, handle })
    }

    /// The directory, absolute.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The control socket. By way of the open directory, because the address of a unix socket holds
    /// at most 107 bytes (unix(7)) and a state directory may well be deeper than that. The path is
    /// good within this process, for as long as `self` lives.
    pub(super) fn socket(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/control.sock", self.handle.as_raw_fd()))
    }

    /// The routes that stand.
    pub(super) fn routes(&self) -> PathBuf {
        self.path.join("routes.json")
    }

    /// What the router wrote before it could say anything over its socket.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("router.log")
    }

    /// Takes a lock that ends with the process. `None` while another process has it.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn lock(&self, lock: Lock) -> io::Result<Option<File>> {
        let name = match lock {
            Lock::Running => "running.lock",
            Lock::Starting => "starting.lock",
        };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path.join(name))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What only one process at a time may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lock {
    /// The router with this state.
    Running,
    /// About to start it.
    Starting,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("state");
        StateDirectory::create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        fs::set_permissions(&path, Permissions::from_mode(0o770)).unwrap();
        let refused = StateDirectory::open(&path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn the_socket_works_however_deep_the_directory_is() {
        let parent = tempfile::tempdir().unwrap();
        let deep = parent.path().join("d".repeat(200)).join("e".repeat(200));
        let here = StateDirectory::create(&deep).unwrap();
        let _listener = UnixListener::bind(here.socket()).unwrap();
        let there = StateDirectory::open(&deep).unwrap();
        UnixStream::connect(there.socket()).unwrap();
        assert!(deep.join("control.sock").exists());
    }

    #[test]
    fn a_lock_has_one_holder() {
        let parent = tempfile::tempdir().unwrap();
        let state = StateDirectory::create(parent.path()).unwrap();
        let held = state.lock(Lock::Running).unwrap();
        assert!(held.is_some());
        assert!(state.lock(Lock::Running).unwrap().is_none());
        assert!(state.lock(Lock::Starting).unwrap().is_some());
        drop(held);
        assert!(state.lock(Lock::Running).unwrap().is_some());
    }
}

//! A router whose state is kept in another place from now on.

use super::client::{BuiltinRouter, RouterOptions, storage};
use super::location::StateDirectory;
use super::state;
use crate::domain::model::{ErrorKind, PortError};
use std::path::{Path, PathBuf};

impl RouterOptions {
    /// The same router with its state in `directory`; these options, as long as one runs with its state
    /// where they say and none in `directory`: what runs stays where it is, and loses no request.
    #[must_use]
    pub fn moved_to(self, directory: PathBuf) -> Self {
        let there = Self {
            state_directory: directory,
            ..self.clone()
        };
        if runs(&self) && !runs(&there) { self } else { there }
    }

    /// Takes over the routes that a router which has ended left in `former`, where there are none yet.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub fn inherit(&self, former: &Path) -> Result<(), PortError> {
        let doing = "taking over the routes of the router that was";
        let failed = |error| storage(doing, &error);
        let former = match StateDirectory::open(former) {
            Ok(former) => former,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let directory = StateDirectory::create(&self.state_directory).map_err(failed)?;
        if directory.routes().exists() {
            return Ok(());
        }
        let routes = state::load(&former.routes()).map_err(failed)?;
        if routes.is_empty() {
            return Ok(());
        }
        state::save(&directory.routes(), &routes).map_err(failed)
    }
}

/// Whether a router runs with these options. One that does not answer does.
fn runs(options: &RouterOptions) -> bool {
    !matches!(BuiltinRouter::connect(options), Err(error) if error.kind == ErrorKind::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{Route, Slot};

    #[test]
    fn routes_that_were_left_are_taken_over_once_and_never_over_newer_ones() {
        let parent = tempfile::tempdir().unwrap();
        let (former, there) = (parent.path().join("former"), parent.path().join("there"));
        let options = RouterOptions {
            binary: "greenroom".into(),
            listen: "127.0.0.1:1".parse().unwrap(),
            state_directory: former.clone(),
        };
        let options = options.moved_to(there.clone());
        assert_eq!(options.state_directory, there, "nothing runs in either");
        options.inherit(&former).unwrap();
        assert!(!there.exists(), "there was nothing to take over");

        let route = |weight| Route {
            unit: "web-1".parse().unwrap(),
            slot: Slot::Green,
            address: "http://127.0.0.1:8080".parse().unwrap(),
            weight,
        };
        let left = StateDirectory::create(&former).unwrap();
        state::save(&left.routes(), &[route(100)]).unwrap();
        options.inherit(&former).unwrap();
        let now = there.join("routes.json");
        assert_eq!(state::load(&now).unwrap(), [route(100)]);
        state::save(&now, &[route(50)]).unwrap();
        options.inherit(&former).unwrap();
        assert_eq!(state::load(&now).unwrap(), [route(50)]);
    }
}

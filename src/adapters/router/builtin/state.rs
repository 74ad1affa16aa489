//! The routes on disk, so that a restarted router stands where it stood.

use super::protocol::LONGEST_LINE;
use super::table::refusal;
use crate::domain::model::Route;
use crate::host::files;
use std::io;
use std::path::Path;

/// The routes that were written last; none when nothing was.
///
/// # Errors
/// `InvalidData` when the file does not hold routes, else those of the file system.
pub(super) fn load(path: &Path) -> io::Result<Vec<Route>> {
    let bytes = match files::read_bounded(path, LONGEST_LINE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let routes: Vec<Route> = serde_json::from_slice(&bytes)?;
    match refusal(&routes) {
        Some(reason) => Err(io::Error::new(io::ErrorKind::InvalidData, reason)),
        None => Ok(routes),
    }
}

/// Writes the routes; they are durable when this returns.
///
/// # Errors
/// Those of the file system.
pub(super) fn save(path: &Path, routes: &[Route]) -> io::Result<()> {
    files::replace(path, &serde_json::to_vec(routes)?, files::PRIVATE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Slot;

    #[test]
    fn what_was_saved_is_loaded_and_nonsense_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("routes.json");
        assert_eq!(load(&path).unwrap(), []);
        let routes = [Route {
            unit: "web-1".parse().unwrap(),
            slot: Slot::Green,
            address: "http://127.0.0.1:8080".parse().unwrap(),
            weight: 100,
        }];
        save(&path, &routes).unwrap();
        assert_eq!(load(&path).unwrap(), routes);
        insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @r#"[{"unit":"web-1","slot":"green","address":"http://127.0.0.1:8080","weight":100}]"#);
        std::fs::write(&path, b"{").unwrap();
        assert!(load(&path).is_err());
    }
}

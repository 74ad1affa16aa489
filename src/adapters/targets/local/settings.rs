//! What the local target is told, and how its units are called.

use crate::domain::model::{EnvironmentName, InvalidText, Timestamp, UnitId};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the target is told by the configuration.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// Where images, records and logs are kept; one directory per service and environment.
    pub state_directory: PathBuf,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// The variable that tells the service its port: `PORT`.
    pub port_variable: String,
    /// Run instead of the image's entry point and command.
    pub command: Option<Vec<String>>,
    /// Variables under those of the image and the release: `PATH`, `HOME`, `LANG`, `TMPDIR` as captured
    /// when greenroom began.
    pub base_variables: BTreeMap<String, String>,
    /// Most units that may be worked on at the same time.
    pub parallelism: usize,
    /// From then on anybody may remove all of it, where it is made for a time.
    pub expires: Option<Timestamp>,
}

/// The names of the units of `service`: `service-1`, `service-2` and so on.
///
/// # Errors
/// When the service's name makes no unit's name.
pub fn units(service: &str, instances: u32) -> Result<Vec<UnitId>, InvalidText> {
    (1..=instances)
        .map(|number| format!("{service}-{number}").parse())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_numbered_from_one() {
        let names: Vec<String> = units("web", 2).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["web-1", "web-2"]);
        assert!(units("a/b", 1).is_err());
    }
}

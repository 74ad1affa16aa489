//! From an image and a release to a running process.

use super::image::Image;
use super::inside;
use super::processes::{INSTANCE, STATE};
use super::slot::Record;
use super::{LocalSettings, fault};
use crate::domain::model::{ErrorKind, PortError, Release, Secret, Slot, UnitId};

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The search path of an image that names none (that of Docker, without the `sbin` directories).
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What is to be started.
pub(super) struct Launch<'a> {
    pub(super) settings: &'a LocalSettings,
    /// The state directory, without links.
    pub(super) state: &'a Path,
    pub(super) unit: &'a UnitId,
    pub(super) slot: Slot,
    pub(super) release: &'a Release,
    pub(super) image: &'a Image,
    pub(super) secrets: &'a BTreeMap<String, Secret>,
    pub(super) record: &'a Record,
}

impl Launch<'_> {
    /// Starts the process with its output going to `log`. It leads a process group of its own, has no
    /// standard input, and gets no signal when greenroom's terminal or CI step ends.
    pub(super) fn start(&self, log: &File) -> Result<Child, PortError> {
        let doing = format!("starting {} ({})", self.unit, self.slot);
        let failed = |error: io::Error| fault(&doing, &error);
        let argv = self.argv();
        let Some((program, arguments)) = argv.split_first() else {
            let message = "the image has neither entry point nor command";
            return Err(PortError::new(ErrorKind::Invalid, doing, message)
                .fix("write one (local.command, or entrypoint in the build)"));
        };
        let variables = self.variables();
        let root = &self.image.root;
        let working = Path::new(self.image.run.working_dir.as_deref().unwrap_or("/"));
        let directory = inside::resolve(root, working).map_err(failed)?;
        fs::create_dir_all(&directory).map_err(failed)?;
        let path = variables.get("PATH").map_or(DEFAULT_PATH, String::as_str);
        let file = find(root, working, path, program)
            .map_err(failed)?
            .ok_or_else(|| {
                let message = format!("{program} is not an executable file in the image");
                PortError::new(ErrorKind::Invalid, &doing, message)
            })?;
        Command::new(file)
            .arg0(program)
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs(&variables)
            .envs(self.secrets.iter().map(|(name, value)| (name, value.expose())))
            .envs(self.facts())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log.try_clone().map_err(failed)?)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    let message = format!("{program} cannot be run: the interpreter or loader that it names does not exist on this machine");
                    PortError::new(ErrorKind::Invalid, &doing, message)
                }
                io::ErrorKind::InvalidInput => PortError::new(ErrorKind::Invalid, &doing, "a variable or argument holds a NUL byte, or a variable's name a '='"),
                _ => fault(&doing, &error),
            })
    }

    fn argv(&self) -> Vec<String> {
        let run = &self.image.run;
        self.settings.command.clone().unwrap_or_else(|| {
            [&run.entrypoint, &run.cmd]
                .into_iter()
                .flatten()
                .flatten()
                .cloned()
                .collect()
        })
    }

    /// The environment without secrets and facts: the machine's, the image's, the release's, each over
    /// the one before.
    fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = self.settings.base_variables.clone();
        let image = self.image.run.env.iter().flatten();
        variables.extend(
            image
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        variables.extend(self.release.variables.clone());
        variables
    }

    /// What greenroom tells the service about itself; wins over everything else.
    fn facts(&self) -> [(&str, String); 9] {
        [
            (&self.settings.port_variable, self.record.port.to_string()),
            ("GREENROOM_SERVICE", self.settings.service.clone()),
            ("GREENROOM_ENVIRONMENT", self.settings.environment.to_string()),
            ("GREENROOM_UNIT", self.unit.to_string()),
            ("GREENROOM_SLOT", self.slot.to_string()),
            ("GREENROOM_VERSION", self.release.version.to_string()),
            ("GREENROOM_RELEASE", self.record.release.to_string()),
            (INSTANCE, self.record.token.clone()),
            (STATE, self.state.display().to_string()),
        ]
    }
}

/// The file that a program's name means: in the image where it holds a slash, else the first one on
/// the search path, in the image before the machine.
fn find(root: &Path, working: &Path, path: &str, program: &str) -> io::Result<Option<PathBuf>> {
    let executable = |file: &Path| {
        file.metadata()
            .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        let file = inside::resolve(root, &working.join(program))?;
        return Ok(executable(&file).then_some(file));
    }
    for folder in path.split(':').filter(|folder| folder.starts_with('/')) {
        let file = inside::resolve(root, &Path::new(folder).join(program))?;
        if executable(&file) {
            return Ok(Some(file));
        }
    }
    Ok(path
        .split(':')
        .filter(|folder| folder.starts_with('/'))
        .map(|folder| Path::new(folder).join(program))
        .find(|file| executable(file)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_program_is_found_in_the_image_before_the_machine() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for folder in ["usr/bin", "app"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for (name, mode) in [("usr/bin/sh", 0o755), ("app/server", 0o755), ("app/notes", 0o644)] {
            fs::write(root.join(name), "").unwrap();
            fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink("usr/bin", root.join("bin")).unwrap();
        let inside = |name: &str| Some(root.join(name));
        for (program, found) in [
            ("/app/server", inside("app/server")),
            ("./server", inside("app/server")),
            ("../bin/sh", inside("usr/bin/sh")),
            ("/../../app/server", inside("app/server")),
            ("sh", inside("usr/bin/sh")),
            ("env", Some(PathBuf::from("/usr/bin/env"))),
            ("/usr/bin/env", None),
            ("/app/notes", None),
            ("server", None),
        ] {
            let path = "relative:/usr/local/bin:/bin:/usr/bin";
            let result = find(root, Path::new("/app"), path, program).unwrap();
            // The machine's /bin may be a link to /usr/bin.
            let result = result.map(|file| file.canonicalize().unwrap());
            let found = found.map(|file| file.canonicalize().unwrap());
            assert_eq!(result, found, "{program}");
        }
    }
}

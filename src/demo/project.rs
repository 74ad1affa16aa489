//! The project that the demo deploys: a directory as a user would have it.

use crate::app::AppError;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// How one version behaves; in words that `examples/hello.rs` understands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Release {
    pub(super) version: &'static str,
    pub(super) behaviour: &'static str,
    pub(super) strategy: &'static str,
}

/// A directory of its own, removed when this is dropped.
pub(super) struct Project {
    pub(super) directory: PathBuf,
    pub(super) port: u16,
}

impl Project {
    /// A fresh directory below `parent`, with the executable `service` as what is to be deployed.
    pub(super) fn create(parent: &Path, service: &Path) -> Result<Self, AppError> {
        let name = crate::host::random::hex(4).map_err(AppError::io("naming the demo's directory"))?;
        let directory = parent.join(format!("greenroom-demo-{name}"));
        let failed = || AppError::io(format!("making the demo's directory {}", directory.display()));
        fs::create_dir_all(directory.join("app")).map_err(failed())?;
        let project = Self {
            port: free_port().map_err(failed())?,
            directory: directory.clone(),
        };
        // A hard link costs nothing; across file systems it has to be a copy.
        let target = directory.join("app/service");
        if fs::hard_link(service, &target).is_err() {
            fs::copy(service, &target).map_err(failed())?;
        }
        Ok(project)
    }

    /// The pipeline file.
    pub(super) fn pipeline(&self) -> PathBuf {
        self.directory.join("greenroom.yaml")
    }

    /// Writes the project as its authors have it when they release this version.
    pub(super) fn write(&self, release: Release) -> Result<(), AppError> {
        let Release {
            version,
            behaviour,
            strategy,
        } = release;
        let port = self.port;
        let text = format!(
            "service: hello
version: {{ value: {version} }}
image:
  repository: hello
  build:
    files:
      layers: [{{ from: app, to: /app }}]
      entrypoint: [/app/service, demo, --serve]
      env: {{ VERSION: {version}, BEHAVIOUR: {behaviour} }}
environments: [environments/demo.yaml]
"
        );
        let environment = format!(
            "name: demo
type: staging
local: {{ instances: 2, listen: 127.0.0.1:{port} }}
deployment:
  strategy: {strategy}
  healthCheckPath: /health
  healthCheckInterval: 100ms
  healthCheckTimeout: 1500ms
  drain: 5s
"
        );
        let failed = || AppError::io("writing the demo's project");
        fs::create_dir_all(self.directory.join("environments")).map_err(failed())?;
        fs::write(self.pipeline(), text).map_err(failed())?;
        fs::write(self.directory.join("environments/demo.yaml"), environment).map_err(failed())
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A port that nobody listens on right now.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

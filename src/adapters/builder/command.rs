//! An image by a command of the project's, which stores it and writes down its digest.

use super::run::follow;
use super::stored;
use crate::domain::model::{Artifact, Digest, ErrorKind, Explanation, PortError};
use crate::host::files::read_bounded;
use crate::ports::{BuildRequest, Builder, Command, Registry, Runner};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A digest and some white space.
const LARGEST: u64 = 1024;

/// Builds by a command.
pub struct CommandBuilder {
    /// The command; it gets `GREENROOM_REPOSITORY` and `SOURCE_DATE_EPOCH`, too.
    pub command: Command,
    /// The file into which it writes the digest of what it pushed.
    pub digest_file: PathBuf,
    /// Runs it.
    pub runner: Arc<dyn Runner>,
    /// Hears each line that it writes.
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
    /// Where the image has to be when it has ended.
    pub registry: Arc<dyn Registry>,
}

impl Builder for CommandBuilder {
    fn build(&self, request: &BuildRequest) -> Result<Artifact, PortError> {
        let doing = format!("building {}", request.repository);
        let file = self.digest_file.display();
        // A file of an earlier build must not count as this one's.
        match std::fs::remove_file(&self.digest_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let why = Explanation::of(&error).while_doing(&format!("removing the old {file}"));
                return Err(PortError::new(ErrorKind::Denied, doing, why));
            }
            _ => {}
        }
        let mut command = self.command.clone();
        let facts = [
            ("GREENROOM_REPOSITORY", request.repository.clone()),
            (
                "SOURCE_DATE_EPOCH",
                (request.created.unix_millis() / 1000).to_string(),
            ),
        ];
        command
            .variables
            .extend(facts.map(|(name, value)| (name.to_owned(), value)));
        let shown = command.argv.first().cloned().unwrap_or_default();
        follow(&self.runner, &command, self.tell.as_ref(), &shown)?;
        let invalid = |cause: String| PortError::new(ErrorKind::Invalid, &doing, cause);
        let bytes = read_bounded(&self.digest_file, LARGEST).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => invalid(format!("{shown} ended well and did not write {file}"))
                .fix("let it write the digest of what it pushed there"),
            _ => {
                let why = Explanation::of(&error).while_doing(&format!("reading {file}"));
                PortError::new(ErrorKind::Invalid, &doing, why)
            }
        })?;
        let text = String::from_utf8_lossy(&bytes);
        let digest: Digest = text.trim().parse().map_err(|_| {
            let begin: String = text.trim().chars().take(80).collect();
            invalid(format!(
                "{file} holds {begin:?}, not a digest (sha256: and 64 hex digits)"
            ))
        })?;
        let manifest = stored(self.registry.as_ref(), &request.repository, &digest)?;
        if !request.tags.is_empty() {
            self.registry
                .push_manifest(&request.repository, &manifest, &request.tags)?;
        }
        Ok(Artifact {
            repository: request.repository.clone(),
            digest,
        })
    }
}

//! The volume that a container is made of.

use super::archive::{Contents, Flight, Packed};
use super::{ContainerPlan, ContainerSource, ProxmoxTarget, locked};
use crate::domain::model::{Artifact, Digest, ErrorKind, PortError, Release, Tag};

use crate::adapters::proxmox::answers::Volume;
use crate::adapters::proxmox::calls::storage;
use crate::adapters::proxmox::{FaultClass, TaskState, Upid};
use std::sync::Arc;

/// Whether the volume is there.
pub(super) enum Ready {
    /// It is: `local:vztmpl/debian-12.tar.zst`.
    Yes(String),
    /// What is waited for.
    No(String),
}

impl ProxmoxTarget {
    /// The volume that a container is made of; an image is brought to its storage first.
    pub(super) fn volume(&self, plan: &ContainerPlan, release: &Release) -> Result<Ready, PortError> {
        let (storage, pull) = match &plan.source {
            ContainerSource::Clone(_) => return Ok(Ready::Yes(String::new())),
            ContainerSource::Template(volume) => return Ok(Ready::Yes(volume.clone())),
            ContainerSource::Image { storage, pull } => (storage, *pull),
        };
        let artifact = release.artifact.as_ref().ok_or_else(|| {
            let doing = format!("preparing release {}", release.id());
            PortError::new(
                ErrorKind::Invalid,
                doing,
                "it has no image, and the container is made of one",
            )
        })?;
        let words = format!("{artifact} is being put into {storage}");
        if self.is_under_way(&artifact.digest, &words)? {
            return Ok(Ready::No(words));
        }
        let name = file_name(&self.settings.service, &artifact.digest);
        let volume = format!("{storage}:vztmpl/{name}.tar");
        let length = match pull {
            true => None,
            false => Some(self.contents(artifact)?.length()),
        };
        if self.is_there(storage, &volume, length)? {
            return Ok(Ready::Yes(volume));
        }
        {
            let mut under_way = locked(&self.archives.under_way);
            if under_way.contains_key(&artifact.digest) {
                return Ok(Ready::No(words));
            }
            under_way.insert(artifact.digest.clone(), Flight::Sending);
        }
        let begun = if pull {
            self.pull(storage, &name, release, artifact)
        } else {
            self.upload(storage, &name, artifact)
        };
        let mut under_way = locked(&self.archives.under_way);
        match begun {
            Ok(task) => {
                under_way.insert(artifact.digest.clone(), Flight::Storing(task));
                Ok(Ready::No(words))
            }
            Err(error) => {
                under_way.remove(&artifact.digest);
                Err(error)
            }
        }
    }

    /// Whether the image is on its way.
    fn is_under_way(&self, digest: &Digest, words: &str) -> Result<bool, PortError> {
        let flight = locked(&self.archives.under_way).get(digest).cloned();
        let task = match flight {
            None => return Ok(false),
            Some(Flight::Sending) => return Ok(true),
            Some(Flight::Storing(task)) => task,
        };
        let ended = match self.ports.api.task(&task) {
            Ok(TaskState::Running) => return Ok(true),
            Ok(TaskState::Ended(exit)) => exit.fault(&task, words),
            Err(fault) if fault.class == FaultClass::MissingTask => None,
            Err(fault) => return Err(fault.into()),
        };
        locked(&self.archives.under_way).remove(digest);
        match ended {
            // Whether it is there shows in the storage.
            None => Ok(false),
            Some(fault) if matches!(fault.class, FaultClass::NameTaken | FaultClass::Unknown) => Ok(false),
            Some(fault) => Err(fault.into()),
        }
    }

    /// Whether the archive lies in the storage, in full where its length is known.
    fn is_there(&self, storage: &str, volume: &str, length: Option<u64>) -> Result<bool, PortError> {
        let doing = format!("looking for {volume}");
        let asked = storage::content(&self.settings.node, storage, Some("vztmpl"), None);
        let volumes: Vec<Volume> = self.ports.api.ask(&doing, &asked)?;
        let found = volumes.into_iter().find(|found| found.volid == volume);
        Ok(found.is_some_and(|found| length.is_none() || found.size.is_none() || found.size == length))
    }

    fn contents(&self, artifact: &Artifact) -> Result<Arc<Contents>, PortError> {
        if let Some(known) = locked(&self.archives.known).get(&artifact.digest) {
            return Ok(Arc::clone(known));
        }
        let contents = Arc::new(Contents::read(self.ports.registry.as_ref(), artifact)?);
        locked(&self.archives.known).insert(artifact.digest.clone(), Arc::clone(&contents));
        Ok(contents)
    }

    fn upload(&self, storage: &str, name: &str, artifact: &Artifact) -> Result<Upid, PortError> {
        let contents = self.contents(artifact)?;
        let registry = self.ports.registry.as_ref();
        let packed = Packed::new(&contents, registry, &artifact.repository, &self.settings.scratch)?;
        let file = packed.upload(format!("{name}.tar"));
        let doing = format!("uploading {artifact} to {storage}");
        let request = storage::upload_template(&self.settings.node, storage, file, &packed.sha256);
        Ok(self.ports.api.begin(&doing, &request)?)
    }

    /// Lets the node pull the image by a tag, which is all that it can be told; it must be the release's.
    fn pull(
        &self,
        storage: &str,
        name: &str,
        release: &Release,
        artifact: &Artifact,
    ) -> Result<Upid, PortError> {
        let doing = format!("letting {} pull {artifact}", self.settings.node);
        let invalid = |message: String| PortError::new(ErrorKind::Invalid, &doing, message);
        let tag: Tag = release
            .version
            .to_string()
            .parse()
            .map_err(|_| invalid(format!("{} is no tag", release.version)))?;
        let resolved = self.ports.registry.resolve(&artifact.repository, &tag)?;
        if resolved.as_ref() != Some(&artifact.digest) {
            let points = resolved.map_or("does not exist".to_owned(), |other| format!("points at {other}"));
            let message = format!("the tag {tag} {points}, and a node pulls by tag only");
            return Err(invalid(message)
                .fix("tag the release's image, or leave `pull` out so that greenroom uploads it by digest"));
        }
        let reference = format!("{}:{tag}", artifact.repository);
        let request = storage::pull(&self.settings.node, storage, &reference, name);
        Ok(self.ports.api.begin(&doing, &request)?)
    }
}

/// The archive's name without its ending: `nextcloud-0123456789ab`.
fn file_name(service: &str, digest: &Digest) -> String {
    let legal = |c: char| {
        if c.is_ascii_alphanumeric() || "_.-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let service: String = service.chars().map(legal).take(100).collect();
    format!("{service}-{}", &digest.hex()[..12])
}

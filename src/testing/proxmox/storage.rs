//! Storages and what lies in them.

use super::dispatch::Asked;
use super::refusal::FakeRefusal;
use super::state::{FakeStorage, FakeVolume, State};
use super::task::Begin;
use crate::adapters::proxmox::ApiMethod;
use crate::domain::model::Digest;
use serde_json::{Value, json};
use std::io::Read as _;

/// More than this is not taken in, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

impl State {
    pub(super) fn storage_call(
        &mut self,
        method: ApiMethod,
        rest: &str,
        asked: &Asked<'_>,
    ) -> Result<Value, FakeRefusal> {
        if rest.is_empty() {
            return Ok(self.storage_list(asked));
        }
        let name = asked.var("storage");
        let Some(storage) = self.storages.get(name) else {
            return Err(FakeRefusal::died(format!("storage '{name}' does not exist")));
        };
        match (method, rest) {
            (ApiMethod::Get, "/{storage}/status") => Ok(shown(storage)),
            (ApiMethod::Get, "/{storage}/content") => Ok(self.content(storage, asked)),
            (ApiMethod::Get, "/{storage}/content/{volume}") => {
                let volume = asked.var("volume");
                let found = storage.volumes.get(volume);
                let found = found.ok_or_else(|| FakeRefusal::died(format!("no such volume '{volume}'")))?;
                Ok(row(volume, found))
            }
            (ApiMethod::Put, "/{storage}/content/{volume}") => {
                let volume = asked.var("volume");
                let protected = asked.is_on("protected");
                let storage = self.storages.get_mut(name);
                let found = storage.and_then(|storage| storage.volumes.get_mut(volume));
                let found = found.ok_or_else(|| FakeRefusal::died(format!("no such volume '{volume}'")))?;
                found.protected = protected;
                Ok(Value::Null)
            }
            (ApiMethod::Delete, "/{storage}/content/{volume}") => self.delete_volume(asked),
            (ApiMethod::Post, "/{storage}/upload") => self.upload(asked),
            (ApiMethod::Post, "/{storage}/oci-registry-pull") => self.pull(asked),
            _ => Err(FakeRefusal::new(
                501,
                format!("Method '{}' not implemented", asked.request),
            )),
        }
    }

    fn storage_list(&self, asked: &Asked<'_>) -> Value {
        let wanted = asked.param("content");
        let rows = self
            .storages
            .iter()
            .filter(|(name, storage)| {
                wanted.is_none_or(|content| storage.content.contains(content))
                    && self.may(&format!("/storage/{name}"), "Datastore.Audit")
            })
            .map(|(name, storage)| {
                let mut row = shown(storage);
                row["storage"] = json!(name);
                row
            });
        json!(rows.collect::<Vec<Value>>())
    }

    fn content(&self, storage: &FakeStorage, asked: &Asked<'_>) -> Value {
        let (content, vmid) = (asked.param("content"), asked.param("vmid"));
        let rows = storage.volumes.iter().filter(|(_, volume)| {
            content.is_none_or(|content| content == volume.content)
                && vmid.is_none_or(|id| volume.vmid.is_some_and(|own| own.to_string() == id))
                // A guest's backups are shown to those who may make them.
                && volume.vmid.is_none_or(|id| {
                    volume.content != "backup" || self.may(&format!("/vms/{id}"), "VM.Backup")
                })
        });
        json!(
            rows.map(|(volid, volume)| row(volid, volume))
                .collect::<Vec<Value>>()
        )
    }

    fn delete_volume(&mut self, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let (name, volid) = (asked.var("storage").to_owned(), asked.var("volume").to_owned());
        let volume = self
            .storages
            .get(&name)
            .and_then(|storage| storage.volumes.get(&volid));
        let Some(volume) = volume else {
            return Err(FakeRefusal::died(format!("no such volume '{volid}'")));
        };
        let path = format!("/storage/{name}");
        match volume.vmid.filter(|_| volume.content == "backup") {
            Some(id) => {
                self.need(&path, "Datastore.AllocateSpace")?;
                self.need(&format!("/vms/{id}"), "VM.Backup")?;
            }
            None => self.need(&path, "Datastore.Allocate")?,
        }
        if volume.protected {
            return Err(FakeRefusal::died(format!(
                "can't remove protected volume '{volid}'"
            )));
        }
        let begin = Begin::new(asked.var("node"), "imgdel", &name);
        Ok(self.begin(begin, move |state| {
            if let Some(storage) = state.storages.get_mut(&name)
                && let Some(volume) = storage.volumes.remove(&volid)
            {
                storage.used = storage.used.saturating_sub(volume.size);
            }
            Ok(0)
        }))
    }

    fn upload(&mut self, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let Some(upload) = &asked.request.upload else {
            return Err(FakeRefusal::parameter(
                "filename",
                "property is missing and it is not optional",
            ));
        };
        let mut bytes = Vec::new();
        let read = (upload.open)().and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
        if let Err(error) = read {
            return Err(FakeRefusal::died(format!("upload failed: {error}")));
        }
        let name = asked.var("storage").to_owned();
        let volid = format!("{name}:vztmpl/{}", upload.filename);
        if let Some(wanted) = asked.param("checksum") {
            let actual = Digest::of(&bytes).to_string();
            if actual != format!("sha256:{wanted}") {
                return Err(FakeRefusal::died(
                    "checksum mismatch: got another one for the uploaded file",
                ));
            }
        }
        let begin = Begin::new(asked.var("node"), "imgcopy", "");
        Ok(self.begin(begin, move |state| state.store(&name, volid, bytes)))
    }

    fn pull(&mut self, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        self.need(&format!("/nodes/{}", asked.var("node")), "Sys.AccessNetwork")?;
        let name = asked.var("storage").to_owned();
        let reference = asked.param("reference").unwrap_or_default();
        let last = reference.rsplit('/').next().unwrap_or_default();
        let file = asked.param("filename").unwrap_or(last).replace([':', '/'], "_");
        let volid = format!("{name}:vztmpl/{file}.tar");
        if self
            .storages
            .get(&name)
            .is_some_and(|storage| storage.volumes.contains_key(&volid))
        {
            return Err(FakeRefusal::died(format!(
                "refusing to override existing file '{file}.tar'"
            )));
        }
        let bytes = reference.as_bytes().to_vec();
        let begin = Begin::new(asked.var("node"), "ociregistrypull", "");
        Ok(self.begin(begin, move |state| state.store(&name, volid, bytes)))
    }

    fn store(&mut self, storage: &str, volid: String, bytes: Vec<u8>) -> Result<u32, String> {
        let ctime = self.unix;
        let storage = self.storages.get_mut(storage).ok_or("storage does not exist")?;
        storage.used += bytes.len() as u64;
        let volume = FakeVolume {
            content: "vztmpl".to_owned(),
            vmid: None,
            size: bytes.len() as u64,
            ctime,
            notes: String::new(),
            protected: false,
            saved: None,
            bytes,
        };
        storage.volumes.insert(volid, volume);
        Ok(0)
    }
}

fn shown(storage: &FakeStorage) -> Value {
    let content: Vec<&str> = storage.content.iter().map(String::as_str).collect();
    json!({
        "type": storage.kind, "content": content.join(","), "active": 1, "enabled": 1,
        "total": storage.total, "used": storage.used, "avail": storage.total.saturating_sub(storage.used),
    })
}

fn row(volid: &str, volume: &FakeVolume) -> Value {
    let mut row = json!({
        "volid": volid, "content": volume.content, "size": volume.size, "ctime": volume.ctime,
        "format": volid.rsplit('.').next(),
    });
    if let Some(id) = volume.vmid {
        // As text, as it sometimes is.
        row["vmid"] = json!(id.to_string());
    }
    if !volume.notes.is_empty() {
        row["notes"] = json!(volume.notes);
    }
    if volume.protected {
        row["protected"] = json!(1);
    }
    row
}

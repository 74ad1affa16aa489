//! New guests: copies of templates, and containers from a template or an image.

use super::dispatch::Asked;
use super::refusal::FakeRefusal;
use super::state::{FakeGuest, State};
use super::task::{Begin, type_of};
use crate::adapters::proxmox::{GuestKind, GuestRef};
use serde_json::Value;
use std::time::Duration;

/// How far the list of the cluster is behind.
const BEHIND: Duration = Duration::from_secs(10);
/// What a full copy takes of its storage.
const COPY: u64 = 8 << 30;

impl State {
    pub(super) fn clone_guest(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let new_id: u32 = asked.number("newid");
        self.need_place(new_id, asked.request)?;
        let source = self.guest(at)?.clone();
        let (noun, is_container) = (at.kind.noun(), at.kind == GuestKind::Container);
        if let Some(lock) = &source.lock {
            return Err(FakeRefusal::died(format!("{noun} is locked ({lock})")));
        }
        let full = asked.is_on("full") || !source.is_template();
        if !full && asked.param("storage").is_some() {
            return Err(FakeRefusal::died(
                "parameter 'storage' not allowed for linked clones",
            ));
        }
        if is_container && source.running {
            return Err(FakeRefusal::died(
                "Cannot do full clones on a running container without snapshots",
            ));
        }
        let storage = asked.param("storage").unwrap_or("local-zfs").to_owned();
        self.need_storage(&storage)?;
        self.need_bridge(source.config.get("net0").map_or("", String::as_str))?;
        let target = asked.param("target").unwrap_or(&at.node).to_owned();
        if !self.nodes.contains_key(&target) {
            return Err(FakeRefusal::died(format!("no such cluster node '{target}'")));
        }
        let place = GuestRef {
            node: target,
            id: new_id,
            ..at.clone()
        };
        let kind = type_of(at, "qmclone", "vzclone");
        let begin = Begin::new(&at.node, kind, at.id);
        if let Some(other) = self.guests.get(&new_id) {
            let text = format!("unable to create {noun} {new_id}: config file already exists");
            if other.at.node == place.node {
                return Err(FakeRefusal::died(text));
            }
            // On another node it is only found out when the file is to be written.
            return Ok(self.begin(begin, move |_| Err(text)));
        }
        let guest = self.copy_of(&source, place, full, asked);
        let serial = guest.serial;
        let pool = asked.param("pool").map(str::to_owned);
        self.guests.insert(new_id, guest);
        let mut begin = begin.makes(new_id);
        if is_container {
            if let Some(source) = self.guests.get_mut(&at.id) {
                source.lock = Some("disk".to_owned());
            }
            begin = begin.lock(at.id);
        }
        Ok(self.begin(begin, move |state| {
            if full {
                state.take_room(&storage)?;
            }
            state.made(new_id, serial, pool)
        }))
    }

    fn copy_of(&mut self, source: &FakeGuest, place: GuestRef, full: bool, asked: &Asked<'_>) -> FakeGuest {
        let (new_id, is_container) = (place.id, place.kind == GuestKind::Container);
        let mut guest = source.clone();
        guest.at = place;
        guest.maker = Some(self.user.clone());
        guest.lock = Some(if is_container { "create" } else { "clone" }.to_owned());
        guest.flock = None;
        guest.running = false;
        guest.pool = None;
        guest.snapshots.clear();
        guest.files.clear();
        guest.ha = false;
        guest.base = (!full).then_some(source.id());
        guest.known_from = self.now + BEHIND;
        guest.config.remove("template");
        for value in guest.config.values_mut() {
            let (from, to) = (format!("-{}-disk-", source.id()), format!("-{new_id}-disk-"));
            *value = value.replace(&from, &to);
        }
        for (param, option) in [
            ("name", "name"),
            ("hostname", "hostname"),
            ("description", "description"),
        ] {
            if let Some(value) = asked.param(param) {
                guest.config.insert(option.to_owned(), value.to_owned());
            }
        }
        let serial = self.next_serial();
        guest.renew(serial);
        guest
    }

    /// A guest is made: others may use it.
    fn made(&mut self, id: u32, serial: u64, pool: Option<String>) -> Result<u32, String> {
        let found = self.guests.get_mut(&id).filter(|guest| guest.serial == serial);
        let guest = found.ok_or_else(|| format!("unable to find configuration file for VM {id}"))?;
        guest.lock = None;
        guest.pool = pool;
        Ok(0)
    }

    pub(super) fn need_storage(&self, storage: &str) -> Result<(), FakeRefusal> {
        if !self.storages.contains_key(storage) {
            return Err(FakeRefusal::died(format!("storage '{storage}' does not exist")));
        }
        self.need(&format!("/storage/{storage}"), "Datastore.AllocateSpace")
    }

    pub(super) fn take_room(&mut self, storage: &str) -> Result<(), String> {
        let found = self.storages.get_mut(storage);
        let storage = found.ok_or_else(|| format!("storage '{storage}' does not exist"))?;
        if storage.used + COPY > storage.total {
            return Err("clone failed: out of space".to_owned());
        }
        Ok(())
    }

    pub(super) fn create_container(&mut self, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let id: u32 = asked.number("vmid");
        self.need_place(id, asked.request)?;
        let at = GuestRef::container(asked.var("node"), id);
        if let Some(other) = self.guests.get(&id) {
            let (noun, node) = (other.at.kind.noun(), &other.at.node);
            return Err(FakeRefusal::died(format!(
                "unable to create CT {id} - {noun} {id} already exists on node '{node}'"
            )));
        }
        self.need_bridge(asked.param("net0").unwrap_or_default())?;
        let template = asked.param("ostemplate").unwrap_or_default().to_owned();
        let storage = template.split(':').next().unwrap_or_default();
        let known = self
            .storages
            .get(storage)
            .is_some_and(|storage| storage.volumes.contains_key(&template));
        if !known {
            return Err(FakeRefusal::died(format!("volume '{template}' does not exist")));
        }
        let root = asked.param("rootfs").unwrap_or("local:4").to_owned();
        let (root_storage, size) = root.split_once(':').unwrap_or((&root, "4"));
        self.need_storage(root_storage)?;
        if !self.storages[root_storage].content.contains("rootdir") {
            return Err(FakeRefusal::died(format!(
                "storage '{root_storage}' does not support container directories"
            )));
        }
        let mut guest = FakeGuest::new(at.clone(), &format!("CT{id}"));
        guest.maker = Some(self.user.clone());
        guest.lock = Some("create".to_owned());
        guest.known_from = self.now + BEHIND;
        let serial = self.next_serial();
        for (name, value) in &asked.request.params {
            if !matches!(
                name.as_str(),
                "vmid" | "ostemplate" | "rootfs" | "pool" | "ssh-public-keys"
            ) {
                guest.config.insert(name.clone(), value.clone());
            }
        }
        let disk = format!("{root_storage}:subvol-{id}-disk-0,size={size}G");
        guest.config.insert("rootfs".to_owned(), disk);
        guest.renew(serial);
        // An image of a registry: its own entrypoint and environment win.
        if template.ends_with(".tar") {
            let mut set = |name: &str, value: &str| guest.config.insert(name.to_owned(), value.to_owned());
            set("entrypoint", "/entrypoint run");
            set("env", "PATH=/usr/bin:/bin\0FROM_IMAGE=1");
            set("cmode", "console");
            if let Some(card) = guest
                .config
                .get_mut("net0")
                .filter(|card| !card.contains("host-managed"))
            {
                card.push_str(",host-managed=1");
            }
        }
        let pool = asked.param("pool").map(str::to_owned);
        self.guests.insert(id, guest);
        let begin = Begin::new(&at.node, "vzcreate", id).makes(id);
        Ok(self.begin(begin, move |state| state.made(id, serial, pool)))
    }
}

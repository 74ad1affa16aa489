//! Snapshots of guests.

use super::dispatch::Asked;
use super::refusal::FakeRefusal;
use super::state::{FakeSnapshot, State};
use super::task::{Begin, type_of};
use crate::adapters::proxmox::GuestRef;
use serde_json::{Value, json};

impl State {
    pub(super) fn snapshots(&self, at: &GuestRef) -> Result<Value, FakeRefusal> {
        let guest = self.guest(at)?;
        let mut rows = Vec::new();
        let mut parent: Option<&str> = None;
        for snapshot in &guest.snapshots {
            let mut row = json!({
                "name": snapshot.name, "description": snapshot.description, "snaptime": snapshot.taken,
            });
            if let Some(parent) = parent {
                row["parent"] = json!(parent);
            }
            parent = Some(&snapshot.name);
            rows.push(row);
        }
        let mut current =
            json!({"name": "current", "digest": guest.digest(), "description": "You are here!"});
        if let Some(parent) = parent {
            current["parent"] = json!(parent);
        }
        rows.push(current);
        Ok(json!(rows))
    }

    /// The storage of the guest's disks.
    fn newest_only(&self, at: &GuestRef) -> bool {
        let guest = self.guests.get(&at.id);
        let disk = guest.and_then(|guest| guest.config.get("scsi0").or_else(|| guest.config.get("rootfs")));
        let storage = disk.and_then(|disk| disk.split(':').next()).unwrap_or_default();
        self.storages
            .get(storage)
            .is_some_and(|storage| storage.newest_only)
    }

    pub(super) fn feature(&self, at: &GuestRef) -> Result<Value, FakeRefusal> {
        let guest = self.guest(at)?;
        let disk = guest.config.get("scsi0").or_else(|| guest.config.get("rootfs"));
        let storage = disk.and_then(|disk| disk.split(':').next()).unwrap_or_default();
        let can = self
            .storages
            .get(storage)
            .is_some_and(|storage| storage.kind != "lvm");
        Ok(json!({"hasFeature": u8::from(can), "nodes": [at.node]}))
    }

    pub(super) fn take_snapshot(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let name = asked.param("snapname").unwrap_or_default().to_owned();
        let description = asked.param("description").unwrap_or_default().to_owned();
        let guest = self.unlocked(at)?;
        if guest.is_template() {
            return Err(FakeRefusal::died("you can't take a snapshot if it's a template"));
        }
        if guest.snapshots.iter().any(|snapshot| snapshot.name == name) {
            return Err(FakeRefusal::died(format!("snapshot name '{name}' already used")));
        }
        guest.lock = Some("snapshot".to_owned());
        let begin = Begin::new(&at.node, type_of(at, "qmsnapshot", "vzsnapshot"), at.id).lock(at.id);
        let place = at.clone();
        Ok(self.begin(begin, move |state| {
            let taken = state.unix;
            let guest = state.guest_mut(&place).map_err(|refusal| refusal.text)?;
            let config = guest.config.clone();
            guest.snapshots.push(FakeSnapshot {
                name,
                description,
                taken,
                config,
            });
            Ok(0)
        }))
    }

    pub(super) fn roll_back(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let name = asked.var("snapname").to_owned();
        let start = asked.is_on("start");
        if start {
            self.need(&format!("/vms/{}", at.id), "VM.PowerMgmt")?;
        }
        let newest_only = self.newest_only(at);
        let guest = self.unlocked(at)?;
        let is_newest = guest.snapshots.last().is_some_and(|newest| newest.name == name);
        let Some(snapshot) = guest
            .snapshots
            .iter()
            .find(|snapshot| snapshot.name == name)
            .cloned()
        else {
            return Err(FakeRefusal::died(format!("snapshot '{name}' does not exist")));
        };
        let begin = Begin::new(&at.node, type_of(at, "qmrollback", "vzrollback"), at.id).lock(at.id);
        if newest_only && !is_newest {
            let text = format!("can't rollback, '{name}' is not most recent snapshot on 'local-zfs'");
            return Ok(self.begin(begin, move |_| Err(text)));
        }
        guest.lock = Some("rollback".to_owned());
        let place = at.clone();
        Ok(self.begin(begin, move |state| {
            let guest = state.guest_mut(&place).map_err(|refusal| refusal.text)?;
            guest.running = false;
            let description = guest.config.get("description").cloned();
            guest.config = snapshot.config;
            // The present's description stays.
            match description {
                Some(description) => guest.config.insert("description".to_owned(), description),
                None => guest.config.remove("description"),
            };
            if start {
                let kind = type_of(&place, "qmstart", "vzstart");
                let nested = Begin::new(&place.node, kind, place.id).flock(place.id);
                let started = place.clone();
                let _ = state.begin(nested, move |state| state.set_running(&started, true));
            }
            Ok(0)
        }))
    }

    pub(super) fn delete_snapshot(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let name = asked.var("snapname").to_owned();
        let guest = self.unlocked(at)?;
        if !guest.snapshots.iter().any(|snapshot| snapshot.name == name) {
            return Err(FakeRefusal::died(format!("snapshot '{name}' does not exist")));
        }
        guest.lock = Some("snapshot-delete".to_owned());
        let kind = type_of(at, "qmdelsnapshot", "vzdelsnapshot");
        let begin = Begin::new(&at.node, kind, at.id).lock(at.id);
        let place = at.clone();
        Ok(self.begin(begin, move |state| {
            let guest = state.guest_mut(&place).map_err(|refusal| refusal.text)?;
            guest.snapshots.retain(|snapshot| snapshot.name != name);
            Ok(0)
        }))
    }
}

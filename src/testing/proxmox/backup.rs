//! Backups: taken, and written back.

use super::dispatch::Asked;
use super::refusal::FakeRefusal;
use super::state::{FakeVolume, State};
use super::task::{Begin, type_of};
use crate::adapters::proxmox::{GuestKind, GuestRef};
use crate::domain::model::Timestamp;
use serde_json::{Value, json};

impl State {
    pub(super) fn vzdump(&mut self, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let id: u32 = asked.number("vmid");
        let node = asked.var("node").to_owned();
        let storage = asked.param("storage").unwrap_or_default().to_owned();
        self.need(&format!("/vms/{id}"), "VM.Backup")?;
        self.need_storage(&storage)?;
        if !self.storages[&storage].content.contains("backup") {
            return Err(FakeRefusal::died(format!(
                "storage '{storage}' does not support backups"
            )));
        }
        // "silent exit if specified VMs run on other nodes"
        let Some(guest) = self.guests.get(&id).filter(|guest| guest.at.node == node) else {
            return Ok(json!("OK"));
        };
        let at = guest.at.clone();
        self.unlocked(&at)?.lock = Some("backup".to_owned());
        let notes = asked.param("notes-template").unwrap_or_default().to_owned();
        let protected = asked.is_on("protected");
        let volid = self.archive(&at, &storage);
        let log = format!(
            "INFO: creating vzdump archive '/var/lib/vz/dump/{}'",
            name_of(&volid)
        );
        let begin = Begin::new(&node, "vzdump", id).lock(id).line(log);
        Ok(self.begin(begin, move |state| {
            let ctime = state.unix;
            let guest = state.guest(&at).map_err(|_| "job errors".to_owned())?.clone();
            let volume = FakeVolume {
                content: "backup".to_owned(),
                vmid: Some(at.id),
                size: 1 << 30,
                ctime,
                notes,
                protected,
                saved: Some(Box::new(guest)),
                bytes: Vec::new(),
            };
            let storage = state.storages.get_mut(&storage).ok_or("job errors")?;
            if storage.used + volume.size > storage.total {
                return Err("job errors".to_owned());
            }
            storage.used += volume.size;
            storage.volumes.insert(volid, volume);
            Ok(0)
        }))
    }

    /// A name for an archive that is not taken: it has the time in seconds.
    fn archive(&self, at: &GuestRef, storage: &str) -> String {
        let mut unix = self.unix;
        loop {
            let time = Timestamp::from_unix_millis(unix * 1000).compact();
            let (date, clock) = time.split_once('-').unwrap_or_default();
            let parts = |text: &str, first: usize| {
                let (head, rest) = text.split_at(first.min(text.len()));
                let (middle, last) = rest.split_at(2.min(rest.len()));
                format!("{head}_{middle}_{last}")
            };
            let end = match at.kind {
                GuestKind::Vm => "vma.zst",
                GuestKind::Container => "tar.zst",
            };
            let volid = format!(
                "{storage}:backup/vzdump-{}-{}-{}-{}.{end}",
                at.kind.segment(),
                at.id,
                parts(date, 4),
                parts(clock, 2)
            );
            let is_taken = self
                .storages
                .get(storage)
                .is_some_and(|storage| storage.volumes.contains_key(&volid));
            if !is_taken {
                return volid;
            }
            unix += 1;
        }
    }

    pub(super) fn restore(&mut self, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let at = GuestRef {
            id: asked.number("vmid"),
            ..asked.guest()
        };
        let (noun, id) = (at.kind.noun(), at.id);
        let archive = asked.param("archive").or_else(|| asked.param("ostemplate"));
        let archive = archive.unwrap_or_default().to_owned();
        self.need_place(id, asked.request)?;
        let storage = archive.split(':').next().unwrap_or_default();
        let volume = self
            .storages
            .get(storage)
            .and_then(|storage| storage.volumes.get(&archive));
        let Some(saved) = volume.and_then(|volume| volume.saved.clone()) else {
            return Err(FakeRefusal::died(format!("volume '{archive}' does not exist")));
        };
        let pool_of = match self.guests.get(&id) {
            Some(present) => {
                let node = &present.at.node;
                let refuse = |text: String| Err(FakeRefusal::died(text));
                if !asked.is_on("force") || present.at != at {
                    return refuse(format!(
                        "unable to restore {noun} {id} - {noun} {id} already exists on node '{node}'"
                    ));
                }
                if present.is_on("protection") {
                    return refuse(format!("unable to restore {noun} {id} - protection mode enabled"));
                }
                if present.running {
                    return refuse(format!("unable to restore {noun} {id} - vm is running"));
                }
                Some(present.pool.clone())
            }
            None => None,
        };
        let mut guest = *saved;
        guest.at = at.clone();
        guest.running = false;
        guest.lock = Some("create".to_owned());
        guest.flock = None;
        guest.snapshots.clear();
        let wanted = asked.param("pool").map(str::to_owned);
        guest.pool = wanted.or_else(|| pool_of.clone().flatten());
        let begin = Begin::new(&at.node, type_of(&at, "qmrestore", "vzrestore"), id);
        let begin = if pool_of.is_some() {
            self.unlocked(&at)?.lock = Some("create".to_owned());
            begin.lock(id)
        } else {
            self.guests.insert(id, guest.clone());
            begin.makes(id)
        };
        Ok(self.begin(begin, move |state| {
            guest.lock = None;
            state.guests.insert(id, guest);
            Ok(0)
        }))
    }
}

fn name_of(volid: &str) -> &str {
    volid.rsplit('/').next().unwrap_or(volid)
}

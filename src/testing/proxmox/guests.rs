//! Guests: configuration, power, end.

use super::dispatch::Asked;
use super::refusal::FakeRefusal;
use super::state::{FakeGuest, State, flock_timeout, mac_of};
use super::task::{Begin, type_of};
use crate::adapters::proxmox::{ApiMethod, GuestKind, GuestRef};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a shutdown waits that says nothing.
const SHUTDOWN: Duration = Duration::from_secs(60);

impl FakeGuest {
    /// Whether it is being made: its configuration shows only that.
    pub(super) fn is_half_made(&self) -> bool {
        matches!(self.lock.as_deref(), Some("clone" | "create"))
    }

    fn set(&mut self, name: &str, value: &str) {
        let value = match name {
            "tags" => {
                let tags: BTreeSet<String> = value.split(';').map(str::to_lowercase).collect();
                tags.into_iter().collect::<Vec<_>>().join(";")
            }
            "net0" | "net1" => self.with_mac(value),
            _ => value.to_owned(),
        };
        self.config.insert(name.to_owned(), value);
    }

    /// A card keeps the hardware address that it is given; one that is given none draws one.
    fn with_mac(&self, card: &str) -> String {
        let mac = mac_of(self.serial + 0x0080_0000);
        match self.at.kind {
            GuestKind::Vm => match card.split_once(',') {
                Some((model, rest)) if !model.contains('=') => format!("{model}={mac},{rest}"),
                _ => card.to_owned(),
            },
            GuestKind::Container if card.contains("hwaddr=") => card.to_owned(),
            GuestKind::Container => format!("{card},hwaddr={mac}"),
        }
    }
}

impl State {
    pub(super) fn config(&self, at: &GuestRef) -> Result<Value, FakeRefusal> {
        let guest = self.guest(at)?;
        let mut shown = Map::new();
        if !guest.is_half_made() {
            for (name, value) in &guest.config {
                // Numbers are numbers here and text there; a description is lines.
                let value = match (name.as_str(), value.parse::<u64>()) {
                    ("description", _) => json!(format!("{value}\n")),
                    ("cores" | "onboot" | "protection" | "template", Ok(number)) => json!(number),
                    _ => json!(value),
                };
                shown.insert(name.clone(), value);
            }
        }
        if let Some(lock) = &guest.lock {
            shown.insert("lock".to_owned(), json!(lock));
        }
        shown.insert("digest".to_owned(), json!(guest.digest()));
        Ok(Value::Object(shown))
    }

    pub(super) fn status(&self, at: &GuestRef) -> Result<Value, FakeRefusal> {
        let guest = self.guest(at)?;
        let uptime = self.now.saturating_sub(guest.started).as_secs();
        let mut status = json!({
            "vmid": guest.id(), "name": guest.name(), "ha": {"managed": u8::from(guest.ha)},
            "status": if guest.running { "running" } else { "stopped" },
            "uptime": if guest.running { uptime } else { 0 },
        });
        if let Some(lock) = &guest.lock {
            status["lock"] = json!(lock);
        }
        Ok(status)
    }

    pub(super) fn configure(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        for (name, value) in &asked.request.params {
            if matches!(name.as_str(), "net0" | "net1") {
                self.need_bridge(value)?;
            }
            let names = if name == "delete" {
                value.split(',').collect()
            } else {
                vec![name.as_str()]
            };
            for name in names {
                if let Some(privilege) = privilege_of(at.kind, name) {
                    self.need(&format!("/vms/{}", at.id), privilege)?;
                }
            }
        }
        let guest = self.unlocked(at)?;
        let digest = guest.digest();
        if asked.param("digest").is_some_and(|wanted| wanted != digest) {
            return Err(FakeRefusal::died(
                "checksum mismatch (file change by other user?)",
            ));
        }
        let params = asked.request.params.clone();
        let place = at.clone();
        let apply = move |state: &mut Self| {
            let guest = state.guest_mut(&place).map_err(|refusal| refusal.text)?;
            for (name, value) in &params {
                match name.as_str() {
                    "digest" => {}
                    "delete" => value.split(',').for_each(|name| {
                        guest.config.remove(name);
                        if name == "net1" {
                            guest.second.clear();
                        }
                    }),
                    name => guest.set(name, value),
                }
            }
            Ok(0)
        };
        if asked.request.method == ApiMethod::Post {
            let begin = Begin::new(&at.node, "qmconfig", at.id).flock(at.id);
            return Ok(self.begin(begin, apply));
        }
        apply(self).map(|_| Value::Null).map_err(FakeRefusal::died)
    }

    pub(super) fn resize(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let disk = asked.param("disk").unwrap_or_default().to_owned();
        let size = asked.param("size").unwrap_or_default().to_owned();
        let guest = self.unlocked(at)?;
        let digest = guest.digest();
        if asked.param("digest").is_some_and(|wanted| wanted != digest) {
            return Err(FakeRefusal::died(
                "checksum mismatch (file change by other user?)",
            ));
        }
        let Some(value) = guest.config.get(&disk) else {
            return Err(FakeRefusal::died(format!("disk '{disk}' does not exist")));
        };
        let now = crate::adapters::proxmox::answers::disk_size(value).unwrap_or_default();
        let number: u64 = size.trim_matches(['+', 'G']).parse().unwrap_or_default();
        let wanted = if size.starts_with('+') {
            now + number
        } else {
            number
        };
        if wanted < now {
            return Err(FakeRefusal::died("shrinking disks is not supported"));
        }
        let place = at.clone();
        let begin = Begin::new(&at.node, "resize", at.id).flock(at.id);
        Ok(self.begin(begin, move |state| {
            let guest = state.guest_mut(&place).map_err(|refusal| refusal.text)?;
            if let Some(value) = guest.config.get_mut(&disk) {
                let volume = value.split(',').next().unwrap_or_default();
                *value = format!("{volume},size={wanted}G");
            }
            Ok(0)
        }))
    }

    pub(super) fn start(&mut self, at: &GuestRef) -> Result<Value, FakeRefusal> {
        let guest = self.guest(at)?;
        if guest.ha {
            return Ok(self.queued(at, "hastart", true));
        }
        if guest.running && at.kind == GuestKind::Container {
            return Err(FakeRefusal::died(format!("CT {} already running", at.id)));
        }
        let guest = self.unlocked(at)?;
        if guest.is_template() {
            return Err(FakeRefusal::died("you can't start a vm if it's a template"));
        }
        let begin = Begin::new(&at.node, type_of(at, "qmstart", "vzstart"), at.id).flock(at.id);
        let place = at.clone();
        Ok(self.begin(begin, move |state| state.set_running(&place, true)))
    }

    pub(super) fn stop(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let guest = self.guest(at)?;
        if guest.ha {
            return Ok(self.queued(at, "hastop", false));
        }
        if !guest.running && at.kind == GuestKind::Container {
            return Err(FakeRefusal::died(format!("CT {} not running", at.id)));
        }
        if asked.is_on("overrule-shutdown") {
            let id = at.id.to_string();
            let waits = |task: &super::task::Task| {
                task.exit.is_none() && task.id == id && task.kind.ends_with("shutdown")
            };
            if let Some(waiting) = self.tasks.iter().position(waits) {
                self.abort(waiting);
            }
        }
        self.unlocked(at)?;
        let begin = Begin::new(&at.node, type_of(at, "qmstop", "vzstop"), at.id).flock(at.id);
        let place = at.clone();
        Ok(self.begin(begin, move |state| state.set_running(&place, false)))
    }

    pub(super) fn shutdown(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let guest = self.guest(at)?;
        if guest.ha {
            return Ok(self.queued(at, "hastop", false));
        }
        if !guest.running && at.kind == GuestKind::Container {
            return Err(FakeRefusal::died(format!("CT {} not running", at.id)));
        }
        let (obeys, running) = (guest.obeys, guest.running);
        self.unlocked(at)?;
        let timeout = match asked.param("timeout") {
            Some(_) => Duration::from_secs(asked.number("timeout")),
            None => SHUTDOWN,
        };
        let force = asked.is_on("forceStop");
        let kind = type_of(at, "qmshutdown", "vzshutdown");
        let mut begin = Begin::new(&at.node, kind, at.id).flock(at.id);
        if running && !obeys {
            begin = begin.at_least(timeout);
        }
        let place = at.clone();
        Ok(self.begin(begin, move |state| {
            if running && !obeys && !force {
                return Err("VM quit/powerdown failed - got timeout".to_owned());
            }
            state.set_running(&place, false)
        }))
    }

    /// A task that only passes the wish on to those who manage the guest.
    fn queued(&mut self, at: &GuestRef, kind: &'static str, running: bool) -> Value {
        let task = self.begin(Begin::new(&at.node, kind, at.id), |_| Ok(0));
        let user = std::mem::replace(&mut self.user, "root@pam".to_owned());
        let what = match (at.kind, running) {
            (GuestKind::Vm, true) => "qmstart",
            (GuestKind::Vm, false) => "qmstop",
            (GuestKind::Container, true) => "vzstart",
            (GuestKind::Container, false) => "vzstop",
        };
        let place = at.clone();
        let _ = self.begin(Begin::new(&at.node, what, at.id), move |state| {
            state.set_running(&place, running)
        });
        self.user = user;
        task
    }

    pub(super) fn set_running(&mut self, at: &GuestRef, running: bool) -> Result<u32, String> {
        let now = self.now;
        let guest = self.guest_mut(at).map_err(|refusal| refusal.text)?;
        if running && guest.running {
            return Err(format!("VM {} already running", at.id));
        }
        guest.running = running;
        if running {
            guest.started = now;
        }
        Ok(0)
    }

    pub(super) fn destroy(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let noun = at.kind.noun();
        let guest = self.guest(at)?;
        if guest.is_on("protection") {
            let text = format!("can't remove {noun} {} - protection mode enabled", at.id);
            return Err(FakeRefusal::died(text));
        }
        if guest.ha && !asked.is_on("purge") {
            return Err(FakeRefusal::died(format!(
                "unable to remove {noun} {} - used in HA resources and purge parameter not set.",
                at.id
            )));
        }
        if guest.running {
            return Err(FakeRefusal::died(format!(
                "{noun} {} is running - destroy failed",
                at.id
            )));
        }
        if guest.flock.is_some() {
            return Err(FakeRefusal::died(flock_timeout(at)));
        }
        self.unlocked(at)?;
        let begin = Begin::new(&at.node, type_of(at, "qmdestroy", "vzdestroy"), at.id).flock(at.id);
        let place = at.clone();
        Ok(self.begin(begin, move |state| {
            state.guest(&place).map_err(|refusal| refusal.text)?;
            if state.guests.values().any(|guest| guest.base == Some(place.id)) {
                let id = place.id;
                return Err(format!(
                    "base volume 'local-zfs:base-{id}-disk-0' is still in use by linked cloned"
                ));
            }
            state.guests.remove(&place.id);
            Ok(0)
        }))
    }

    pub(super) fn container_cards(&self, at: &GuestRef) -> Result<Value, FakeRefusal> {
        let guest = self.guest(at)?;
        if !guest.running {
            return Err(FakeRefusal::died(format!("CT {} not running", at.id)));
        }
        let card = guest.config.get("net0").map_or("", String::as_str);
        let part = |name: &str| card.split(',').find_map(|part| part.strip_prefix(name));
        let mut row = json!({"name": "eth0", "hwaddr": part("hwaddr=")});
        match part("ip=") {
            Some("dhcp") | None => {}
            Some(address) => row["inet"] = json!(address),
        }
        Ok(json!([{"name": "lo", "hwaddr": "00:00:00:00:00:00", "inet": "127.0.0.1/8"}, row]))
    }
}

/// The privilege that an option needs (qemu-server, `check_vm_modify_config_perm`).
fn privilege_of(kind: GuestKind, option: &str) -> Option<&'static str> {
    Some(match option {
        "digest" | "delete" => return None,
        "cores" => "VM.Config.CPU",
        "memory" | "swap" => "VM.Config.Memory",
        "net0" | "net1" => "VM.Config.Network",
        "nameserver" | "searchdomain" | "hostname" if kind == GuestKind::Container => "VM.Config.Network",
        "ipconfig0" | "ipconfig1" | "nameserver" | "searchdomain" | "ciuser" | "sshkeys" | "ciupgrade" => {
            "VM.Config.Cloudinit"
        }
        _ => "VM.Config.Options",
    })
}

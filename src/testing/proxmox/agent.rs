//! The agent in a virtual machine.

use super::dispatch::Asked;
use super::refusal::FakeRefusal;
use super::state::{FakeGuest, State};
use crate::adapters::proxmox::GuestRef;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A command that the agent is to start.
#[derive(Debug)]
pub struct Exec<'a> {
    /// Where.
    pub guest: &'a FakeGuest,
    /// Word by word.
    pub command: Vec<&'a str>,
    /// What it reads.
    pub input: Option<&'a str>,
}

/// What becomes of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecOutcome {
    /// How long it runs.
    pub lasts: Duration,
    /// Its exit code.
    pub exit_code: i32,
    /// What it writes.
    pub output: String,
    /// What it writes as errors.
    pub errors: String,
}

/// What commands do.
pub(super) type Behaviour = dyn Fn(&Exec<'_>) -> ExecOutcome + Send + Sync;

/// Commands in guests, by the guest's serial number and the process id.
#[derive(Default)]
pub(super) struct Processes {
    pub(super) behaviour: Option<Arc<Behaviour>>,
    running: BTreeMap<(u64, u64), (Duration, ExecOutcome)>,
    last: u64,
}

impl State {
    /// The guest, where its agent answers.
    pub(super) fn agent(&self, at: &GuestRef) -> Result<&FakeGuest, FakeRefusal> {
        let guest = self.guest(at)?;
        let is_configured = guest.config.get("agent").is_some_and(|agent| agent.contains('1'));
        if !is_configured {
            return Err(FakeRefusal::died("No QEMU guest agent configured"));
        }
        if !guest.running {
            return Err(FakeRefusal::died(format!("VM {} is not running", at.id)));
        }
        if !guest.agent || self.now < guest.started + guest.boot {
            return Err(FakeRefusal::died("QEMU guest agent is not running"));
        }
        Ok(guest)
    }

    pub(super) fn agent_cards(&self, at: &GuestRef) -> Result<Value, FakeRefusal> {
        let guest = self.agent(at)?;
        let option = |name: &str| guest.config.get(name).map_or("", String::as_str);
        let mac = |card: &str| {
            let first = card.split(',').next().and_then(|card| card.split_once('='));
            first.map_or_else(String::new, |(_, mac)| mac.to_lowercase())
        };
        let own = option("ipconfig0")
            .split(',')
            .find_map(|part| part.strip_prefix("ip="));
        let mut cards = vec![
            json!({"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": shown(["127.0.0.1/8"])}),
            json!({"name": "docker0", "hardware-address": "02:42:00:00:00:01", "ip-addresses": shown(["172.17.0.1/16"])}),
            json!({"name": "eth0", "hardware-address": mac(option("net0")), "ip-addresses": shown(own)}),
        ];
        if let Some(card) = guest.config.get("net1") {
            let addresses = shown(guest.second.iter().map(String::as_str));
            cards.push(json!({"name": "eth1", "hardware-address": mac(card), "ip-addresses": addresses}));
        }
        Ok(json!({ "result": cards }))
    }

    pub(super) fn exec(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        let guest = self.agent(at)?;
        let words = asked.request.params.iter().filter(|(name, _)| name == "command");
        let exec = Exec {
            guest,
            command: words.map(|(_, word)| word.as_str()).collect(),
            input: asked.param("input-data"),
        };
        let outcome = match &self.processes.behaviour {
            Some(behaviour) => behaviour(&exec),
            None => ExecOutcome::default(),
        };
        let second = match exec.command[..] {
            ["ip", "address", "replace", address, "dev", "eth1"] => Some(address.to_owned()),
            _ => None,
        };
        let serial = guest.serial;
        if let Some(address) = second {
            self.guest_mut(at)?.second.insert(address);
        }
        self.processes.last += 1;
        let pid = self.processes.last;
        let ends = self.now + outcome.lasts;
        self.processes.running.insert((serial, pid), (ends, outcome));
        Ok(json!({ "pid": pid }))
    }

    pub(super) fn exec_status(&self, at: &GuestRef, pid: u64) -> Result<Value, FakeRefusal> {
        let serial = self.agent(at)?.serial;
        let Some((ends, outcome)) = self.processes.running.get(&(serial, pid)) else {
            return Err(FakeRefusal::died(format!(
                "Agent error: PID {pid} does not exist"
            )));
        };
        if self.now < *ends {
            return Ok(json!({"exited": 0}));
        }
        let mut status = json!({"exited": 1, "exitcode": outcome.exit_code});
        if !outcome.output.is_empty() {
            status["out-data"] = json!(outcome.output);
        }
        if !outcome.errors.is_empty() {
            status["err-data"] = json!(outcome.errors);
        }
        Ok(status)
    }

    pub(super) fn write_file(&mut self, at: &GuestRef, asked: &Asked<'_>) -> Result<Value, FakeRefusal> {
        self.agent(at)?;
        let guest = self.guest_mut(at)?;
        let (file, content) = (asked.param("file"), asked.param("content"));
        guest.files.insert(
            file.unwrap_or_default().to_owned(),
            content.unwrap_or_default().to_owned(),
        );
        Ok(Value::Null)
    }
}

/// Addresses as the agent shows them.
fn shown<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    let split = addresses
        .into_iter()
        .filter_map(|address| address.split_once('/'));
    split
        .map(|(ip, prefix)| {
            let family = if ip.contains(':') { "ipv6" } else { "ipv4" };
            json!({"ip-address": ip, "ip-address-type": family, "prefix": prefix.parse::<u8>().ok()})
        })
        .collect()
}

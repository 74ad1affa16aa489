//! What a cluster is made of.

use super::refusal::FakeRefusal;
use super::task::Task;
use crate::adapters::proxmox::{GuestKind, GuestRef};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Whose token the cluster itself is asked with.
pub const USER: &str = "ci@pve!greenroom";

/// A guest of the fake cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeGuest {
    /// Where it is.
    pub at: GuestRef,
    /// Tells it from every other guest that ever was, whatever their ids.
    pub serial: u64,
    /// Who made it: the user of the token, or nobody's where the test did.
    pub maker: Option<String>,
    /// Its configuration, without digest and lock.
    pub config: BTreeMap<String, String>,
    /// The lock on its configuration.
    pub lock: Option<String>,
    /// The file is locked by this task.
    pub(super) flock: Option<String>,
    /// Whether it runs.
    pub running: bool,
    /// When it was started, on the monotonic clock.
    pub started: Duration,
    /// From when on the list of the cluster knows its name and state.
    pub known_from: Duration,
    /// Its snapshots, oldest first.
    pub snapshots: Vec<FakeSnapshot>,
    /// Its pool.
    pub pool: Option<String>,
    /// Whether the cluster's high availability manages it: starting and stopping is only queued.
    pub ha: bool,
    /// Whether the agent is installed in it.
    pub agent: bool,
    /// How long after its start the agent answers.
    pub boot: Duration,
    /// Whether it shuts down when it is asked to.
    pub obeys: bool,
    /// The template whose disks it shares.
    pub base: Option<u32>,
    /// The files that the agent has written in it.
    pub files: BTreeMap<String, String>,
    /// Addresses that were set up on its second card, `10.0.0.9/24`.
    pub second: BTreeSet<String>,
}

impl FakeGuest {
    pub(super) fn new(at: GuestRef, name: &str) -> Self {
        let mut config = BTreeMap::new();
        let mut set = |name: &str, value: &str| config.insert(name.to_owned(), value.to_owned());
        set("cores", "1");
        set("memory", "512");
        match at.kind {
            GuestKind::Vm => {
                set("name", name);
                set("net0", "virtio,bridge=vmbr0");
                set("scsi0", &format!("local-zfs:vm-{}-disk-0,size=8G", at.id));
                set("agent", "enabled=1");
            }
            GuestKind::Container => {
                set("hostname", name);
                set("net0", "name=eth0,bridge=vmbr0,ip=dhcp");
                set("rootfs", &format!("local-zfs:subvol-{}-disk-0,size=8G", at.id));
                set("unprivileged", "1");
            }
        }
        Self {
            at,
            serial: 0,
            maker: None,
            config,
            lock: None,
            flock: None,
            running: false,
            started: Duration::ZERO,
            known_from: Duration::ZERO,
            snapshots: Vec::new(),
            pool: None,
            ha: false,
            agent: true,
            boot: Duration::ZERO,
            obeys: true,
            base: None,
            files: BTreeMap::new(),
            second: BTreeSet::new(),
        }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.at.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        let name = self.config.get(self.name_option());
        name.map_or("", String::as_str)
    }

    pub(super) fn name_option(&self) -> &'static str {
        match self.at.kind {
            GuestKind::Vm => "name",
            GuestKind::Container => "hostname",
        }
    }

    /// Whether it is a template.
    pub fn is_template(&self) -> bool {
        self.is_on("template")
    }

    pub(super) fn is_on(&self, option: &str) -> bool {
        self.config.get(option).is_some_and(|value| value == "1")
    }

    /// Tags as a set.
    pub fn tags(&self) -> BTreeSet<String> {
        let tags = self.config.get("tags").map_or("", String::as_str);
        tags.split(';')
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The digest of its configuration: another one after every change.
    pub fn digest(&self) -> String {
        let mut digest = [0u64; 3];
        let parts = self.config.iter().map(|(name, value)| format!("{name}:{value}"));
        let rest = format!("{:?}{:?}", self.lock, self.snapshots);
        for text in parts.chain([rest]) {
            for (at, byte) in text.bytes().chain([b'\n']).enumerate() {
                // FNV-1a, three times with different beginnings: 40 hex digits of it.
                for (lane, hash) in digest.iter_mut().enumerate() {
                    *hash = (*hash ^ (u64::from(byte) + (lane as u64 + 1) * 0x9e37 + at as u64))
                        .wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
        let hex = digest.map(|hash| format!("{hash:016x}")).concat();
        hex.chars().take(40).collect()
    }

    /// A fresh uuid and hardware addresses, as a copy gets them.
    pub(super) fn renew(&mut self, serial: u64) {
        self.serial = serial;
        let mac = mac_of(serial);
        match self.at.kind {
            GuestKind::Vm => {
                let uuid = format!("{:08x}-0000-4000-8000-{serial:012x}", self.at.id);
                self.config.insert("smbios1".to_owned(), format!("uuid={uuid}"));
                self.config
                    .insert("vmgenid".to_owned(), uuid.replacen("0000-4", "9999-4", 1));
                self.replug(|card| {
                    let mut parts = card.splitn(2, ',');
                    let model = parts
                        .next()
                        .unwrap_or("virtio")
                        .split('=')
                        .next()
                        .unwrap_or("virtio");
                    let rest = parts.next().map(|rest| format!(",{rest}")).unwrap_or_default();
                    format!("{model}={mac}{rest}")
                });
            }
            GuestKind::Container => self.replug(|card| {
                let others: Vec<&str> = card
                    .split(',')
                    .filter(|part| !part.starts_with("hwaddr="))
                    .collect();
                format!("{},hwaddr={mac}", others.join(","))
            }),
        }
    }

    fn replug(&mut self, change: impl FnOnce(&str) -> String) {
        if let Some(card) = self.config.get_mut("net0") {
            *card = change(card);
        }
    }
}

/// The hardware address that belongs to a serial number, in Proxmox's own range.
pub(super) fn mac_of(serial: u64) -> String {
    let [.., a, b, c] = serial.to_be_bytes();
    format!("BC:24:11:{a:02X}:{b:02X}:{c:02X}")
}

/// A snapshot of a fake guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeSnapshot {
    /// Its name.
    pub name: String,
    /// What is written beside it.
    pub description: String,
    /// When it was taken, in seconds since 1970.
    pub taken: i64,
    /// The configuration that was saved.
    pub config: BTreeMap<String, String>,
}

/// A storage of the fake cluster, on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeStorage {
    /// `dir`, `zfspool`, `lvmthin`.
    pub kind: String,
    /// What it holds.
    pub content: BTreeSet<String>,
    /// Bytes in all.
    pub total: u64,
    /// Bytes in use.
    pub used: u64,
    /// Only the newest snapshot can be gone back to, as on ZFS.
    pub newest_only: bool,
    /// What lies in it.
    pub volumes: BTreeMap<String, FakeVolume>,
}

impl FakeStorage {
    /// An empty storage of this kind, of 100 GiB.
    pub fn new(kind: &str, content: &[&str]) -> Self {
        Self {
            kind: kind.to_owned(),
            content: content.iter().map(|content| (*content).to_owned()).collect(),
            total: 100 << 30,
            used: 0,
            newest_only: kind == "zfspool",
            volumes: BTreeMap::new(),
        }
    }
}

/// Something in a fake storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeVolume {
    /// The kind of content.
    pub content: String,
    /// The guest that it belongs to.
    pub vmid: Option<u32>,
    /// Bytes.
    pub size: u64,
    /// When it was made, in seconds since 1970.
    pub ctime: i64,
    /// What is written beside it.
    pub notes: String,
    /// Whether it is shielded.
    pub protected: bool,
    /// The guest as it was, in a backup.
    pub saved: Option<Box<FakeGuest>>,
    /// The bytes, of what was uploaded.
    pub bytes: Vec<u8>,
}

/// A node of the fake cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeNode {
    /// Whether the others reach it.
    pub online: bool,
}

/// One request that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Whose token.
    pub user: String,
    /// `GET`.
    pub method: &'static str,
    /// Its path.
    pub path: String,
    /// Its parameters.
    pub params: Vec<(String, String)>,
    /// Status of the answer; `None` where the connection was cut.
    pub status: Option<u16>,
}

/// One write that was asked for about a guest that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// Serial number of the guest.
    pub serial: u64,
    /// Its id at that time.
    pub id: u32,
    /// Who had made it.
    pub maker: Option<String>,
    /// Who asked.
    pub user: String,
    /// What for: `DELETE /nodes/pve1/qemu/101`.
    pub what: String,
    /// Whether it was refused.
    pub refused: bool,
}

/// Everything.
pub(super) struct State {
    pub(super) version: String,
    pub(super) nodes: BTreeMap<String, FakeNode>,
    pub(super) storages: BTreeMap<String, FakeStorage>,
    pub(super) pools: BTreeMap<String, String>,
    pub(super) guests: BTreeMap<u32, FakeGuest>,
    pub(super) tasks: Vec<Task>,
    pub(super) log: Vec<Logged>,
    pub(super) touches: Vec<Touch>,
    pub(super) serial: u64,
    pub(super) pid: u32,
    /// How long tasks take, by type; at once by default.
    pub(super) durations: BTreeMap<String, Duration>,
    /// Time, as it was when the request came.
    pub(super) now: Duration,
    /// The same as seconds since 1970.
    pub(super) unix: i64,
    /// Whose request it is.
    pub(super) user: String,
    pub(super) rights: BTreeMap<String, Vec<super::rights::Grant>>,
    pub(super) processes: super::agent::Processes,
    /// How the next task ends, where that was wished for.
    pub(super) next_task: Option<super::fault::TaskFault>,
    pub(super) quorate: bool,
    /// Texts of errors stand only beside the status.
    pub(super) old_messages: bool,
}

impl State {
    /// One node, a storage for templates and backups, one for disks, and nothing else.
    pub(super) fn new() -> Self {
        Self {
            version: "9.1.4".to_owned(),
            nodes: BTreeMap::from([("pve1".to_owned(), FakeNode { online: true })]),
            storages: BTreeMap::from([
                (
                    "local".to_owned(),
                    FakeStorage::new("dir", &["vztmpl", "backup", "iso", "import"]),
                ),
                (
                    "local-zfs".to_owned(),
                    FakeStorage::new("zfspool", &["images", "rootdir"]),
                ),
            ]),
            pools: BTreeMap::new(),
            guests: BTreeMap::new(),
            tasks: Vec::new(),
            log: Vec::new(),
            touches: Vec::new(),
            serial: 0,
            pid: 0x1000,
            durations: BTreeMap::new(),
            now: Duration::ZERO,
            unix: 0,
            user: USER.to_owned(),
            rights: BTreeMap::new(),
            processes: super::agent::Processes::default(),
            next_task: None,
            quorate: true,
            old_messages: false,
        }
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The guest at a path, as a handler sees it.
    pub(super) fn guest(&self, at: &GuestRef) -> Result<&FakeGuest, FakeRefusal> {
        let found = self.guests.get(&at.id).filter(|guest| guest.at == *at);
        found.ok_or_else(|| missing(at))
    }

    pub(super) fn guest_mut(&mut self, at: &GuestRef) -> Result<&mut FakeGuest, FakeRefusal> {
        let found = self.guests.get_mut(&at.id).filter(|guest| guest.at == *at);
        found.ok_or_else(|| missing(at))
    }

    /// The same, for a change: neither lock may be held.
    pub(super) fn unlocked(&mut self, at: &GuestRef) -> Result<&mut FakeGuest, FakeRefusal> {
        let guest = self.guest_mut(at)?;
        if guest.flock.is_some() {
            return Err(FakeRefusal::died(flock_timeout(at)));
        }
        if let Some(lock) = &guest.lock {
            return Err(FakeRefusal::died(format!(
                "{} is locked ({lock})",
                at.kind.noun()
            )));
        }
        Ok(guest)
    }
}

pub(super) fn flock_timeout(at: &GuestRef) -> String {
    let file = match at.kind {
        GuestKind::Vm => format!("/var/lock/qemu-server/lock-{}.conf", at.id),
        GuestKind::Container => format!("/run/lock/lxc/pve-config-{}.lock", at.id),
    };
    format!("can't lock file '{file}' - got timeout")
}

fn missing(at: &GuestRef) -> FakeRefusal {
    let folder = match at.kind {
        GuestKind::Vm => "qemu-server",
        GuestKind::Container => "lxc",
    };
    FakeRefusal::died(format!(
        "Configuration file 'nodes/{}/{folder}/{}.conf' does not exist",
        at.node, at.id
    ))
}

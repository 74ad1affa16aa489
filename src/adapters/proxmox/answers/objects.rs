//! Nodes, guests, storages and the other objects that the API answers with.

use super::super::decode::{
    id, maybe_count, maybe_id, maybe_number, maybe_words, number, switch, text, words,
};
use super::super::guest::{GuestKind, GuestRef};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the node that answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// In full: `9.1.4`.
    #[serde(deserialize_with = "words")]
    pub version: String,
    /// Major and minor: `9.1`.
    #[serde(default, deserialize_with = "words")]
    pub release: String,
}

impl Version {
    /// Whether it is at least this one.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        let mut parts = self
            .version
            .split(['.', '-'])
            .map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (major, minor)
    }
}

/// Privileges by path; a privilege that holds for everything below is `true`.
pub type Permissions = BTreeMap<String, BTreeMap<String, Flag>>;

/// A switch in whatever form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Flag(#[serde(deserialize_with = "switch")] pub bool);

/// A free id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Id(#[serde(deserialize_with = "id")] pub u32);

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// Its name.
    pub node: String,
    /// `online`, `offline` or `unknown`.
    #[serde(default, deserialize_with = "maybe_words")]
    pub status: Option<String>,
    /// Fingerprint of its certificate.
    #[serde(default, deserialize_with = "maybe_words")]
    pub ssl_fingerprint: Option<String>,
}

/// A guest in the list of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Resource {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub vmid: u32,
    /// `qemu` or `lxc`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The node that it lives on.
    pub node: String,
    /// Its name, missing just after it was made.
    #[serde(default, deserialize_with = "maybe_words")]
    pub name: Option<String>,
    /// `running`, `stopped` or `unknown`; up to ten seconds old.
    #[serde(default, deserialize_with = "maybe_words")]
    pub status: Option<String>,
    /// Whether it is a template.
    #[serde(default, deserialize_with = "switch")]
    pub template: bool,
    /// Its tags, separated.
    #[serde(default, deserialize_with = "maybe_words")]
    pub tags: Option<String>,
    /// The lock that is on it.
    #[serde(default, deserialize_with = "maybe_words")]
    pub lock: Option<String>,
    /// The pool that it is in.
    #[serde(default, deserialize_with = "maybe_words")]
    pub pool: Option<String>,
}

impl Resource {
    /// The guest; `None` when it is of no known kind.
    pub fn guest(&self) -> Option<GuestRef> {
        Some(GuestRef {
            kind: GuestKind::of_segment(&self.kind)?,
            node: self.node.clone(),
            id: self.vmid,
        })
    }

    /// Its tags.
    pub fn tags(&self) -> BTreeSet<String> {
        split_tags(self.tags.as_deref().unwrap_or_default())
    }
}

/// A guest's configuration, every value as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, Value>")]
pub struct GuestConfig {
    /// The options as they are shown.
    pub options: BTreeMap<String, String>,
}

impl From<BTreeMap<String, Value>> for GuestConfig {
    fn from(values: BTreeMap<String, Value>) -> Self {
        let options = values
            .into_iter()
            .filter_map(|(name, value)| Some((name, text(&value)?)))
            .collect();
        Self { options }
    }
}

impl GuestConfig {
    /// One option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// Its digest, which changes with every change.
    pub fn digest(&self) -> Option<&str> {
        self.get("digest")
    }

    /// The lock that is on it: `clone`, `backup`.
    pub fn lock(&self) -> Option<&str> {
        self.get("lock").filter(|lock| !lock.is_empty())
    }

    /// Its name: `name` of a virtual machine, `hostname` of a container.
    pub fn name(&self) -> Option<&str> {
        self.get("name").or_else(|| self.get("hostname"))
    }

    /// Its description, with line ends.
    pub fn description(&self) -> &str {
        self.get("description").unwrap_or_default()
    }

    /// Its tags.
    pub fn tags(&self) -> BTreeSet<String> {
        split_tags(self.get("tags").unwrap_or_default())
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name) == Some("1")
    }

    /// Whether Proxmox talks to the agent in it: `agent` is `1` or `enabled=1`, whatever else it holds.
    pub fn has_agent(&self) -> bool {
        let agent = self.get("agent").unwrap_or_default();
        agent.split(',').any(|part| part == "1" || part == "enabled=1")
    }

    /// One part of an option that is a list of properties: `property("smbios1", "uuid")`.
    pub fn property(&self, option: &str, name: &str) -> Option<&str> {
        self.get(option)?
            .split(',')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Tags are separated by `;`, `,` or a space.
fn split_tags(text: &str) -> BTreeSet<String> {
    text.split([';', ',', ' '])
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What a guest does now.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GuestStatus {
    /// `running` or `stopped`.
    pub status: String,
    /// The lock that is on it.
    #[serde(default, deserialize_with = "maybe_words")]
    pub lock: Option<String>,
    /// How long it runs, in seconds.
    #[serde(default, deserialize_with = "maybe_count")]
    pub uptime: Option<u64>,
    /// What the cluster's high availability makes of it.
    #[serde(default)]
    pub ha: Option<Ha>,
}

impl GuestStatus {
    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.status == "running"
    }

    /// Whether others start and stop it: a task then only queues the wish.
    pub fn is_ha_managed(&self) -> bool {
        self.ha.as_ref().is_some_and(|ha| ha.managed)
    }
}

/// High availability of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ha {
    /// Whether it is managed.
    #[serde(default, deserialize_with = "switch")]
    pub managed: bool,
}

/// A snapshot of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// Its name; the present is `current`.
    pub name: String,
    /// The one before it.
    #[serde(default, deserialize_with = "maybe_words")]
    pub parent: Option<String>,
    /// What is written beside it.
    #[serde(default, deserialize_with = "maybe_words")]
    pub description: Option<String>,
    /// When it was taken, in seconds since 1970.
    #[serde(default, deserialize_with = "maybe_number")]
    pub snaptime: Option<i64>,
}

/// Whether a feature is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Feature {
    /// It is.
    #[serde(default, rename = "hasFeature", deserialize_with = "switch")]
    pub has_feature: bool,
}

/// A bridge of a node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bridge {
    /// Its name.
    pub iface: String,
    /// Whether it is up.
    #[serde(default, deserialize_with = "switch")]
    pub active: bool,
}

/// A pool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pool {
    /// Its name.
    pub poolid: String,
    /// What is written beside it.
    #[serde(default, deserialize_with = "maybe_words")]
    pub comment: Option<String>,
    /// Guests and storages in it, where one pool was asked for.
    #[serde(default)]
    pub members: Vec<Member>,
}

/// What is in a pool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The guest's id; none for a storage.
    #[serde(default, deserialize_with = "maybe_id")]
    pub vmid: Option<u32>,
    /// `qemu`, `lxc` or `storage`.
    #[serde(default, rename = "type", deserialize_with = "maybe_words")]
    pub kind: Option<String>,
}

/// A task in the list of a node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TaskEntry {
    /// Its name.
    pub upid: String,
    /// What it does.
    #[serde(default, rename = "type", deserialize_with = "maybe_words")]
    pub kind: Option<String>,
    /// When it ended, in seconds since 1970; nothing while it runs.
    #[serde(default, deserialize_with = "maybe_number")]
    pub endtime: Option<i64>,
    /// How it ended.
    #[serde(default, deserialize_with = "maybe_words")]
    pub status: Option<String>,
}

/// The size in GiB that a disk has in the configuration, rounded down: `local:vm-1-disk-0,size=20G`.
pub fn disk_size(value: &str) -> Option<u64> {
    let size = value.split(',').find_map(|part| part.strip_prefix("size="))?;
    let (digits, unit) = size.split_at(size.find(|c: char| c.is_ascii_alphabetic())?);
    let count = u64::try_from(number(&Value::String(digits.to_owned()))?).ok()?;
    match unit {
        "T" => count.checked_mul(1024),
        "G" => Some(count),
        "M" => Some(count / 1024),
        "K" => Some(count / 1024 / 1024),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_configuration_is_read_as_text() {
        let config: GuestConfig = serde_json::from_value(json!({
            "cores": 2, "memory": "2048", "protection": 1, "tags": "b;a c",
            "smbios1": "uuid=0f3c-1,manufacturer=x", "agent": "enabled=1,type=virtio", "lock": "clone",
        }))
        .unwrap();
        assert_eq!(
            (config.get("cores"), config.get("memory")),
            (Some("2"), Some("2048"))
        );
        assert_eq!(config.property("smbios1", "uuid"), Some("0f3c-1"));
        assert_eq!(config.tags().into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(config.is_on("protection") && config.has_agent());
        assert_eq!(config.lock(), Some("clone"));
        assert!(!GuestConfig::default().has_agent());
    }

    #[test]
    fn versions_are_compared_by_number() {
        let version = |text: &str| Version {
            version: text.to_owned(),
            release: String::new(),
        };
        assert!(version("9.1.4").at_least(9, 1) && version("10.0-2").at_least(9, 1));
        assert!(!version("8.4.5").at_least(9, 0) && !version("9.0.11").at_least(9, 1));
    }

    #[test]
    fn sizes_of_disks_are_read_in_whole_gib() {
        assert_eq!(disk_size("local:vm-1-disk-0,size=20G"), Some(20));
        assert_eq!(disk_size("local:vm-1-disk-0,iothread=1,size=2T"), Some(2048));
        assert_eq!(disk_size("local:vm-1-disk-0,size=2252M"), Some(2));
        assert_eq!(disk_size("none,media=cdrom"), None);
    }
}

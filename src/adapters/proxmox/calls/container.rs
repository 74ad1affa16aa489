//! What only containers have.

use super::property::tags;
pub use super::property::{Addressing, Plug};
use super::vm::joined;
use crate::adapters::proxmox::{ApiRequest, GuestRef};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What is to be set; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerSettings {
    /// Its name, a DNS name.
    pub hostname: Option<String>,
    /// Its description, at most 8,192 characters.
    pub description: Option<String>,
    /// Its tags: lower-case letters, digits, `_`, `+`, `-` and `.`.
    pub tags: Option<BTreeSet<String>>,
    /// Cores.
    pub cores: Option<u32>,
    /// Memory in MiB.
    pub memory: Option<u64>,
    /// Swap in MiB.
    pub swap: Option<u64>,
    /// Its first network card.
    pub card: Option<ContainerCard>,
    /// Name servers.
    pub nameservers: Vec<IpAddr>,
    /// Search domain.
    pub search_domain: Option<String>,
    /// Whether it starts with its node.
    pub on_boot: Option<bool>,
    /// Whether it is protected from being destroyed.
    pub protection: Option<bool>,
    /// The command that it runs instead of an init, words separated by spaces (PVE 9.1).
    pub entrypoint: Option<String>,
    /// Its whole environment, in place of the one that it has (PVE 9.1). No value may hold a control
    /// character.
    pub env: Option<BTreeMap<String, String>>,
    /// Options that go back to their defaults; only in a change.
    pub delete: Vec<String>,
    /// The digest of the configuration that this is about; only in a change.
    pub digest: Option<String>,
}

/// A network card, called `eth0` within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerCard {
    /// Its hardware address, which is drawn anew where none is given.
    pub mac: Option<String>,
    /// Where it is plugged in.
    pub plug: Plug,
    /// Its address; by DHCP where none is given.
    pub addressing: Option<Addressing>,
    /// Whether the node sets up its network, for an image that has no program for that (PVE 9.1).
    pub host_managed: bool,
}

impl ContainerCard {
    fn property(&self) -> String {
        let mut text = format!("name=eth0,{}", self.plug.property());
        if let Some(mac) = &self.mac {
            text.push_str(",hwaddr=");
            text.push_str(mac);
        }
        text.push(',');
        match &self.addressing {
            Some(addressing) => text.push_str(&addressing.property()),
            None => text.push_str("ip=dhcp"),
        }
        if self.host_managed {
            text.push_str(",host-managed=1");
        }
        text
    }
}

/// A container that is to be made from a template, or from an image of a registry (PVE 9.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContainer {
    /// Its id.
    pub id: u32,
    /// The volume that it is made from: `local:vztmpl/debian-13.tar.zst`.
    pub template: String,
    /// The storage of its root.
    pub storage: String,
    /// The size of its root in GiB.
    pub size: u64,
    /// Whether its root is not the node's.
    pub unprivileged: bool,
    /// Whether it may run containers itself.
    pub nesting: bool,
    /// The pool that it is put into.
    pub pool: Option<String>,
    /// Public keys that may log in as root, one to a line.
    pub ssh_keys: Option<String>,
    /// The rest. An image's own entrypoint and environment win over these: set them once it is there.
    pub settings: ContainerSettings,
}

/// Makes a container: a task.
pub fn create(node: &str, new: &NewContainer) -> ApiRequest {
    let request = ApiRequest::post(format!("/nodes/{node}/lxc"))
        .with("vmid", new.id)
        .with("ostemplate", &new.template)
        .with("rootfs", format!("{}:{}", new.storage, new.size))
        .switch("unprivileged", new.unprivileged)
        .maybe("features", new.nesting.then_some("nesting=1"))
        .maybe("pool", new.pool.as_ref())
        .maybe("ssh-public-keys", new.ssh_keys.as_ref());
    set(request, &new.settings)
}

/// Changes the configuration at once.
pub fn configure(guest: &GuestRef, settings: &ContainerSettings) -> ApiRequest {
    set(ApiRequest::put(format!("{}/config", guest.path())), settings)
        .maybe("delete", joined(&settings.delete, ","))
        .maybe("digest", settings.digest.as_ref())
}

/// Its network cards with their addresses, while it runs.
pub fn interfaces(guest: &GuestRef) -> ApiRequest {
    ApiRequest::get(format!("{}/interfaces", guest.path()))
}

fn set(request: ApiRequest, settings: &ContainerSettings) -> ApiRequest {
    let flag = |value: Option<bool>| value.map(u8::from);
    let nameservers: Vec<String> = settings.nameservers.iter().map(IpAddr::to_string).collect();
    request
        .maybe("hostname", settings.hostname.as_ref())
        .maybe("description", settings.description.as_ref())
        .maybe("tags", settings.tags.as_ref().map(tags))
        .maybe("cores", settings.cores)
        .maybe("memory", settings.memory)
        .maybe("swap", settings.swap)
        .maybe("net0", settings.card.as_ref().map(ContainerCard::property))
        .maybe("nameserver", joined(&nameservers, " "))
        .maybe("searchdomain", settings.search_domain.as_ref())
        .maybe("onboot", flag(settings.on_boot))
        .maybe("protection", flag(settings.protection))
        .maybe("entrypoint", settings.entrypoint.as_ref())
        .maybe("env", settings.env.as_ref().map(environment))
}

/// Variables as the API wants them: `A=1`, separated by NUL.
fn environment(env: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("\0")
}

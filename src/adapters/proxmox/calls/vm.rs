//! What only virtual machines have.

pub use super::property::{Addressing, Plug};
use super::property::{tags, urlencoded};
use crate::adapters::proxmox::{ApiRequest, GuestRef};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What is to be set; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VmSettings {
    /// Its name, a DNS name.
    pub name: Option<String>,
    /// Its description, at most 8,192 characters.
    pub description: Option<String>,
    /// Its tags: lower-case letters, digits, `_`, `+`, `-` and `.`.
    pub tags: Option<BTreeSet<String>>,
    /// Cores of its one processor.
    pub cores: Option<u32>,
    /// Memory in MiB.
    pub memory: Option<u64>,
    /// Its first network card.
    pub card: Option<VmCard>,
    /// The address of its first card, by cloud-init.
    pub addressing: Option<Addressing>,
    /// Name servers, by cloud-init.
    pub nameservers: Vec<IpAddr>,
    /// Search domain, by cloud-init.
    pub search_domain: Option<String>,
    /// User of the image, by cloud-init.
    pub user: Option<String>,
    /// Public keys that may log in, one to a line, by cloud-init.
    pub ssh_keys: Option<String>,
    /// Whether cloud-init upgrades all packages when it first starts; Proxmox does by default.
    pub upgrade: Option<bool>,
    /// Whether Proxmox talks to the agent in it.
    pub agent: Option<bool>,
    /// Whether it starts with its node.
    pub on_boot: Option<bool>,
    /// Whether it is protected from being destroyed. A copy has inherited it from its template.
    pub protection: Option<bool>,
    /// Options that go back to their defaults.
    pub delete: Vec<String>,
    /// The digest of the configuration that this is about; another one is refused.
    pub digest: Option<String>,
}

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmCard {
    /// Its model: `virtio`.
    pub model: String,
    /// Its hardware address, which is drawn anew where none is given.
    pub mac: Option<String>,
    /// Where it is plugged in.
    pub plug: Plug,
}

impl VmCard {
    fn property(&self) -> String {
        let model = &self.model;
        match &self.mac {
            Some(mac) => format!("{model}={mac},{}", self.plug.property()),
            None => format!("{model},{}", self.plug.property()),
        }
    }
}

/// Changes the configuration: a task, or nothing when it took only a moment.
pub fn configure(guest: &GuestRef, settings: &VmSettings) -> ApiRequest {
    set(ApiRequest::post(format!("{}/config", guest.path())), settings)
}

/// Changes the configuration at once. Not for disks or what is plugged in while it runs.
pub fn configure_now(guest: &GuestRef, settings: &VmSettings) -> ApiRequest {
    set(ApiRequest::put(format!("{}/config", guest.path())), settings)
}

fn set(request: ApiRequest, settings: &VmSettings) -> ApiRequest {
    let flag = |value: Option<bool>| value.map(u8::from);
    let nameservers: Vec<String> = settings.nameservers.iter().map(IpAddr::to_string).collect();
    request
        .maybe("name", settings.name.as_ref())
        .maybe("description", settings.description.as_ref())
        .maybe("tags", settings.tags.as_ref().map(tags))
        .maybe("cores", settings.cores)
        .maybe("memory", settings.memory)
        .maybe("net0", settings.card.as_ref().map(VmCard::property))
        .maybe(
            "ipconfig0",
            settings.addressing.as_ref().map(Addressing::property),
        )
        .maybe("nameserver", joined(&nameservers, " "))
        .maybe("searchdomain", settings.search_domain.as_ref())
        .maybe("ciuser", settings.user.as_ref())
        .maybe(
            "sshkeys",
            settings.ssh_keys.as_ref().map(|keys| urlencoded(keys.trim_end())),
        )
        .maybe("ciupgrade", flag(settings.upgrade))
        .maybe(
            "agent",
            settings.agent.map(|on| format!("enabled={}", u8::from(on))),
        )
        .maybe("onboot", flag(settings.on_boot))
        .maybe("protection", flag(settings.protection))
        .maybe("delete", joined(&settings.delete, ","))
        .maybe("digest", settings.digest.as_ref())
}

pub(super) fn joined(parts: &[String], separator: &str) -> Option<String> {
    (!parts.is_empty()).then(|| parts.join(separator))
}

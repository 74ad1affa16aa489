//! What the target is told about its guests.

use crate::adapters::proxmox::calls::vm::Plug;
use crate::adapters::proxmox::guest::{Addresses, Places, Scope};
use crate::domain::model::{EnvironmentName, Timestamp, UnitId};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// What the target is told by the configuration.
#[derive(Debug, Clone)]
pub struct GuestSettings {
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// The units in their order, each with a guest or two.
    pub units: Vec<UnitId>,
    /// Ids that guests may have.
    pub ids: RangeInclusive<u32>,
    /// The pool that they are put into. With one, a guest outside of it is never touched.
    pub pool: Option<String>,
    /// The node that they are made on.
    pub node: String,
    /// The storage that they are put on.
    pub storage: String,
    /// The environment's network; the guests' addresses are given out by their network where absent.
    pub network: Option<GuestNetwork>,
    /// The port that the service listens on in a guest.
    pub port: u16,
    /// What a guest is.
    pub guest: GuestPlan,
    /// Whether guests are protected from being destroyed by hand: those of production.
    pub protect: bool,
    /// What their names begin with: `acceptance`.
    pub prefix: Option<String>,
    /// When they may be swept away, whatever became of greenroom.
    pub expires: Option<Timestamp>,
    /// The longest that one guest may take to be made or removed.
    pub timeout: Duration,
    /// How many guests are worked on at the same time.
    pub parallelism: usize,
    /// How many of them may be cloned from the template at the same time. Of a container only ever one
    /// is: it is locked for as long.
    pub clones_per_template: usize,
    /// A directory for archives on their way to a storage.
    pub scratch: PathBuf,
}

/// The network of guests.
#[derive(Debug, Clone)]
pub struct GuestNetwork {
    /// Subnet, gateway and addresses that they may have.
    pub addresses: Addresses,
    /// Name servers.
    pub nameservers: Vec<IpAddr>,
    /// Search domain.
    pub search_domain: Option<String>,
}

/// What a guest is.
#[derive(Debug, Clone)]
pub enum GuestPlan {
    /// A virtual machine, cloned from a template.
    Vm(VmPlan),
    /// A container.
    Container(ContainerPlan),
}

/// A virtual machine.
#[derive(Debug, Clone)]
pub struct VmPlan {
    /// Id of the template.
    pub template: u32,
    /// Whether its disks are copied.
    pub full: bool,
    /// Cores.
    pub cores: u32,
    /// Memory in MiB.
    pub memory: u64,
    /// The disk that is grown, and what it grows to in GiB.
    pub disk: Option<(String, u64)>,
    /// The user that cloud-init makes.
    pub user: Option<String>,
    /// Public keys that may log in as this user.
    pub ssh_keys: Vec<String>,
    /// What runs in it; the template's own where absent.
    pub workload: Option<GuestWorkload>,
}

/// What is started in a virtual machine through its agent.
#[derive(Debug, Clone)]
pub enum GuestWorkload {
    /// The release's image, by the guest's own Docker, listening on this port.
    Docker(u16),
    /// A command, word by word. It gets variables and secrets on its standard input, one `NAME=value` to
    /// a line, and has to return. It may be run again.
    Command(Vec<String>),
}

/// A container.
#[derive(Debug, Clone)]
pub struct ContainerPlan {
    /// What it is made of.
    pub source: ContainerSource,
    /// The network that it is plugged into.
    pub plug: Plug,
    /// Cores.
    pub cores: u32,
    /// Memory in MiB.
    pub memory: u64,
    /// Root disk in GiB.
    pub disk: u64,
}

/// What a container is made of.
#[derive(Debug, Clone)]
pub enum ContainerSource {
    /// The release's own image (Proxmox VE 9.1).
    Image {
        /// The storage that its archive lies in.
        storage: String,
        /// Whether the node pulls it by the tag of the release's version, which must point at the
        /// release's digest; otherwise greenroom uploads it by digest.
        pull: bool,
    },
    /// A volume of templates: `local:vztmpl/debian-12.tar.zst`.
    Template(String),
    /// The container with this id.
    Clone(u32),
}

impl GuestSettings {
    /// Whose guests they are.
    pub fn scope(&self) -> Scope {
        Scope {
            ids: self.ids.clone(),
            service: self.service.clone(),
            environment: self.environment.clone(),
            pool: self.pool.clone(),
        }
    }

    /// Where they may stand.
    pub(super) fn places(&self) -> Places {
        Places {
            ids: self.ids.clone(),
            units: u32::try_from(self.units.len()).unwrap_or(u32::MAX),
            addresses: self.network.as_ref().map(|network| network.addresses.clone()),
        }
    }

    /// What is started in a guest through its agent.
    pub(super) fn workload(&self) -> Option<&GuestWorkload> {
        match &self.guest {
            GuestPlan::Vm(vm) => vm.workload.as_ref(),
            GuestPlan::Container(_) => None,
        }
    }
}

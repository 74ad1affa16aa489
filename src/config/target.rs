//! Where an environment runs: the targets that this version performs, resolved.

use super::proxmox::Proxmox;
use super::remote::{Compose, Docker, Ecs, Kubernetes};
use crate::model::{Period, UnitId};
use core::net::SocketAddr;
use serde::Serialize;
use std::path::PathBuf;

/// Where an environment runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetConfig {
    /// Processes on this machine.
    Local(LocalTarget),
    /// Commands of the user's.
    Command(CommandTarget),
    /// Guests of a Proxmox host.
    Proxmox(Box<Proxmox>),
    /// A workload of a Kubernetes cluster.
    Kubernetes(Box<Kubernetes>),
    /// Containers on Docker hosts.
    Docker(Box<Docker>),
    /// A compose stack on hosts.
    Compose(Box<Compose>),
    /// An AWS ECS service.
    Ecs(Box<Ecs>),
}

impl TargetConfig {
    /// The word used in configuration.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Local(_) => "local",
            Self::Command(_) => "command",
            Self::Proxmox(_) => "proxmox",
            Self::Kubernetes(_) => "kubernetes",
            Self::Docker(_) => "docker",
            Self::Compose(_) => "compose",
            Self::Ecs(_) => "ecs",
        }
    }
}

/// Processes on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalTarget {
    /// How many units, 1 to 1000.
    pub instances: u32,
    /// The public address that the built-in router binds; none for a worker.
    pub listen: Option<SocketAddr>,
    /// The variable through which a process is told its port.
    pub port_variable: String,
    /// Where images are unpacked, and the logs and the router's state are kept; in the project's own state
    /// where `None`.
    pub state_directory: Option<PathBuf>,
    /// How long a process may take to stop before it is ended.
    pub stop_timeout: Period,
    /// Replaces the image's entrypoint and command.
    pub command: Option<Vec<String>>,
}

/// Commands of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandTarget {
    /// Puts the release.
    pub deploy: Vec<String>,
    /// Says what runs.
    pub status: Vec<String>,
    /// Puts the previous release back; `deploy` does where absent.
    pub rollback: Option<Vec<String>>,
    /// Removes a release.
    pub remove: Option<Vec<String>>,
    /// The units, at least one.
    pub units: Vec<UnitId>,
    /// Time limit of each command.
    pub timeout: Period,
    /// How many units are worked on at the same time.
    pub parallelism: u32,
}

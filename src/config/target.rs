//! Where an environment runs: the targets that this version performs, resolved.

use super::place::Located;
use super::proxmox::Proxmox;
use super::remote::{Compose, Docker, Ecs, Kubernetes};
use crate::domain::model::{Period, SecretSource, UnitId};
use core::net::SocketAddr;
use serde::Serialize;
use std::path::PathBuf;

/// Where an environment runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetConfig {
    /// Processes on this machine.
    Local(LocalConfig),
    /// Commands of the user's.
    Command(CommandConfig),
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

/// Whose API an environment is run through.
///
/// Take it apart with `let Vendor::Proxmox(…) = vendor` or an exhaustive `match`: both stop compiling when a
/// vendor is added, so that its doctor, its rights and its pools are not forgotten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Vendor<'a> {
    /// A cluster of Proxmox VE.
    Proxmox(&'a Proxmox),
}

/// What the rest of greenroom has to know about a target without knowing the target. Every match here is
/// exhaustive and without a wildcard: whoever adds a variant is led through each question by the compiler.
impl TargetConfig {
    /// Returns the word used in configuration.
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

    /// Returns whether this version deploys to it; the others are only read and checked.
    pub fn is_available(&self) -> bool {
        match self {
            Self::Local(_) | Self::Command(_) | Self::Proxmox(_) => true,
            Self::Kubernetes(_) | Self::Docker(_) | Self::Compose(_) | Self::Ecs(_) => false,
        }
    }

    /// Returns the secrets that its block names, each with its key. Their values are kept out of logs.
    pub fn secrets(&self) -> Vec<(&'static str, &Located<SecretSource>)> {
        match self {
            Self::Proxmox(proxmox) => proxmox
                .token
                .iter()
                .map(|token| ("proxmox.token", token))
                .collect(),
            Self::Local(_)
            | Self::Command(_)
            | Self::Kubernetes(_)
            | Self::Docker(_)
            | Self::Compose(_)
            | Self::Ecs(_) => Vec::new(),
        }
    }

    /// Returns whether a router moves requests from one version to the next.
    pub fn is_routed(&self) -> bool {
        match self {
            Self::Local(local) => local.listen.is_some(),
            Self::Proxmox(proxmox) => proxmox.router.is_some(),
            Self::Command(_) | Self::Kubernetes(_) | Self::Docker(_) | Self::Compose(_) | Self::Ecs(_) => {
                false
            }
        }
    }

    /// Returns whether it can be asked for its health at the environment's `url` alone. A local service is
    /// asked at its own port, so that one without `listen` is a worker that nobody can ask.
    pub fn answers_at_url(&self) -> bool {
        match self {
            Self::Local(_) => false,
            Self::Command(_)
            | Self::Proxmox(_)
            | Self::Kubernetes(_)
            | Self::Docker(_)
            | Self::Compose(_)
            | Self::Ecs(_) => true,
        }
    }

    /// Returns the address that greenroom's own router binds on this machine, where there is one.
    pub fn listens(&self) -> Option<SocketAddr> {
        match self {
            Self::Local(local) => local.listen,
            Self::Command(_)
            | Self::Proxmox(_)
            | Self::Kubernetes(_)
            | Self::Docker(_)
            | Self::Compose(_)
            | Self::Ecs(_) => None,
        }
    }

    /// Returns whether `environment stop` may end what runs there: processes of this machine, and whatever
    /// the user's own commands end.
    pub fn is_stoppable(&self) -> bool {
        match self {
            Self::Local(_) | Self::Command(_) => true,
            Self::Proxmox(_) | Self::Kubernetes(_) | Self::Docker(_) | Self::Compose(_) | Self::Ecs(_) => {
                false
            }
        }
    }

    /// Returns whose API it is run through; `None` where it needs none.
    pub fn vendor(&self) -> Option<Vendor<'_>> {
        match self {
            Self::Proxmox(proxmox) => Some(Vendor::Proxmox(proxmox)),
            Self::Local(_)
            | Self::Command(_)
            | Self::Kubernetes(_)
            | Self::Docker(_)
            | Self::Compose(_)
            | Self::Ecs(_) => None,
        }
    }
}

/// Processes on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalConfig {
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
pub struct CommandConfig {
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

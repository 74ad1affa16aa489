//! What a cluster says about itself, held against what the configuration names.

use super::super::check::DoctorCheck;
use super::reach;
use crate::adapters::proxmox::answers::{Node, Version};
use crate::adapters::proxmox::calls::cluster;
use crate::adapters::proxmox::{Api, Fault, FaultClass};
use crate::app::workspace::Workspace;
use crate::config::environment::{BackupMode, Environment};
use crate::config::proxmox::{Guest, GuestContainer, Proxmox, VirtualMachine};
use crate::config::target::Vendor;
use crate::domain::model::PortError;

/// The oldest version that the client speaks with.
const OLDEST: (u32, u32) = (8, 0);
/// The first version that makes containers from images.
const IMAGES: (u32, u32) = (9, 1);

/// Looks at the cluster of an environment, each of its hosts first.
pub(in crate::app::doctor) fn examine(
    workspace: &Workspace,
    environment: &Environment,
    proxmox: &Proxmox,
) -> Vec<DoctorCheck> {
    let token = match reach::token(workspace, proxmox) {
        Ok(token) => token,
        Err(check) => {
            return vec![
                check,
                DoctorCheck::skipped("cluster", "it cannot be asked without a token"),
            ];
        }
    };
    let (mut checks, api) = reach::hosts(workspace, proxmox, &token);
    match api {
        Some(api) => {
            let service = &workspace.project.service;
            checks.extend(inside(service, environment, &api, &reach::name_of(&token)));
        }
        None => checks.push(DoctorCheck::skipped("cluster", "none of its hosts can be asked")),
    }
    checks
}

/// Looks at what the cluster of an environment says about itself; nothing where that runs elsewhere. `token`
/// is the token's name: `USER@REALM!TOKENID`.
pub fn inside(service: &str, environment: &Environment, api: &Api, token: &str) -> Vec<DoctorCheck> {
    let Some(vendor) = environment.vendor() else {
        return Vec::new();
    };
    let Vendor::Proxmox(proxmox) = vendor;
    let version: Version = match api.ask("asking for the version", &cluster::version()) {
        Ok(version) => version,
        Err(fault) => {
            return vec![
                refused("token", fault, token),
                DoctorCheck::skipped("cluster", "it does not let the token in"),
            ];
        }
    };
    let site = Site {
        service,
        environment,
        proxmox,
        api,
        token,
        version,
    };
    let mut checks = vec![
        DoctorCheck::ok("token", format!("{token} is let in")),
        site.version(),
        site.node(),
    ];
    checks.extend(site.rights());
    checks.extend(site.holdings());
    checks
}

/// What every look inside needs.
pub(super) struct Site<'a> {
    pub(super) service: &'a str,
    pub(super) environment: &'a Environment,
    pub(super) proxmox: &'a Proxmox,
    pub(super) api: &'a Api,
    pub(super) token: &'a str,
    pub(super) version: Version,
}

impl Site<'_> {
    pub(super) fn vm(&self) -> Option<&VirtualMachine> {
        match &self.proxmox.guest {
            Some(Guest::Vm(vm)) => Some(vm),
            Some(Guest::Container(_)) | None => None,
        }
    }

    pub(super) fn container(&self) -> Option<&GuestContainer> {
        match &self.proxmox.guest {
            Some(Guest::Container(container)) => Some(container),
            Some(Guest::Vm(_)) | None => None,
        }
    }

    pub(super) fn backup(&self) -> BackupMode {
        self.environment.deployment.backup
    }

    /// A look that the cluster refused.
    pub(super) fn refused(&self, what: impl Into<String>, fault: Fault) -> DoctorCheck {
        refused(what, fault, self.token)
    }

    fn version(&self) -> DoctorCheck {
        let what = "version";
        let version = &self.version.version;
        let images = self
            .container()
            .is_some_and(|container| container.oci_image.is_some());
        if !self.version.at_least(OLDEST.0, OLDEST.1) {
            return DoctorCheck::access(what, format!("Proxmox VE {version} is older than 8.0"))
                .fix("pve7to8 --full, then upgrade the cluster");
        }
        if images && !self.version.at_least(IMAGES.0, IMAGES.1) {
            return DoctorCheck::access(
                what,
                format!("Proxmox VE {version} makes no containers from images: `ociImage` needs 9.1"),
            )
            .fix("upgrade the cluster, or use `container: { template: … }`");
        }
        DoctorCheck::ok(what, format!("Proxmox VE {version}"))
    }

    fn node(&self) -> DoctorCheck {
        let wanted = &self.proxmox.node;
        let what = format!("node {wanted}");
        let nodes: Vec<Node> = match self.api.ask("listing the nodes", &cluster::nodes()) {
            Ok(nodes) => nodes,
            Err(fault) => return self.refused(what, fault),
        };
        match nodes.iter().find(|node| node.node == *wanted) {
            Some(node) if node.status.as_deref() == Some("online") => DoctorCheck::ok(what, "online"),
            Some(node) => {
                let status = node.status.as_deref().unwrap_or("unknown");
                DoctorCheck::access(what, format!("it is {status}"))
                    .fix(format!("ssh root@{wanted} pvecm status"))
            }
            None => {
                let names: Vec<&str> = nodes.iter().map(|node| node.node.as_str()).collect();
                DoctorCheck::setup(
                    what,
                    format!("the cluster has none of this name, but {}", names.join(", ")),
                )
                .fix(format!("write `node: {}`", names.first().unwrap_or(&"NODE")))
            }
        }
    }
}

/// A look that the cluster refused.
fn refused(what: impl Into<String>, fault: Fault, token: &str) -> DoctorCheck {
    let class = fault.class.clone();
    let check = DoctorCheck::access(what, PortError::from(fault).to_string());
    let (user, id) = token.split_once('!').unwrap_or((token, "ID"));
    match class {
        FaultClass::Unauthenticated => check
            .fix(format!("pveum user token list {user}"))
            .fix(format!("pveum user token add {user} {id} --privsep 1")),
        FaultClass::Denied { path, privilege } if !privilege.is_empty() => check.fix(format!(
            "pveum acl modify {path} --users {user} --tokens '{token}' --roles ROLE   # a role with {privilege}"
        )),
        _ => check,
    }
}

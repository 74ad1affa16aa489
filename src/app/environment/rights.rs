//! What an environment's token may do in its Proxmox cluster, and no more: what `docs/proxmox.md` explains.

use crate::config::environment::{Backup, Environment};
use crate::config::proxmox::{Guest, Proxmox};
use crate::config::target::TargetConfig;

/// The role for guests. `VM.GuestAgent.*` is `VM.Monitor` on Proxmox VE 8.
const DEPLOY: &str = "GreenroomDeploy";
const DEPLOY_PRIVILEGES: &str = "Pool.Audit VM.Audit VM.Allocate VM.Clone VM.Config.CPU VM.Config.Memory \
    VM.Config.Disk VM.Config.Network VM.Config.Cloudinit VM.Config.CDROM VM.Config.HWType VM.Config.Options \
    VM.PowerMgmt VM.Snapshot VM.Snapshot.Rollback VM.Backup VM.GuestAgent.Audit VM.GuestAgent.Unrestricted";
/// The role for the storage that images are uploaded to.
const IMAGES: &str = "GreenroomImages";
const IMAGES_PRIVILEGES: &str = "Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit";
/// The role for a node that pulls images.
const PULL: &str = "GreenroomPull";
const PULL_PRIVILEGES: &str = "Sys.AccessNetwork";
/// Whose token it is.
const USER: &str = "greenroom@pve";

/// Pool, roles, user, token and grants of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The pool that its guests are in.
    pub pool: String,
    /// Roles, with their privileges, separated by blanks.
    pub roles: Vec<(&'static str, &'static str)>,
    /// The user.
    pub user: String,
    /// Id of the token, which is the user's.
    pub token: String,
    /// Paths, and the role that user and token have there.
    pub grants: Vec<(String, &'static str)>,
}

impl Rights {
    /// What this environment needs; `None` where it does not run on Proxmox.
    pub fn of(environment: &Environment) -> Option<Self> {
        let Some(TargetConfig::Proxmox(proxmox)) = &environment.target else {
            return None;
        };
        let name = &environment.name.value;
        let pool = match &proxmox.pool {
            Some(pool) => pool.value.clone(),
            None => format!("greenroom-{name}"),
        };
        let mut rights = Self {
            roles: vec![(DEPLOY, DEPLOY_PRIVILEGES)],
            user: USER.to_owned(),
            token: name.to_string(),
            grants: vec![(format!("/pool/{pool}"), DEPLOY)],
            pool,
        };
        rights.storage(&proxmox.storage);
        if environment.deployment.backup == Backup::Full {
            rights.storage(proxmox.backup_storage.as_ref().unwrap_or(&proxmox.storage));
        }
        rights.guest(proxmox);
        Some(rights)
    }

    fn storage(&mut self, storage: &str) {
        self.grant(format!("/storage/{storage}"), "PVEDatastoreUser");
    }

    fn grant(&mut self, path: String, role: &'static str) {
        let grant = (path, role);
        if !self.grants.contains(&grant) {
            self.grants.push(grant);
        }
    }

    fn guest(&mut self, proxmox: &Proxmox) {
        // A clone has the network of its template, whatever that is.
        let mut network = "/sdn/zones/localnetwork".to_owned();
        match &proxmox.guest {
            Some(Guest::Vm(vm)) => self.grant(format!("/vms/{}", vm.template), "PVETemplateUser"),
            Some(Guest::Container(container)) => {
                if let Some(source) = container.clone {
                    self.grant(format!("/vms/{source}"), "PVETemplateUser");
                } else {
                    network = format!("{network}/{}", proxmox.bridge);
                    network += &proxmox.vlan.map_or(String::new(), |vlan| format!("/{vlan}"));
                }
                if let Some((storage, _)) = container
                    .template
                    .as_ref()
                    .and_then(|volume| volume.split_once(':'))
                {
                    self.storage(storage);
                }
                if let Some(image) = &container.oci_image {
                    self.roles.push((IMAGES, IMAGES_PRIVILEGES));
                    self.grant(format!("/storage/{}", image.storage), IMAGES);
                    if image.pull {
                        self.roles.push((PULL, PULL_PRIVILEGES));
                        self.grant(format!("/nodes/{}", proxmox.node), PULL);
                    }
                }
            }
            None => {}
        }
        self.grant(network, "PVESDNUser");
    }

    /// The commands that an administrator runs on a node, word by word. Those that add what is there fail
    /// without harm.
    pub fn commands(&self) -> Vec<Vec<String>> {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<String>>()
        };
        let mut commands: Vec<Vec<String>> = self
            .roles
            .iter()
            .map(|(role, privileges)| words(&["pveum", "role", "add", role, "--privs", privileges]))
            .collect();
        commands.push(words(&["pveum", "pool", "add", &self.pool]));
        commands.push(words(&["pveum", "user", "add", &self.user]));
        let token = format!("{}!{}", self.user, self.token);
        commands.push(words(&[
            "pveum",
            "user",
            "token",
            "add",
            &self.user,
            &self.token,
            "--privsep",
            "1",
        ]));
        // The token has what both it and its user may do.
        for (kind, who) in [("--users", &self.user), ("--tokens", &token)] {
            commands.extend(
                self.grants
                    .iter()
                    .map(|(path, role)| words(&["pveum", "acl", "modify", path, kind, who, "--roles", role])),
            );
        }
        commands
    }
}

//! Which privileges a token needs where (PVE 8 and 9), and which of them it lacks. Pure.

use super::answers::{Permissions, Version};
use super::guest::GuestKind;
use std::collections::{BTreeMap, BTreeSet};

/// What greenroom is to do with a cluster.
#[derive(Debug, Clone)]
pub struct Work {
    /// Kind of the guests.
    pub kind: GuestKind,
    /// The pool that they are put into; without one they may be anywhere.
    pub pool: Option<String>,
    /// The node that they are made on.
    pub node: String,
    /// The storage of their disks.
    pub storage: String,
    /// The guest that they are cloned from.
    pub template: Option<u32>,
    /// The storage of the archive that they are made from, and whether archives are uploaded to it.
    pub archives: Option<(String, bool)>,
    /// Whether the node fetches images itself.
    pub pulls: bool,
    /// The bridge of their network, and the VLAN on it.
    pub bridge: Option<(String, Option<u16>)>,
    /// Whether something is started in them through the agent.
    pub agent: bool,
    /// Whether snapshots are taken of them.
    pub snapshots: bool,
    /// The storage that they are backed up to.
    pub backups: Option<String>,
}

/// Privileges on one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The path: `/pool/staging`.
    pub path: String,
    /// All of them are needed.
    pub privileges: BTreeSet<&'static str>,
    /// A role that holds them, Proxmox's own where there is one.
    pub role: &'static str,
    /// Whether that role is Proxmox's own.
    pub builtin: bool,
    /// What for: "to make, change and remove guests".
    pub purpose: &'static str,
}

/// What every guest needs, whatever its kind.
const GUESTS: &[&str] = &[
    "VM.Allocate",
    "VM.Audit",
    "VM.Config.CPU",
    "VM.Config.Disk",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.PowerMgmt",
];
/// What virtual machines need besides.
const MACHINES: &[&str] = &["VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Config.HWType"];

/// Begins the privileges of the guest agent.
const AGENT: &str = "VM.GuestAgent.";
/// Holds all others of them.
const UNRESTRICTED: &str = "VM.GuestAgent.Unrestricted";

/// Everything that is needed for `work` on a cluster of this version, one entry for each path and role.
pub fn needs(work: &Work, version: &Version) -> Vec<Need> {
    let mut needs = vec![guests(work, version)];
    let mut need = |path: String, privileges: &[&'static str], role, builtin, purpose| {
        needs.push(Need {
            path,
            privileges: privileges.iter().copied().collect(),
            role,
            builtin,
            purpose,
        });
    };
    if let Some(template) = work.template {
        let privileges = ["VM.Clone", "VM.Audit"];
        let path = format!("/vms/{template}");
        need(
            path,
            &privileges,
            "PVETemplateUser",
            true,
            "to clone the template",
        );
    }
    let space = ["Datastore.AllocateSpace", "Datastore.Audit"];
    let disks = format!("/storage/{}", work.storage);
    need(disks, &space, "PVEDatastoreUser", true, "to put disks there");
    if let Some((storage, uploads)) = &work.archives {
        let path = format!("/storage/{storage}");
        if *uploads || work.pulls {
            let privileges = [
                "Datastore.AllocateSpace",
                "Datastore.AllocateTemplate",
                "Datastore.Audit",
            ];
            let purpose = "to put images there as archives";
            need(path, &privileges, "GreenroomArchives", false, purpose);
        } else {
            let purpose = "to make containers from the template there";
            need(path, &space, "PVEDatastoreUser", true, purpose);
        }
    }
    if let Some(storage) = work.backups.as_ref().filter(|storage| **storage != work.storage) {
        let path = format!("/storage/{storage}");
        need(path, &space, "PVEDatastoreUser", true, "to put backups there");
    }
    if work.pulls {
        let path = format!("/nodes/{}", work.node);
        let purpose = "to let the node fetch images";
        need(path, &["Sys.AccessNetwork"], "GreenroomPull", false, purpose);
    }
    if let Some((bridge, vlan)) = &work.bridge {
        let vlan = vlan.map_or(String::new(), |vlan| format!("/{vlan}"));
        let path = format!("/sdn/zones/localnetwork/{bridge}{vlan}");
        need(
            path,
            &["SDN.Use"],
            "PVESDNUser",
            true,
            "to connect guests to the bridge",
        );
    }
    needs
}

fn guests(work: &Work, version: &Version) -> Need {
    let mut privileges: BTreeSet<&'static str> = GUESTS.iter().copied().collect();
    let mut add = |more: &[&'static str]| privileges.extend(more);
    if work.kind == GuestKind::Vm {
        add(MACHINES);
    }
    if work.pool.is_some() {
        add(&["Pool.Audit"]);
    }
    if work.agent && version.at_least(9, 0) {
        add(&["VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"]);
    } else if work.agent {
        add(&["VM.Monitor"]);
    }
    if work.snapshots {
        add(&["VM.Snapshot", "VM.Snapshot.Rollback"]);
    }
    if work.backups.is_some() {
        add(&["VM.Backup"]);
    }
    Need {
        path: match &work.pool {
            Some(pool) => format!("/pool/{pool}"),
            None => "/vms".to_owned(),
        },
        privileges,
        role: "GreenroomDeploy",
        builtin: false,
        purpose: "to make, change and remove guests",
    }
}

/// What of `need` a token lacks that has `granted` on the need's path.
pub fn lacking(need: &Need, granted: &Permissions) -> BTreeSet<&'static str> {
    let empty = BTreeMap::new();
    let held = granted.get(&need.path).unwrap_or(&empty);
    let mut lacking = need.privileges.clone();
    // Whoever may run anything through the agent may ask it, too.
    let agent = held.contains_key(UNRESTRICTED);
    // A privilege is held by being named; its value says whether it holds below, too.
    lacking.retain(|name| !(held.contains_key(*name) || (agent && name.starts_with(AGENT))));
    lacking
}

/// The commands that give `token` (`USER@REALM!TOKENID`) what it needs. Its user needs the same: with
/// privilege separation, a token has what both have.
pub fn grant(need: &Need, token: &str) -> Vec<String> {
    let user = token.split('!').next().unwrap_or(token);
    let mut commands = Vec::new();
    if !need.builtin {
        let names: Vec<&str> = need.privileges.iter().copied().collect();
        let (role, names) = (need.role, names.join(" "));
        commands.push(format!(
            "pveum role modify {role} --append 1 --privs '{names}' || pveum role add {role} --privs '{names}'"
        ));
    }
    commands.push(format!(
        "pveum acl modify {} --users {user} --tokens '{token}' --roles {}",
        need.path, need.role
    ));
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn version(text: &str) -> Version {
        Version {
            version: text.to_owned(),
            release: String::new(),
        }
    }

    fn work() -> Work {
        Work {
            kind: GuestKind::Vm,
            pool: Some("staging".to_owned()),
            node: "pve1".to_owned(),
            storage: "local-zfs".to_owned(),
            template: Some(9000),
            archives: None,
            pulls: false,
            bridge: Some(("vmbr0".to_owned(), Some(12))),
            agent: true,
            snapshots: false,
            backups: None,
        }
    }

    fn paths(work: &Work) -> Vec<String> {
        let needs = needs(work, &version("9.1.4"));
        needs.into_iter().map(|need| need.path).collect()
    }

    #[test]
    fn each_part_of_the_work_needs_its_privileges_and_no_more() {
        assert_eq!(
            paths(&work()),
            [
                "/pool/staging",
                "/vms/9000",
                "/storage/local-zfs",
                "/sdn/zones/localnetwork/vmbr0/12"
            ]
        );
        let container = Work {
            kind: GuestKind::Container,
            pool: None,
            template: None,
            archives: Some(("local".to_owned(), true)),
            pulls: true,
            bridge: Some(("vmbr1".to_owned(), None)),
            agent: false,
            backups: Some("pbs".to_owned()),
            ..work()
        };
        assert_eq!(
            paths(&container),
            [
                "/vms",
                "/storage/local-zfs",
                "/storage/local",
                "/storage/pbs",
                "/nodes/pve1",
                "/sdn/zones/localnetwork/vmbr1"
            ]
        );
        let of_guests = |work: &Work, release: &str| guests(work, &version(release)).privileges;
        assert!(of_guests(&container, "9.1").contains("VM.Backup"));
        assert!(!of_guests(&container, "9.1").contains("VM.Config.Cloudinit"));
        assert!(of_guests(&work(), "9.1").contains("VM.GuestAgent.Unrestricted"));
        assert!(of_guests(&work(), "8.4").contains("VM.Monitor"));
        assert!(!of_guests(&work(), "8.4").contains("VM.GuestAgent.Audit"));
    }

    #[test]
    fn what_is_lacking_is_given_to_the_token_and_its_user() {
        let need = guests(&work(), &version("9.1"));
        let mut held: serde_json::Map<String, serde_json::Value> = need
            .privileges
            .iter()
            .map(|name| ((*name).to_owned(), json!(0)))
            .collect();
        held.remove("VM.PowerMgmt");
        let granted: Permissions = serde_json::from_value(json!({ "/pool/staging": held })).unwrap();
        let lacks = lacking(&need, &granted);
        assert_eq!(lacks.into_iter().collect::<Vec<_>>(), ["VM.PowerMgmt"]);
        let elsewhere: Permissions = serde_json::from_value(json!({ "/pool/other": held })).unwrap();
        assert_eq!(lacking(&need, &elsewhere), need.privileges);
        let commands = grant(&need, "ci@pve!greenroom");
        assert!(
            commands[0]
                .contains("pveum role modify GreenroomDeploy --append 1 --privs 'Pool.Audit VM.Allocate")
        );
        assert_eq!(
            commands[1],
            "pveum acl modify /pool/staging --users ci@pve --tokens 'ci@pve!greenroom' --roles GreenroomDeploy"
        );
    }
}

//! Which privileges a token needs, and no more.
//!
//! Proxmox checks a token against its own rights *and* those of its user, so that both need them. Rights on
//! a single guest end with the guest; those on a pool stay, and hold for every guest that is put into it.

use super::answers::Flag;
use super::guest::GuestKind;
use std::collections::{BTreeMap, BTreeSet};

/// What an environment does with the cluster, as far as rights go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs<'a> {
    /// Major version of Proxmox: privileges of the guest agent are others before 9.
    pub major: u32,
    /// What its guests are.
    pub kind: GuestKind,
    /// The pool of its guests; without one it needs rights on all guests of the cluster.
    pub pool: Option<&'a str>,
    /// The template that they are copied from.
    pub template: Option<u32>,
    /// The storage of their disks.
    pub storage: &'a str,
    /// The storage of their backups.
    pub backup_storage: Option<&'a str>,
    /// The storage that images are put into.
    pub image_storage: Option<&'a str>,
    /// The node that fetches images itself.
    pub pulls_on: Option<&'a str>,
    /// The bridge that they are plugged into.
    pub bridge: &'a str,
    /// VLAN on it.
    pub vlan: Option<u16>,
    /// Whether commands run in them through the agent.
    pub exec: bool,
}

/// Privileges on one path, and what they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Where: `/pool/staging`.
    pub path: String,
    /// The role that gives them; a built-in one where there is one that gives no more.
    pub role: &'static str,
    /// The privileges.
    pub privileges: BTreeSet<&'static str>,
    /// What for, for people: "to make, change and destroy the guests of the environment".
    pub why: &'static str,
}

/// Roles that Proxmox brings along.
const BUILT_IN: &[&str] = &["PVETemplateUser", "PVESDNUser"];

/// For every guest.
const GUESTS: &[&str] = &[
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CPU",
    "VM.Config.Disk",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.PowerMgmt",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
];
/// For virtual machines besides.
const MACHINES: &[&str] = &["VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Config.HWType"];

/// The privileges that an environment needs, path by path.
pub fn needs(environment: &Needs<'_>) -> Vec<Need> {
    let need = |path: String, role, privileges: &[&'static str], why| Need {
        path,
        role,
        privileges: privileges.iter().copied().collect(),
        why,
    };
    let mut all = vec![guests(environment)];
    if let Some(template) = environment.template {
        all.push(need(
            format!("/vms/{template}"),
            "PVETemplateUser",
            &["VM.Audit", "VM.Clone"],
            "to copy the template",
        ));
    }
    let mut storages = BTreeMap::<&str, BTreeSet<&'static str>>::new();
    let space = ["Datastore.AllocateSpace", "Datastore.Audit"];
    storages.entry(environment.storage).or_default().extend(space);
    if let Some(backups) = environment.backup_storage {
        storages.entry(backups).or_default().extend(space);
    }
    if let Some(images) = environment.image_storage {
        let images = storages.entry(images).or_default();
        images.extend(["Datastore.AllocateTemplate", "Datastore.Audit"]);
    }
    for (storage, privileges) in storages {
        let takes_images = privileges.contains("Datastore.AllocateTemplate");
        all.push(Need {
            path: format!("/storage/{storage}"),
            role: match (takes_images, privileges.contains("Datastore.AllocateSpace")) {
                (true, true) => "GreenroomStorageAndImages",
                (true, false) => "GreenroomImages",
                (false, _) => "GreenroomStorage",
            },
            privileges,
            why: "to keep disks, backups and images",
        });
    }
    if let Some(node) = environment.pulls_on {
        let why = "to let the node fetch images from their registry";
        all.push(need(
            format!("/nodes/{node}"),
            "GreenroomPull",
            &["Sys.AccessNetwork"],
            why,
        ));
    }
    let vlan = environment
        .vlan
        .map(|vlan| format!("/{vlan}"))
        .unwrap_or_default();
    all.push(need(
        format!("/sdn/zones/localnetwork/{}{vlan}", environment.bridge),
        "PVESDNUser",
        &["SDN.Audit", "SDN.Use"],
        "to plug guests into the network",
    ));
    all
}

fn guests(environment: &Needs<'_>) -> Need {
    let mut privileges: BTreeSet<&'static str> = GUESTS.iter().copied().collect();
    if environment.pool.is_some() {
        privileges.insert("Pool.Audit");
    }
    if environment.kind == GuestKind::Vm {
        privileges.extend(MACHINES);
        // Until PVE 8 one privilege was for everything that the monitor and the agent do.
        privileges.insert(match (environment.major >= 9, environment.exec) {
            (false, _) => "VM.Monitor",
            (true, false) => "VM.GuestAgent.Audit",
            (true, true) => "VM.GuestAgent.Unrestricted",
        });
    }
    Need {
        path: environment
            .pool
            .map_or_else(|| "/vms".to_owned(), |pool| format!("/pool/{pool}")),
        role: "GreenroomDeploy",
        privileges,
        why: "to make, change, back up and destroy the environment's guests",
    }
}

/// What is missing of a need, where the token may do this on the need's own path (which is what
/// `calls::cluster::permissions(Some(path))` answers with).
pub fn missing(need: &Need, granted: Option<&BTreeMap<String, Flag>>) -> BTreeSet<&'static str> {
    let is_granted = |name: &&'static str| granted.is_some_and(|granted| granted.contains_key(*name));
    // Whoever may run anything through the agent may ask it, too.
    let unrestricted = is_granted(&"VM.GuestAgent.Unrestricted");
    let lacks =
        |name: &&'static str| !(is_granted(name) || (unrestricted && name.starts_with("VM.GuestAgent.")));
    need.privileges
        .iter()
        .copied()
        .filter(|name| lacks(name))
        .collect()
}

/// The commands that give these privileges to a token `USER@REALM!TOKENID` and to its user, for root on a
/// node. Roles that are there already make `role add` fail; `role modify` does then what is needed.
pub fn commands(needs: &[Need], token: &str) -> Vec<String> {
    let user = token.split('!').next().unwrap_or(token);
    let mut roles = BTreeMap::<&str, BTreeSet<&str>>::new();
    for need in needs.iter().filter(|need| !BUILT_IN.contains(&need.role)) {
        roles.entry(need.role).or_default().extend(&need.privileges);
    }
    let mut commands: Vec<String> = roles
        .into_iter()
        .map(|(role, privileges)| {
            let privileges: Vec<&str> = privileges.into_iter().collect();
            format!("pveum role add {role} --privs '{}'", privileges.join(" "))
        })
        .collect();
    for need in needs {
        let Need { path, role, .. } = need;
        commands.push(format!("pveum acl modify {path} --users '{user}' --roles {role}"));
        commands.push(format!(
            "pveum acl modify {path} --tokens '{token}' --roles {role}"
        ));
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Needs<'static> {
        Needs {
            major: 9,
            kind: GuestKind::Vm,
            pool: Some("staging"),
            template: Some(9000),
            storage: "local-zfs",
            backup_storage: Some("local"),
            image_storage: None,
            pulls_on: None,
            bridge: "vmbr0",
            vlan: Some(12),
            exec: false,
        }
    }

    fn paths(all: &[Need]) -> Vec<&str> {
        all.iter().map(|need| need.path.as_str()).collect()
    }

    #[test]
    fn each_path_needs_what_is_done_there_and_no_more() {
        let all = needs(&environment());
        let bridge = "/sdn/zones/localnetwork/vmbr0/12";
        let expected = [
            "/pool/staging",
            "/vms/9000",
            "/storage/local",
            "/storage/local-zfs",
            bridge,
        ];
        assert_eq!(paths(&all), expected);
        assert!(all[0].privileges.contains("VM.GuestAgent.Audit"));
        let too_much = [
            "Sys.Modify",
            "Sys.Audit",
            "Permissions.Modify",
            "Datastore.Allocate",
        ];
        assert!(
            all.iter()
                .all(|need| too_much.iter().all(|name| !need.privileges.contains(name)))
        );
        let container = needs(&Needs {
            kind: GuestKind::Container,
            pool: None,
            template: None,
            image_storage: Some("local"),
            pulls_on: Some("pve1"),
            vlan: None,
            ..environment()
        });
        let bridge = "/sdn/zones/localnetwork/vmbr0";
        let expected = [
            "/vms",
            "/storage/local",
            "/storage/local-zfs",
            "/nodes/pve1",
            bridge,
        ];
        assert_eq!(paths(&container), expected);
        assert!(!container[0].privileges.contains("VM.Config.Cloudinit"));
        assert!(container[1].privileges.contains("Datastore.AllocateTemplate"));
    }

    #[test]
    fn the_agents_privileges_are_those_of_the_version() {
        let of = |major, exec| {
            let all = needs(&Needs {
                major,
                exec,
                ..environment()
            });
            let agent = all[0]
                .privileges
                .iter()
                .filter(|name| name.contains("Agent") || name.contains("Monitor"));
            agent.copied().collect::<Vec<_>>()
        };
        assert_eq!(of(8, true), ["VM.Monitor"]);
        assert_eq!(of(9, false), ["VM.GuestAgent.Audit"]);
        assert_eq!(of(9, true), ["VM.GuestAgent.Unrestricted"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let need = &needs(&environment())[1];
        assert_eq!(missing(need, None).len(), 2);
        let granted = BTreeMap::from([("VM.Clone".to_owned(), Flag(false))]);
        assert_eq!(missing(need, Some(&granted)), BTreeSet::from(["VM.Audit"]));
        let all = needs(&environment());
        let mut granted: BTreeMap<String, Flag> = all[0]
            .privileges
            .iter()
            .map(|name| ((*name).to_owned(), Flag(true)))
            .collect();
        granted.remove("VM.GuestAgent.Audit");
        assert_eq!(missing(&all[0], Some(&granted)).len(), 1);
        granted.insert("VM.GuestAgent.Unrestricted".to_owned(), Flag(true));
        assert_eq!(missing(&all[0], Some(&granted)), BTreeSet::new());
    }

    #[test]
    fn the_commands_are_for_the_user_and_for_the_token() {
        let commands = commands(&needs(&environment()), "ci@pve!greenroom");
        assert!(
            commands[0].starts_with("pveum role add GreenroomDeploy --privs 'Pool.Audit VM.Allocate "),
            "{commands:?}"
        );
        assert_eq!(
            commands.iter().filter(|line| line.contains("role add")).count(),
            2
        );
        let acl = "pveum acl modify /pool/staging";
        assert!(commands.contains(&format!("{acl} --users 'ci@pve' --roles GreenroomDeploy")));
        assert!(commands.contains(&format!(
            "{acl} --tokens 'ci@pve!greenroom' --roles GreenroomDeploy"
        )));
    }
}

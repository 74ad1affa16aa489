//! Who may do what.

use super::refusal::FakeRefusal;
use super::state::State;
use crate::adapters::proxmox::ApiRequest;
use std::collections::{BTreeMap, BTreeSet};

/// Privileges on a path and everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) path: String,
    pub(super) privileges: BTreeSet<String>,
}

impl State {
    /// Whether the user has a privilege. One who was granted nothing in particular may do everything.
    pub(super) fn may(&self, path: &str, privilege: &str) -> bool {
        let Some(grants) = self.rights.get(&self.user) else {
            return true;
        };
        let pool = path.strip_prefix("/vms/").and_then(|id| {
            let guest = self.guests.get(&id.parse().ok()?)?;
            guest.pool.as_ref().map(|pool| format!("/pool/{pool}"))
        });
        let paths = [Some(path.to_owned()), pool];
        grants.iter().any(|grant| {
            grant.privileges.contains(privilege)
                && paths.iter().flatten().any(|path| {
                    grant.path == "/"
                        || path == &grant.path
                        || path
                            .strip_prefix(&grant.path)
                            .is_some_and(|rest| rest.starts_with('/'))
                })
        })
    }

    /// Refuses unless the user has one of these privileges (separated by `|`).
    pub(super) fn need(&self, path: &str, privileges: &str) -> Result<(), FakeRefusal> {
        if privileges.split('|').any(|privilege| self.may(path, privilege)) {
            return Ok(());
        }
        Err(FakeRefusal::new(
            403,
            format!("Permission check failed ({path}, {privileges})"),
        ))
    }

    /// Refuses unless the user may make a guest with this id, or in the pool of the request.
    pub(super) fn need_place(&self, id: u32, request: &ApiRequest) -> Result<(), FakeRefusal> {
        let pool = request.param("pool");
        if let Some(pool) = pool {
            if !self.pools.contains_key(pool) {
                return Err(FakeRefusal::new(403, format!("pool '{pool}' does not exist")));
            }
            if self.may(&format!("/pool/{pool}"), "VM.Allocate") {
                return Ok(());
            }
        }
        self.need(&format!("/vms/{id}"), "VM.Allocate")
    }

    /// Refuses unless the user may plug a guest into the bridge of a card, with its VLAN.
    pub(super) fn need_bridge(&self, card: &str) -> Result<(), FakeRefusal> {
        let part = |name: &str| {
            card.split(',')
                .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let Some(bridge) = part("bridge") else {
            return Ok(());
        };
        let vlan = part("tag").map(|vlan| format!("/{vlan}")).unwrap_or_default();
        self.need(&format!("/sdn/zones/localnetwork/{bridge}{vlan}"), "SDN.Use")
    }

    /// What the user may do, by path.
    pub(super) fn permissions(&self, path: Option<&str>) -> BTreeMap<String, BTreeMap<String, u8>> {
        let everything = [Grant {
            path: "/".to_owned(),
            privileges: EVERYTHING.iter().map(|name| (*name).to_owned()).collect(),
        }];
        let grants = self.rights.get(&self.user).map_or(&everything[..], Vec::as_slice);
        let mut shown = BTreeMap::<String, BTreeMap<String, u8>>::new();
        let mut paths: BTreeSet<String> = grants.iter().map(|grant| grant.path.clone()).collect();
        if let Some(path) = path {
            paths = BTreeSet::from([path.to_owned()]);
        }
        for path in paths {
            let names = EVERYTHING.iter().filter(|name| self.may(&path, name));
            let names: BTreeMap<String, u8> = names.map(|name| ((*name).to_owned(), 1)).collect();
            shown.insert(path, names);
        }
        shown
    }
}

/// The privileges of PVE 9 that greenroom can need, and a few that it must not.
const EVERYTHING: &[&str] = &[
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Pool.Allocate",
    "Pool.Audit",
    "SDN.Audit",
    "SDN.Use",
    "Sys.AccessNetwork",
    "Sys.Audit",
    "Sys.Modify",
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
    "VM.PowerMgmt",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
];

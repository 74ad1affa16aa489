//! What the token may do, path by path.

use super::super::check::Check;
use super::Site;
use crate::config::environment::Backup;
use crate::proxmox::GuestKind;
use crate::proxmox::answers::Permissions;
use crate::proxmox::calls::cluster;
use crate::proxmox::{Need, Needs, commands, missing, needs};

impl Site<'_> {
    /// One check for each path on which something is needed.
    pub(super) fn rights(&self) -> Vec<Check> {
        let bridge = self.bridge();
        let needs = needs(&self.needs(&bridge));
        needs.iter().map(|need| self.right(need)).collect()
    }

    fn right(&self, need: &Need) -> Check {
        let what = format!("rights on {}", need.path);
        let asked: Result<Permissions, _> = self.api.ask(
            "asking for the token's rights",
            &cluster::permissions(Some(&need.path)),
        );
        let granted = match asked {
            Ok(granted) => granted,
            Err(fault) => return self.refused(what, fault),
        };
        let lacking = missing(need, granted.get(&need.path));
        if lacking.is_empty() {
            return Check::ok(what, format!("enough {}", need.why));
        }
        let lacking: Vec<&str> = lacking.into_iter().collect();
        let check = Check::access(
            what,
            format!(
                "{} lacks {}, which it needs {}; with privilege separation, its user needs it as well",
                self.token,
                lacking.join(", "),
                need.why
            ),
        );
        commands(std::slice::from_ref(need), self.token)
            .into_iter()
            .fold(check, Check::fix)
    }

    /// What the configuration wants to be done with the cluster.
    fn needs<'a>(&'a self, bridge: &'a str) -> Needs<'a> {
        let proxmox = self.proxmox;
        let (vm, container) = (self.vm(), self.container());
        let image = container.and_then(|container| container.oci_image.as_ref());
        let backups = proxmox.backup_storage.as_ref().unwrap_or(&proxmox.storage);
        Needs {
            major: if self.version.at_least(9, 0) { 9 } else { 8 },
            kind: if container.is_some() {
                GuestKind::Container
            } else {
                GuestKind::Vm
            },
            pool: proxmox.pool.as_ref().map(|pool| pool.value.as_str()),
            template: vm
                .map(|vm| vm.template)
                .or_else(|| container.and_then(|container| container.clone)),
            storage: &proxmox.storage,
            backup_storage: (self.backup() == Backup::Full).then_some(backups.as_str()),
            image_storage: image.map(|image| image.storage.as_str()),
            pulls_on: image.filter(|image| image.pull).map(|_| proxmox.node.as_str()),
            // A clone keeps the network of what it is cloned from.
            bridge,
            vlan: proxmox.vlan,
            exec: vm.is_some_and(|vm| vm.workload.is_some()),
        }
    }
}

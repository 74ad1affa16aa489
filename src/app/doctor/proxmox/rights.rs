//! What the token may do, path by path.

use super::super::check::Check;
use super::Site;
use crate::config::environment::Backup;
use crate::proxmox::GuestKind;
use crate::proxmox::answers::Permissions;
use crate::proxmox::calls::cluster;
use crate::proxmox::rights::{self, Need, Work};

impl Site<'_> {
    /// One check for each path on which something is needed.
    pub(super) fn rights(&self) -> Vec<Check> {
        let needs = rights::needs(&self.work(), &self.version);
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
        let lacking = rights::lacking(need, &granted);
        if lacking.is_empty() {
            return Check::ok(what, format!("enough {}", need.purpose));
        }
        let lacking: Vec<&str> = lacking.into_iter().collect();
        let mut check = Check::access(
            what,
            format!(
                "{} lacks {}, which it needs {} (with privilege separation, its user needs it as well)",
                self.token,
                lacking.join(", "),
                need.purpose
            ),
        );
        for command in rights::grant(need, self.token) {
            check = check.fix(command);
        }
        check
    }

    /// What the configuration wants to be done with the cluster.
    fn work(&self) -> Work {
        let proxmox = self.proxmox;
        let (vm, container) = (self.vm(), self.container());
        let image = container.and_then(|container| container.oci_image.as_ref());
        let archive = container.and_then(|container| container.template.as_deref());
        let backups = proxmox.backup_storage.as_ref().unwrap_or(&proxmox.storage);
        Work {
            kind: if container.is_some() {
                GuestKind::Container
            } else {
                GuestKind::Vm
            },
            pool: proxmox.pool.as_ref().map(|pool| pool.value.clone()),
            node: proxmox.node.clone(),
            storage: proxmox.storage.clone(),
            template: vm
                .map(|vm| vm.template)
                .or_else(|| container.and_then(|container| container.clone)),
            archives: image
                .map(|image| (image.storage.clone(), !image.pull))
                .or_else(|| {
                    let storage = archive?.split(':').next()?;
                    Some((storage.to_owned(), false))
                }),
            pulls: image.is_some_and(|image| image.pull),
            // A clone keeps the network of what it is cloned from.
            bridge: Some((self.bridge(), proxmox.vlan)),
            agent: vm.is_some_and(|vm| vm.workload.is_some()),
            snapshots: self.backup() == Backup::Snapshot,
            backups: (self.backup() == Backup::Full).then(|| backups.clone()),
        }
    }
}

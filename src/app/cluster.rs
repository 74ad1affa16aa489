//! The Proxmox cluster of an environment, reached with its token.

use super::error::AppError;
use super::workspace::Workspace;
use crate::config::environment::{BackupMode, Environment};
use crate::config::proxmox::{Guest, Proxmox};
use crate::domain::model::{ErrorKind, Explanation, PortError, Secret};
use crate::host::http::{HttpSettings, NotAFingerprint};

use crate::adapters::proxmox::rights::Work;
use crate::adapters::proxmox::{Api, GuestKind, HttpTransport, ProxmoxSettings};
use std::sync::Arc;

/// The API of the cluster that `environment` runs on. Nothing is sent yet.
///
/// # Errors
/// When there is no token, or a host, the token or a certificate makes no sense.
pub(super) fn api(
    workspace: &Workspace,
    environment: &Environment,
    proxmox: &Proxmox,
) -> Result<Api, AppError> {
    let invalid = |why: Explanation| {
        let doing = format!("opening environment {}", environment.name.value);
        AppError::Port(PortError::new(ErrorKind::Invalid, doing, why))
    };
    let pin = proxmox
        .fingerprint
        .as_ref()
        .map(|fingerprint| fingerprint.parse())
        .transpose()
        .map_err(|error: NotAFingerprint| {
            invalid(Explanation::of(&error).while_doing("proxmox.fingerprint"))
        })?;
    let settings = ProxmoxSettings {
        hosts: std::iter::once(&proxmox.host)
            .chain(&proxmox.fallback_hosts)
            .cloned()
            .collect(),
        token: token(workspace, environment, proxmox)?,
        http: HttpSettings {
            ca_file: proxmox.ca_file.as_ref().map(|file| workspace.root.join(file)),
            pin,
            insecure: proxmox.insecure,
            ..HttpSettings::default()
        },
    };
    let transport = HttpTransport::new(&settings)
        .map_err(|error| invalid(Explanation::of(&error).while_doing("proxmox")))?;
    Ok(Api::new(Arc::new(transport)))
}

fn token(workspace: &Workspace, environment: &Environment, proxmox: &Proxmox) -> Result<Secret, AppError> {
    let Some(source) = &proxmox.token else {
        let name = &environment.name.value;
        return Err(AppError::project(Explanation::new(format!("environment {name} has no token for its Proxmox")).fix("add `token: { env: PROXMOX_TOKEN }` to its `proxmox` block and set the variable to user@realm!id=secret")));
    };
    let found = workspace.secret_sources().resolve("proxmox.token", &source.value);
    found.map_err(|error| AppError::project(&error))
}

/// What the configuration wants to be done with the cluster, with guests on `bridge`: a clone keeps the
/// network of what it is cloned from.
pub(super) fn work(environment: &Environment, proxmox: &Proxmox, bridge: String) -> Work {
    let (vm, container) = match &proxmox.guest {
        Some(Guest::Vm(vm)) => (Some(vm), None),
        Some(Guest::Container(container)) => (None, Some(&container.value)),
        None => (None, None),
    };
    let image = container.and_then(|container| container.oci_image.as_ref());
    let archive = container.and_then(|container| container.template.as_deref());
    let backup = environment.deployment.backup;
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
        bridge: Some((bridge, proxmox.vlan)),
        agent: vm.is_some_and(|vm| vm.workload.is_some()),
        snapshots: backup == BackupMode::Snapshot,
        backups: (backup == BackupMode::Full).then(|| backups.clone()),
    }
}

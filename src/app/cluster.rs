//! The Proxmox cluster of an environment, reached with its token.

use super::error::AppError;
use super::workspace::Workspace;
use crate::config::environment::{Backup, Environment};
use crate::config::proxmox::{Guest, Proxmox};
use crate::host::http::Settings;
use crate::model::Secret;
use crate::ports::{ErrorKind, PortError};
use crate::proxmox::{Api, GuestKind, HttpTransport, Needs, ProxmoxSettings};
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
    let invalid = |message: String| {
        let doing = format!("opening environment {}", environment.name.value);
        AppError::Port(PortError::new(ErrorKind::Invalid, doing, message))
    };
    let pin = proxmox
        .fingerprint
        .as_ref()
        .map(|fingerprint| fingerprint.parse())
        .transpose()
        .map_err(|error| invalid(format!("proxmox.fingerprint: {error}")))?;
    let settings = ProxmoxSettings {
        hosts: std::iter::once(&proxmox.host)
            .chain(&proxmox.fallback_hosts)
            .cloned()
            .collect(),
        token: token(workspace, environment, proxmox)?,
        http: Settings {
            ca_file: proxmox.ca_file.as_ref().map(|file| workspace.root.join(file)),
            pin,
            insecure: proxmox.insecure,
            ..Settings::default()
        },
    };
    let transport = HttpTransport::new(&settings).map_err(|error| invalid(format!("proxmox: {error}")))?;
    Ok(Api::new(Arc::new(transport)))
}

fn token(workspace: &Workspace, environment: &Environment, proxmox: &Proxmox) -> Result<Secret, AppError> {
    let Some(source) = &proxmox.token else {
        let name = &environment.name.value;
        return Err(AppError::Project(format!(
            "environment {name} has no token for its Proxmox: add `token: {{ env: PROXMOX_TOKEN }}` to its \
             `proxmox` block and set the variable to user@realm!id=secret"
        )));
    };
    let found = workspace.secret_sources().resolve("proxmox.token", &source.value);
    found.map_err(|error| AppError::Project(error.to_string()))
}

/// What the configuration wants to be done with a cluster of version `major`, with guests on `bridge`: a
/// clone keeps the network of what it is cloned from.
pub(super) fn work<'a>(
    environment: &Environment,
    proxmox: &'a Proxmox,
    bridge: &'a str,
    major: u32,
) -> Needs<'a> {
    let (vm, container) = match &proxmox.guest {
        Some(Guest::Vm(vm)) => (Some(vm), None),
        Some(Guest::Container(container)) => (None, Some(&container.value)),
        None => (None, None),
    };
    let image = container.and_then(|container| container.oci_image.as_ref());
    let backups = proxmox.backup_storage.as_ref().unwrap_or(&proxmox.storage);
    let full = environment.deployment.backup == Backup::Full;
    Needs {
        major,
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
        backup_storage: full.then_some(backups.as_str()),
        image_storage: image.map(|image| image.storage.as_str()),
        pulls_on: image.filter(|image| image.pull).map(|_| proxmox.node.as_str()),
        bridge,
        vlan: proxmox.vlan,
        exec: vm.is_some_and(|vm| vm.workload.is_some()),
    }
}

//! Guests of a Proxmox cluster, behind `HAProxy` or an address that moves.

use super::{Ground, Parts};
use crate::adapters::backup::proxmox::{ArchiveBackup, ArchiveSettings, SnapshotBackup};
use crate::adapters::proxmox::calls::vm::Plug;
use crate::adapters::proxmox::guest::{Addresses, Guests};
use crate::adapters::proxmox::{Api, GuestKind};
use crate::adapters::router::address::{AddressOptions, AddressRouter};
use crate::adapters::router::haproxy::{HaproxyOptions, HaproxyRouter};
use crate::adapters::targets::local::units;
use crate::adapters::targets::proxmox::{
    ContainerPlan, ContainerSource, GuestNetwork, GuestPlan, GuestPorts, GuestSettings, GuestSweeper,
    GuestWorkload, ProxmoxTarget, TemporaryGuests, VmPlan, neighbours,
};
use crate::app::cluster;
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use crate::config::environment::{BackupMode as BackupConfig, Environment};
use crate::config::proxmox::{
    Guest, GuestContainer, Haproxy, Proxmox, RemoteRouter, VirtualMachine, Workload as WorkloadConfig,
};
use crate::domain::model::{EnvironmentType, Explanation};
use crate::ports::{Backup, Router};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The longest wait for `HAProxy` to answer.
const HAPROXY: Duration = Duration::from_secs(5);

impl Ground<'_> {
    pub(super) fn proxmox(&self, proxmox: &Proxmox) -> Result<Parts, AppError> {
        let context = &self.workspace.context;
        let api = cluster::api(self.workspace, self.environment, proxmox)?;
        let settings = self.guests(proxmox)?;
        let router = self.guests_router(proxmox, &settings, &api)?;
        let url = router.as_ref().map(|router| router.entry());
        let backup = self.backup(proxmox, &settings, api.clone());
        let ports = GuestPorts {
            api,
            registry: self.workspace.registry(),
            clock: Arc::clone(&context.clock),
            secrets: self.workspace.secret_sources().clone(),
            answers: neighbours(settings.port),
        };
        Ok(Parts {
            units: settings.units.clone(),
            target: Arc::new(ProxmoxTarget::new(settings, ports)),
            routed: router.as_ref().map(|router| router.granularity()),
            counted: matches!(proxmox.router, Some(RemoteRouter::Haproxy(_))),
            router,
            url: url.or_else(|| self.environment.url.clone()),
            parallelism: proxmox.parallelism,
            lookouts: proxmox.parallelism as usize,
            stop: None,
            backup,
        })
    }

    fn guests(&self, proxmox: &Proxmox) -> Result<GuestSettings, AppError> {
        let name = &self.environment.name.value;
        let service = &self.workspace.project.service;
        let Some(guest) = &proxmox.guest else {
            return Err(AppError::project(Explanation::new(format!("environment {name} does not say what its guests are")).fix("add `guest: { vm: { template: 9000 } }` or `guest: { container: { ociImage: {} } }` to its `proxmox` block")));
        };
        Ok(GuestSettings {
            service: service.clone(),
            environment: name.clone(),
            units: units(service, proxmox.count)?,
            ids: proxmox.vm_id_range.start..=proxmox.vm_id_range.end,
            pool: proxmox.pool.as_ref().map(|pool| pool.value.clone()),
            node: proxmox.node.clone(),
            storage: proxmox.storage.clone(),
            network: Some(self.guest_network(proxmox)?),
            port: proxmox.service_port(),
            guest: match guest {
                Guest::Vm(vm) => GuestPlan::Vm(machine(vm)),
                Guest::Container(given) => GuestPlan::Container(container(given, proxmox)?),
            },
            protect: self.environment.kind == EnvironmentType::Production,
            prefix: self
                .environment
                .temporary
                .as_ref()
                .map(|found| found.prefix.clone()),
            expires: self.environment.temporary.as_ref().map(|found| found.expires),
            timeout: proxmox.timeout.as_duration(),
            parallelism: proxmox.parallelism as usize,
            clones_per_template: proxmox.clones_per_template as usize,
            scratch: self.workspace.state("proxmox"),
        })
    }

    fn guest_network(&self, proxmox: &Proxmox) -> Result<GuestNetwork, AppError> {
        let name = &self.environment.name.value;
        let Some(network) = &self.environment.network else {
            return Err(AppError::project(
                Explanation::new(format!("environment {name} has no network for its guests"))
                    .fix("add `network: { subnet: 192.168.2.0/24, gateway: 192.168.2.1 }`"),
            ));
        };
        let range = proxmox.addresses.as_ref().map(|range| (range.start, range.end));
        Ok(GuestNetwork {
            addresses: Addresses {
                subnet: network.subnet.value,
                gateway: network.gateway.value,
                range,
                reserved: self.reserved(proxmox),
            },
            nameservers: network.dns_servers.clone(),
            search_domain: None,
        })
    }

    /// Addresses of the subnet that are not the guests': the service's own, and that of its router.
    fn reserved(&self, proxmox: &Proxmox) -> Vec<IpAddr> {
        let service = match &proxmox.router {
            Some(RemoteRouter::Address(service)) => Some(service.listen.ip()),
            Some(RemoteRouter::Haproxy(haproxy)) => host_of(&haproxy.runtime),
            None => None,
        };
        let url = self
            .environment
            .url
            .as_ref()
            .and_then(|url| host_of(&url.to_string()));
        service.into_iter().chain(url).collect()
    }

    fn guests_router(
        &self,
        proxmox: &Proxmox,
        settings: &GuestSettings,
        api: &Api,
    ) -> Result<Option<Arc<dyn Router>>, AppError> {
        match &proxmox.router {
            None => Ok(None),
            Some(RemoteRouter::Haproxy(haproxy)) => Ok(Some(Arc::new(self.haproxy(haproxy)?))),
            Some(RemoteRouter::Address(service)) => {
                let own = format!("http://{}", service.listen).parse()?;
                let prefix = settings.network.as_ref();
                let options = AddressOptions {
                    listen: service.listen,
                    prefix: prefix.map_or(24, |network| network.addresses.subnet.prefix_len()),
                    plug: plug(proxmox),
                    port: settings.port,
                    entry: self.environment.url.clone().unwrap_or(own),
                };
                let guests = Guests::new(api.clone(), settings.scope());
                Ok(Some(Arc::new(AddressRouter::new(guests, options))))
            }
        }
    }

    fn haproxy(&self, haproxy: &Haproxy) -> Result<HaproxyRouter, AppError> {
        let Haproxy { runtime, backend } = haproxy;
        let Some(entry) = &self.environment.url else {
            let name = &self.environment.name.value;
            return Err(AppError::project(
                Explanation::new(format!("environment {name} has a router and no `url`"))
                    .fix("say where clients reach it, such as http://192.168.2.10"),
            ));
        };
        let options = HaproxyOptions {
            runtime: runtime.clone(),
            backend: backend.clone(),
            entry: entry.clone(),
            timeout: HAPROXY,
        };
        Ok(HaproxyRouter::new(&options)?)
    }

    fn backup(&self, proxmox: &Proxmox, settings: &GuestSettings, api: Api) -> Option<Arc<dyn Backup>> {
        let guests = Guests::new(api, settings.scope());
        match self.environment.deployment.backup {
            BackupConfig::None => None,
            BackupConfig::Snapshot => Some(Arc::new(SnapshotBackup::new(guests))),
            BackupConfig::Full => {
                let storage = proxmox.backup_storage.as_ref().unwrap_or(&proxmox.storage);
                let settings = ArchiveSettings {
                    node: settings.node.clone(),
                    storage: storage.clone(),
                    kind: match &settings.guest {
                        GuestPlan::Vm(_) => GuestKind::Vm,
                        GuestPlan::Container(_) => GuestKind::Container,
                    },
                    disks: settings.storage.clone(),
                    wait: settings.timeout,
                };
                Some(Arc::new(ArchiveBackup::new(guests, settings)))
            }
        }
    }
}

/// What finds the guests of acceptance deployments that were made beside `environment`.
///
/// # Errors
/// As [`cluster::api`].
pub(super) fn sweeper(
    workspace: &Workspace,
    environment: &Environment,
    proxmox: &Proxmox,
) -> Result<TemporaryGuests, AppError> {
    let sweeper = GuestSweeper::new(
        cluster::api(workspace, environment, proxmox)?,
        proxmox.vm_id_range.start..=proxmox.vm_id_range.end,
        proxmox.pool.as_ref().map(|pool| pool.value.clone()),
        Arc::clone(&workspace.context.clock),
        proxmox.timeout.as_duration(),
    );
    Ok(TemporaryGuests::new(sweeper, workspace.project.service.clone()))
}

/// Where containers, and the card that carries the service's address, are plugged in.
fn plug(proxmox: &Proxmox) -> Plug {
    Plug {
        bridge: proxmox.bridge.clone(),
        vlan: proxmox.vlan,
        firewall: false,
    }
}

fn machine(vm: &VirtualMachine) -> VmPlan {
    VmPlan {
        template: vm.template,
        full: vm.full,
        cores: vm.cores,
        memory: u64::from(vm.memory),
        disk: vm
            .disk
            .as_ref()
            .map(|disk| (disk.name.clone(), u64::from(disk.size))),
        user: vm.user.clone(),
        ssh_keys: vm.ssh_keys.clone(),
        workload: vm.workload.as_ref().map(|workload| match workload {
            WorkloadConfig::Docker(docker) => GuestWorkload::Docker(docker.port),
            WorkloadConfig::Command(argv) => GuestWorkload::Command(argv.0.clone()),
        }),
    }
}

fn container(given: &GuestContainer, proxmox: &Proxmox) -> Result<ContainerPlan, AppError> {
    let source = match (&given.oci_image, &given.template, given.clone) {
        (Some(image), None, None) => ContainerSource::Image {
            storage: image.storage.clone(),
            pull: image.pull,
        },
        (None, Some(template), None) => ContainerSource::Template(template.clone()),
        (None, None, Some(id)) => ContainerSource::Clone(id),
        _ => {
            return Err(AppError::project(
                "proxmox.guest.container: give exactly one of `ociImage`, `template` and `clone`",
            ));
        }
    };
    Ok(ContainerPlan {
        source,
        plug: plug(proxmox),
        cores: given.cores,
        memory: u64::from(given.memory),
        disk: u64::from(given.disk),
    })
}

/// The host of an address with a scheme, where it is an IP address.
fn host_of(text: &str) -> Option<IpAddr> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    name.trim_matches(['[', ']']).parse().ok()
}

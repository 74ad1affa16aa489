//! What the configuration names, and whether the cluster has it.

use super::super::check::DoctorCheck;
use super::Site;
use crate::adapters::proxmox::answers::{Bridge, GuestConfig, Pool, Resource, Storage, Volume};
use crate::adapters::proxmox::calls::{cluster, guest, pool, storage};
use crate::adapters::proxmox::guest::{Doubt, GuestOwnership, Guests, Scope, Stranger};
use crate::adapters::proxmox::{Fault, GuestKind, GuestRef};
use crate::config::environment::BackupMode;

/// Less than this is no room for anything.
const LEAST: u64 = GIB;
const GIB: u64 = 1 << 30;
/// Most ids that are named.
const NAMED: usize = 10;

impl Site<'_> {
    /// Storages, template, bridge, pool and ids.
    pub(super) fn holdings(&self) -> Vec<DoctorCheck> {
        let guests: Result<Vec<Resource>, Fault> = self.api.ask("listing the guests", &cluster::guests());
        let guests = guests.map_err(|fault| self.refused("guests", fault));
        let mut checks = self.storages();
        match &guests {
            Ok(guests) => checks.extend(self.source(guests)),
            Err(check) => checks.push(check.clone()),
        }
        checks.push(self.connection());
        checks.extend(self.pool());
        if let Ok(guests) = &guests {
            checks.push(self.range(guests));
        }
        checks
    }

    fn storages(&self) -> Vec<DoctorCheck> {
        let node = &self.proxmox.node;
        let asked: Result<Vec<Storage>, Fault> = self.api.ask(
            &format!("listing the storages of {node}"),
            &storage::list(node, None),
        );
        let storages = match asked {
            Ok(storages) => storages,
            Err(fault) => return vec![self.refused("storages", fault)],
        };
        let (kind, disk) = match (self.vm(), self.container()) {
            (_, Some(container)) => ("rootdir", u64::from(container.disk) * GIB),
            (Some(vm), None) => {
                let grown = vm.disk.as_ref().filter(|_| vm.full);
                ("images", grown.map_or(LEAST, |disk| u64::from(disk.size) * GIB))
            }
            (None, None) => ("images", LEAST),
        };
        let room = disk.saturating_mul(u64::from(self.proxmox.count));
        let mut checks = vec![self.storage(&storages, &self.proxmox.storage, kind, room)];
        let image = self
            .container()
            .and_then(|container| container.oci_image.as_ref());
        if let Some(image) = image {
            checks.push(self.storage(&storages, &image.storage, "vztmpl", LEAST));
        }
        if self.backup() == BackupMode::Full {
            let backups = self
                .proxmox
                .backup_storage
                .as_ref()
                .unwrap_or(&self.proxmox.storage);
            checks.push(self.storage(&storages, backups, "backup", LEAST));
        }
        checks
    }

    /// Whether a storage is there, takes what is to be put into it, and has room for that.
    fn storage(&self, storages: &[Storage], name: &str, kind: &str, room: u64) -> DoctorCheck {
        let what = format!("storage {name}");
        let node = &self.proxmox.node;
        let Some(found) = storages
            .iter()
            .find(|found| found.storage.as_deref() == Some(name))
        else {
            let names: Vec<&str> = storages
                .iter()
                .filter_map(|found| found.storage.as_deref())
                .collect();
            return DoctorCheck::setup(
                what,
                format!(
                    "{node} has none of this name that is enabled and that the token may see; it sees: {}",
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                ),
            )
            .fix(format!("pvesm status   # on {node}; then correct the configuration, or give {} rights on /storage/{name}", self.token));
        };
        if !found.holds(kind) {
            return DoctorCheck::access(what, format!("it holds {}, and not {kind}", found.content))
                .fix(format!("pvesm set {name} --content {},{kind}", found.content));
        }
        if !found.active {
            return DoctorCheck::access(what, format!("it is not active on {node}"))
                .fix(format!("pvesm status --storage {name}"));
        }
        match found.avail {
            Some(free) if free < room => DoctorCheck::access(
                what,
                format!(
                    "{} are free, and the next deployment needs {}",
                    gib(free),
                    gib(room)
                ),
            )
            .fix(format!(
                "pvesm list {name}   # remove what is not needed, or enlarge it"
            )),
            Some(free) => DoctorCheck::ok(what, format!("{} are free", gib(free))),
            None => DoctorCheck::ok(what, "there"),
        }
    }

    /// What guests are made from.
    fn source(&self, guests: &[Resource]) -> Vec<DoctorCheck> {
        if let Some(vm) = self.vm() {
            return self.template(guests, vm.template);
        }
        let Some(container) = self.container() else {
            return vec![
                DoctorCheck::setup("guest", "what a guest is made of is not configured")
                    .fix("write `guest: { vm: { template: ID } }` or `guest: { container: … }`"),
            ];
        };
        if let Some(volume) = &container.template {
            return vec![self.archive(volume)];
        }
        match container.clone {
            Some(id) => vec![match self.find(guests, id, GuestKind::Container) {
                Ok(_) => DoctorCheck::ok(format!("container {id}"), "there"),
                Err(check) => *check,
            }],
            None => Vec::new(),
        }
    }

    fn archive(&self, volume: &str) -> DoctorCheck {
        let what = format!("template {volume}");
        let (node, name) = (&self.proxmox.node, volume.split(':').next().unwrap_or_default());
        let asked: Result<Vec<Volume>, Fault> = self.api.ask(
            &format!("listing the templates in {name}"),
            &storage::content(node, name, Some("vztmpl"), None),
        );
        match asked {
            Ok(volumes) if volumes.iter().any(|found| found.volid == volume) => {
                DoctorCheck::ok(what, "there")
            }
            Ok(_) => {
                let file = volume.rsplit('/').next().unwrap_or(volume);
                DoctorCheck::access(what, format!("{name} does not hold it")).fix(format!(
                    "pveam update; pveam download {name} {file}   # on {node}"
                ))
            }
            Err(fault) => self.refused(what, fault),
        }
    }

    fn find(&self, guests: &[Resource], id: u32, kind: GuestKind) -> Result<GuestRef, Box<DoctorCheck>> {
        let what = format!("{} {id}", kind.noun());
        let list = format!("{} list   # on {}", kind.program(), self.proxmox.node);
        match guests.iter().find(|row| row.vmid == id).and_then(Resource::guest) {
            Some(found) if found.kind == kind => Ok(found),
            Some(found) => Err(Box::new(
                DoctorCheck::setup(what, format!("{found} is another kind of guest")).fix(list),
            )),
            None => Err(Box::new(
                DoctorCheck::access(what, "there is none of this id that the token may see")
                    .fix(list)
                    .fix(format!(
                        "pveum acl modify /vms/{id} --users {} --tokens '{}' --roles PVETemplateUser",
                        self.token.split('!').next().unwrap_or(self.token),
                        self.token
                    )),
            )),
        }
    }

    /// The template of virtual machines: that it is one, that its agent is on where it is needed, and that
    /// it takes an address.
    fn template(&self, guests: &[Resource], id: u32) -> Vec<DoctorCheck> {
        let what = format!("template {id}");
        let at = match self.find(guests, id, GuestKind::Vm) {
            Ok(at) => at,
            Err(check) => return vec![*check],
        };
        let config: GuestConfig = match self.api.ask(&format!("reading {at}"), &guest::config(&at)) {
            Ok(config) => config,
            Err(fault) => return vec![self.refused(what, fault)],
        };
        let name = config.name().unwrap_or("without a name");
        if !config.is_on("template") {
            return vec![
                DoctorCheck::access(what, format!("{at} ({name}) is no template"))
                    .fix(format!("qm template {id}")),
            ];
        }
        let mut checks = vec![DoctorCheck::ok(what, format!("{name} on {}", at.node))];
        let starts = self.vm().is_some_and(|vm| vm.workload.is_some());
        let agent = format!("agent of template {id}");
        checks.push(match (config.has_agent(), starts) {
            (true, _) => DoctorCheck::ok(agent, "on"),
            (false, true) => DoctorCheck::access(agent, "it is off, and the workload is started through it")
                .fix(format!(
                    "qm set {id} --agent enabled=1   # and install qemu-guest-agent in it"
                )),
            (false, false) => DoctorCheck::skipped(agent, "it is off; nothing is started through it"),
        });
        let drive = format!("cloud-init drive of template {id}");
        let has_drive = config.options.values().any(|value| value.contains("cloudinit"));
        checks.push(match (has_drive, self.environment.network.is_some()) {
            (true, _) => DoctorCheck::ok(drive, "there"),
            (false, true) => DoctorCheck::access(drive, "there is none, so that its clones get no address")
                .fix(format!("qm set {id} --ide2 {}:cloudinit", self.proxmox.storage)),
            (false, false) => DoctorCheck::skipped(drive, "the environment has no `network`"),
        });
        checks
    }

    /// The bridge that guests are connected to: a clone keeps that of its template.
    pub(super) fn bridge(&self) -> String {
        let of_template = self.vm().and_then(|vm| {
            let at = GuestRef::vm(&self.proxmox.node, vm.template);
            let config: GuestConfig = self.api.ask("reading the template", &guest::config(&at)).ok()?;
            config.property("net0", "bridge").map(str::to_owned)
        });
        of_template.unwrap_or_else(|| self.proxmox.bridge.clone())
    }

    fn connection(&self) -> DoctorCheck {
        let (bridge, node) = (self.bridge(), &self.proxmox.node);
        let what = format!("bridge {bridge}");
        let asked: Result<Vec<Bridge>, Fault> = self
            .api
            .ask(&format!("listing the bridges of {node}"), &cluster::bridges(node));
        let bridges = match asked {
            Ok(bridges) => bridges,
            Err(fault) => return self.refused(what, fault),
        };
        match bridges.iter().find(|found| found.iface == bridge) {
            Some(found) if found.active => DoctorCheck::ok(what, "up"),
            Some(_) => DoctorCheck::access(what, format!("it is down on {node}")).fix("ifreload -a"),
            None => {
                let names: Vec<&str> = bridges.iter().map(|found| found.iface.as_str()).collect();
                DoctorCheck::setup(
                    what,
                    format!("{node} has none of this name, but {}", names.join(", ")),
                )
                .fix(format!("write `bridge: {}`", names.first().unwrap_or(&"vmbr0")))
            }
        }
    }

    fn pool(&self) -> Option<DoctorCheck> {
        let name = &self.proxmox.pool.as_ref()?.value;
        let what = format!("pool {name}");
        let asked: Result<Vec<Pool>, Fault> = self.api.ask("listing the pools", &pool::list());
        Some(match asked {
            Ok(pools) if pools.iter().any(|found| found.poolid == *name) => DoctorCheck::ok(what, "there"),
            Ok(_) => {
                DoctorCheck::access(what, "there is none of this name that the token may see").fix(format!(
                    "pveum pool add {name} --comment 'greenroom: {}'",
                    self.environment.name.value
                ))
            }
            Err(fault) => self.refused(what, fault),
        })
    }

    /// Whose the ids are that guests of this environment may have.
    fn range(&self, guests: &[Resource]) -> DoctorCheck {
        let range = &self.proxmox.vm_id_range;
        let what = format!("ids {}–{}", range.start, range.end);
        let (mut own, mut trials, mut foreign) = (0_u32, 0_u32, Vec::new());
        let scope = Scope {
            ids: range.start..=range.end,
            service: self.service.to_owned(),
            environment: self.environment.name.value.clone(),
            pool: self.proxmox.pool.as_ref().map(|pool| pool.value.clone()),
        };
        let eyes = Guests::new(self.api.clone(), scope);
        let inside = guests
            .iter()
            .filter(|row| (range.start..=range.end).contains(&row.vmid));
        for row in inside {
            match eyes.look(row) {
                Ok(GuestOwnership::Nothing) => {}
                Ok(GuestOwnership::Ours(_) | GuestOwnership::Making(..)) => own += 1,
                Ok(GuestOwnership::Foreign(stranger)) if self.is_trial(&stranger.doubt) => trials += 1,
                Ok(GuestOwnership::Foreign(stranger)) => {
                    let Stranger {
                        guest, name, doubt, ..
                    } = stranger.as_ref();
                    foreign.push(format!("{guest} ({name}; {doubt})"));
                }
                Err(fault) => foreign.push(format!("{} ({fault})", row.vmid)),
            }
        }
        let all = range.end - range.start + 1;
        let strangers = u32::try_from(foreign.len()).unwrap_or(u32::MAX);
        let free = all.saturating_sub(own + trials).saturating_sub(strangers);
        let trials = match trials {
            0 => String::new(),
            count => format!(", {count} of acceptance deployments (greenroom acceptance list)"),
        };
        if foreign.is_empty() {
            return DoctorCheck::ok(
                what,
                format!("{free} of {all} are free, {own} are this environment's{trials}"),
            );
        }
        let more = foreign.len().saturating_sub(NAMED);
        foreign.truncate(NAMED);
        if more > 0 {
            foreign.push(format!("{more} more"));
        }
        let found = format!(
            "{free} of {all} are free, {own} are this environment's{trials}; others, which are never changed: {}",
            foreign.join(", ")
        );
        let check = if free == 0 && own == 0 {
            DoctorCheck::access(what, found)
        } else {
            DoctorCheck::warning(what, found)
        };
        check.fix("move them out of the range, or give the environment another `vmIdRange`")
    }

    /// Whether a guest is that of an acceptance deployment of this service.
    fn is_trial(&self, doubt: &Doubt) -> bool {
        let prefix = format!("{}-", self.environment.acceptance.prefix);
        matches!(doubt, Doubt::Other { service, environment }
            if service == self.service && environment.as_str().starts_with(&prefix))
    }
}

fn gib(bytes: u64) -> String {
    match bytes {
        0..GIB => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

//! Giving a guest what it is to have. Options are written one by one, so that a change may be there in
//! part: the marker, which is written last, says that all of it is.

use super::jobs::{Job, Seat, Work};
use super::{ContainerPlan, ContainerSource, GuestPlan, ProxmoxTarget, Step, VmPlan};
use crate::domain::model::{ErrorKind, PortError, Release, one_line};

use crate::adapters::proxmox::answers::disk_size;
use crate::adapters::proxmox::calls::container::{ContainerCard, ContainerSettings};
use crate::adapters::proxmox::calls::vm::VmSettings;
use crate::adapters::proxmox::guest::{Marker, Owned};
use crate::adapters::proxmox::{Fault, FaultClass};
use std::collections::BTreeMap;

impl ProxmoxTarget {
    /// Configures a guest that is half made, and marks it as made.
    pub(super) fn configure(&self, owned: &Owned, release: &Release, doing: &str) -> Result<(), PortError> {
        let address = self.settings.places().at(owned.guest().id);
        let address = address.and_then(crate::adapters::proxmox::guest::GuestPlace::address);
        if self.settings.network.is_some() && address.is_none() {
            let message = format!("there is no address for {}: widen the addresses", owned.guest());
            return Err(PortError::new(ErrorKind::Denied, doing, message));
        }
        let Some(fresh) = self.guests.prove_again(owned, doing)? else {
            return Ok(());
        };
        let owned = fresh.owned();
        let set = match &self.settings.guest {
            GuestPlan::Vm(vm) => self.guests.configure_vm(owned, self.of_vm(vm, address)),
            GuestPlan::Container(plan) => {
                let settings = self.of_container(owned, plan, address, release)?;
                self.guests.configure_container(owned, settings)
            }
        };
        set.map_err(changed)?;
        let Some(fresh) = self.guests.prove_again(owned, doing)? else {
            return Ok(());
        };
        let made = fresh.owned();
        let is_taken = self.tags().is_subset(&made.config().tags())
            && made.config().is_on("protection") == self.settings.protect;
        if !is_taken {
            let message = format!(
                "{} did not take its configuration, whatever was answered",
                made.guest()
            );
            return Err(PortError::new(ErrorKind::Transient, doing, message));
        }
        let Some(identity) = made.identity() else {
            let message = format!(
                "{} has nothing that tells it from others: its template has no smbios1 or no net0",
                made.guest()
            );
            return Err(PortError::new(ErrorKind::Invalid, doing, message));
        };
        let marker = Marker {
            identity: Some(identity),
            protected: self.settings.protect,
            ..made.marker().clone()
        };
        self.guests.mark(made, &marker).map_err(changed)
    }

    fn of_vm(&self, vm: &VmPlan, address: Option<std::net::IpAddr>) -> VmSettings {
        let network = self.settings.network.as_ref();
        VmSettings {
            tags: Some(self.tags()),
            cores: Some(vm.cores),
            memory: Some(vm.memory),
            addressing: address.and_then(|address| self.addressing(address)),
            nameservers: network
                .map(|network| network.nameservers.clone())
                .unwrap_or_default(),
            search_domain: network.and_then(|network| network.search_domain.clone()),
            user: vm.user.clone(),
            ssh_keys: (!vm.ssh_keys.is_empty()).then(|| vm.ssh_keys.join("\n")),
            upgrade: Some(false),
            protection: Some(self.settings.protect),
            ..VmSettings::default()
        }
    }

    fn of_container(
        &self,
        owned: &Owned,
        plan: &ContainerPlan,
        address: Option<std::net::IpAddr>,
        release: &Release,
    ) -> Result<ContainerSettings, PortError> {
        let network = self.settings.network.as_ref();
        let cloned = matches!(plan.source, ContainerSource::Clone(_));
        let own = self.variables(release)?;
        // It stands in place of what the image brought along.
        let env = (!own.is_empty()).then(|| {
            let mut env = environment(owned.config().get("env").unwrap_or_default());
            env.extend(own);
            env
        });
        Ok(ContainerSettings {
            tags: Some(self.tags()),
            cores: Some(plan.cores),
            memory: Some(plan.memory),
            // The hardware address stays: it is what tells this guest from others.
            card: cloned.then(|| ContainerCard {
                mac: owned.config().property("net0", "hwaddr").map(str::to_owned),
                ..self.card(plan, address, false)
            }),
            nameservers: network
                .map(|network| network.nameservers.clone())
                .unwrap_or_default(),
            search_domain: network.and_then(|network| network.search_domain.clone()),
            protection: Some(self.settings.protect),
            env,
            ..ContainerSettings::default()
        })
    }

    /// Grows the disk of a guest that was copied from a smaller one.
    pub(super) fn grow(&self, seat: &Seat, owned: &Owned) -> Result<Option<Step>, PortError> {
        let (disk, wanted) = match &self.settings.guest {
            GuestPlan::Vm(VmPlan { disk: None, .. }) => return Ok(None),
            GuestPlan::Vm(VmPlan {
                disk: Some((disk, wanted)),
                ..
            }) => (disk.as_str(), *wanted),
            GuestPlan::Container(plan) => ("rootfs", plan.disk),
        };
        let guest = owned.guest();
        let doing = format!("growing {disk} of {guest}");
        let value = owned.config().get(disk).ok_or_else(|| {
            let message = format!("it has no disk {}", one_line(disk, 40));
            PortError::new(ErrorKind::Invalid, &doing, message)
        })?;
        // One whose size is not told is left as it is.
        if disk_size(value).is_none_or(|size| size >= wanted) {
            return Ok(None);
        }
        let words = format!("{disk} of {guest} grows to {wanted} GiB");
        let Some(fresh) = self.guests.prove_again(owned, &doing)? else {
            return Ok(Some(Step::Again));
        };
        Ok(Some(
            match self.guests.resize(fresh.owned(), disk, wanted).map_err(changed)? {
                None => Step::Again,
                Some(task) => {
                    let job = Job {
                        work: Work::Resize,
                        task: Some(task),
                        words: words.clone(),
                        id: guest.id,
                    };
                    self.jobs.put(seat, job);
                    Step::Wait(words)
                }
            },
        ))
    }

    /// What the service is handed: variables and secrets.
    pub(super) fn variables(&self, release: &Release) -> Result<BTreeMap<String, String>, PortError> {
        let doing = format!("preparing release {}", release.id());
        let secrets = self
            .ports
            .secrets
            .resolve_all(&release.secrets)
            .map_err(|e| PortError::new(ErrorKind::Missing, &doing, &e))?;
        let mut all = release.variables.clone();
        let secrets = secrets
            .iter()
            .map(|(name, secret)| (name.clone(), secret.expose().to_owned()));
        all.extend(secrets);
        let unfit = all
            .iter()
            .find(|(name, value)| name.contains('=') || value.contains(char::is_control));
        match unfit {
            None => Ok(all),
            Some((name, _)) => {
                let message = format!(
                    "the value of {} holds a line end or another control character, which a guest cannot \
                     be handed",
                    one_line(name, 80)
                );
                Err(PortError::new(ErrorKind::Invalid, doing, message).fix("encode it (base64)"))
            }
        }
    }
}

/// Somebody changed the configuration in between: it is read anew and tried again.
pub(super) fn changed(fault: Fault) -> PortError {
    let kind = match fault.class {
        FaultClass::Changed => ErrorKind::Transient,
        _ => fault.kind(),
    };
    PortError { kind, ..fault.into() }
}

/// Variables as a container's configuration shows them, separated by NUL.
fn environment(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

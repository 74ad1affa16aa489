//! What stands in a unit, without changing anything.

use super::index::{Freshness, Located};
use super::{GuestPlan, GuestWorkload, ProxmoxTarget};
use crate::domain::model::{
    Endpoint, ErrorKind, Instance, Period, PortError, Slot, Timestamp, UnitId, UnitState,
};

use crate::adapters::proxmox::answers::{AgentResult, ContainerCard, GuestStatus, TaskEntry};
use crate::adapters::proxmox::calls::{agent, container, task};
use crate::adapters::proxmox::guest::Owned;
use crate::adapters::proxmox::{Fault, FaultClass, GuestKind, Upid};
use std::net::IpAddr;

/// Most lines of a task's log that are read.
const LOG: u64 = 2_000;

impl ProxmoxTarget {
    pub(super) fn examine(&self, unit: &UnitId) -> Result<UnitState, PortError> {
        let doing = format!("inspecting {unit}");
        let mut found = UnitState::default();
        for slot in Slot::BOTH {
            let seat = self.seat(unit, slot, &doing)?;
            match self.locate(&seat, Freshness::Lately)? {
                Located::Ours(owned) => {
                    // Gone in between: then nothing stands there.
                    if let Some(status) = self.guests.status(owned.guest())? {
                        found.slots.insert(slot, self.instance(&owned, &status)?);
                    }
                }
                Located::Making(..) => {}
                Located::Nothing(strangers) => {
                    let places = self.settings.places();
                    let all = places.candidates(seat.0, slot).count();
                    if strangers.len() >= all {
                        let first = strangers.first().map(ToString::to_string);
                        found.foreign = first.or(found.foreign);
                    }
                }
            }
        }
        Ok(found)
    }

    /// A guest of greenroom's as an instance. It runs when all that greenroom starts in it was started.
    pub(super) fn instance(&self, owned: &Owned, status: &GuestStatus) -> Result<Instance, PortError> {
        let marker = owned.marker();
        let worked = self.settings.workload().is_none() || marker.workload;
        let guest = owned.guest();
        let note = match (owned.config().lock(), owned.is_made(), status.is_running()) {
            (Some(lock), ..) => Some(super::is_locked(guest, lock).to_string()),
            (None, false, _) => Some(format!("{guest} is half made")),
            (None, true, false) => Some(format!("{guest} is stopped")),
            (None, true, true) => {
                (!worked).then(|| format!("{guest} runs, and what is to run in it was not started"))
            }
        };
        let uptime = Period::from_secs(status.uptime.unwrap_or(0)).as_millis();
        let since = self.ports.clock.now().unix_millis();
        let since = since.saturating_sub(i64::try_from(uptime).unwrap_or(i64::MAX));
        Ok(Instance {
            release: marker.release.clone(),
            running: status.is_running() && owned.is_made() && worked,
            address: self.address(owned, status)?,
            started: marker.started.unwrap_or(Timestamp::from_unix_millis(since)),
            note,
        })
    }

    /// Where it listens: at the address that it was given, else at the one that the network gave it.
    fn address(&self, owned: &Owned, status: &GuestStatus) -> Result<Option<Endpoint>, PortError> {
        let address = match owned.address() {
            Some(address) => Some(address),
            None if status.is_running() => self.given_out(owned)?,
            None => None,
        };
        address.map(|address| self.endpoint(address)).transpose()
    }

    fn endpoint(&self, address: IpAddr) -> Result<Endpoint, PortError> {
        let authority = std::net::SocketAddr::new(address, self.settings.port);
        format!("http://{authority}")
            .parse()
            .map_err(|e| PortError::new(ErrorKind::Invalid, "naming an address", &e))
    }

    /// The address of the first card, as the guest or its node sees it; none before it has one.
    fn given_out(&self, owned: &Owned) -> Result<Option<IpAddr>, PortError> {
        let guest = owned.guest();
        let doing = format!("asking for the address of {guest}");
        let known: Vec<String> = match guest.kind {
            GuestKind::Container => {
                let cards: Vec<ContainerCard> =
                    quiet(self.ports.api.ask(&doing, &container::interfaces(guest)))?.unwrap_or_default();
                let first = cards.into_iter().filter(|card| card.name == "eth0");
                first.flat_map(|card| [card.inet, card.inet6]).flatten().collect()
            }
            GuestKind::Vm => {
                let said: Option<AgentResult> = quiet(self.ports.api.ask(&doing, &agent::interfaces(guest)))?;
                let mac = owned
                    .config()
                    .get("net0")
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                let cards = said.map(|said| said.cards()).unwrap_or_default().into_iter();
                let first =
                    cards.filter(|card| !card.mac.is_empty() && mac.contains(&card.mac.to_ascii_lowercase()));
                first.flat_map(|card| card.addresses).collect()
            }
        };
        let addresses = known
            .iter()
            .filter_map(|text| text.split('/').next()?.parse::<IpAddr>().ok());
        Ok(addresses.into_iter().find(|address| match address {
            IpAddr::V4(address) => !address.is_link_local() && !address.is_loopback(),
            IpAddr::V6(address) => !address.is_unicast_link_local() && !address.is_loopback(),
        }))
    }

    pub(super) fn read_logs(&self, unit: &UnitId, slot: Slot, lines: usize) -> Result<String, PortError> {
        let doing = format!("reading the log of {unit} ({slot})");
        let seat = self.seat(unit, slot, &doing)?;
        let Located::Ours(owned) = self.locate(&seat, Freshness::Lately)? else {
            return Ok(String::new());
        };
        let docker = matches!(
            &self.settings.guest,
            GuestPlan::Vm(vm) if matches!(vm.workload, Some(GuestWorkload::Docker(_)))
        );
        if docker
            && owned.marker().workload
            && let Some(text) = self.workload_logs(&owned, lines, &doing)?
        {
            return Ok(text);
        }
        let guest = owned.guest();
        let tasks: Vec<TaskEntry> = self.ports.api.ask(&doing, &task::of_guest(guest, 1))?;
        let newest = tasks.first().and_then(|task| task.upid.parse::<Upid>().ok());
        let Some(newest) = newest else {
            return Ok(String::new());
        };
        let log = self.ports.api.log(&newest, 0, LOG)?;
        let skipped = log.len().saturating_sub(lines);
        let texts: Vec<String> = log.into_iter().skip(skipped).map(|line| line.t + "\n").collect();
        Ok(texts.concat())
    }
}

/// A guest whose agent does not answer yet, or that was just ended, has no address; that is no error.
fn quiet<T>(asked: Result<T, Fault>) -> Result<Option<T>, PortError> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(fault)
            if matches!(
                fault.class,
                FaultClass::AgentSilent | FaultClass::NotRunning | FaultClass::MissingGuest
            ) =>
        {
            Ok(None)
        }
        Err(fault) => Err(fault.into()),
    }
}

//! The target's port: units of two slots, each a guest of the cluster.

use super::archive::Archives;
use super::end;
use super::index::{Freshness, Index, Located};
use super::jobs;
use super::jobs::{Jobs, Outcome, Seat, Work};
use super::settings::GuestSettings;
use super::step::{STEPS, Step, being_made, is_locked};
use super::sweep::GuestSweeper;
use crate::adapters::proxmox::answers::GuestStatus;
use crate::adapters::proxmox::guest::{Guests, Owned};
use crate::adapters::proxmox::{Api, Fault, FaultClass};
use crate::domain::model::{ErrorKind, Instance, PortError, Release, Slot, UnitId, UnitState};
use crate::host::secrets::Secrets;
use crate::ports::{Capabilities, Clock, Progress, Registry, Removal, Stop, Target};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The longest that a neighbour may take to answer.
const NEIGHBOUR: Duration = Duration::from_millis(300);

/// Whether somebody answers at an address.
pub type Answers = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Whether anything answers at this address, be it with a refusal. This machine's own addresses always
/// do, and say nothing.
pub fn neighbours(port: u16) -> Answers {
    Arc::new(move |address| {
        if address.is_loopback() {
            return false;
        }
        match TcpStream::connect_timeout(&SocketAddr::new(address, port), NEIGHBOUR) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        }
    })
}

/// What the target works with.
#[derive(Clone)]
pub struct GuestPorts {
    /// The cluster.
    pub api: Api,
    /// Where images come from.
    pub registry: Arc<dyn Registry>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Values of secrets.
    pub secrets: Secrets,
    /// Whether an address is taken: [`neighbours`].
    pub answers: Answers,
}

/// Runs releases in guests of a Proxmox VE cluster.
pub struct ProxmoxTarget {
    pub(super) settings: GuestSettings,
    pub(super) ports: GuestPorts,
    pub(super) guests: Guests,
    pub(super) index: Index,
    pub(super) jobs: Jobs,
    pub(super) archives: Archives,
}

impl ProxmoxTarget {
    /// A target with these settings; asks for nothing yet.
    pub fn new(settings: GuestSettings, ports: GuestPorts) -> Self {
        Self {
            guests: Guests::new(ports.api.clone(), settings.scope()),
            index: Index::new(Arc::clone(&ports.clock)),
            jobs: Jobs::default(),
            archives: Archives::default(),
            settings,
            ports,
        }
    }

    /// What collects the guests of this range whose time is up.
    pub fn guests(&self) -> GuestSweeper {
        GuestSweeper::new(
            self.ports.api.clone(),
            self.settings.ids.clone(),
            self.settings.pool.clone(),
            Arc::clone(&self.ports.clock),
            self.settings.timeout,
        )
    }

    /// A slot of a unit, with the unit's number.
    pub(super) fn seat(&self, unit: &UnitId, slot: Slot, doing: &str) -> Result<(u32, Seat), PortError> {
        let number = self.settings.units.iter().position(|known| known == unit);
        let number = number.and_then(|number| u32::try_from(number).ok());
        number
            .map(|number| (number, (unit.clone(), slot)))
            .ok_or_else(|| PortError::new(ErrorKind::Invalid, doing, "there is no such unit"))
    }

    pub(super) fn locate(&self, seat: &(u32, Seat), freshness: Freshness) -> Result<Located, Fault> {
        let places = self.settings.places();
        self.index
            .locate(&self.guests, &places, (seat.0, &seat.1), freshness)
    }

    /// One look and the one thing that comes next.
    fn step(&self, seat: &(u32, Seat), release: &Release) -> Result<Step, PortError> {
        let doing = format!("starting {} ({})", seat.1.0, seat.1.1);
        let owned = match self.locate(seat, Freshness::Lately)? {
            Located::Ours(owned) => owned,
            Located::Making(guest, lock) => return Ok(Step::Wait(being_made(&guest, &lock).to_string())),
            Located::Nothing(_) => return self.make(seat, release),
        };
        if let Some(lock) = owned.config().lock() {
            return Ok(Step::Wait(is_locked(owned.guest(), lock).to_string()));
        }
        let Some(status) = self.guests.status(owned.guest())? else {
            self.index.forget();
            return Ok(Step::Again);
        };
        if owned.marker().release != release.id() {
            return self.replace(&seat.1, &owned, &status, &doing);
        }
        if !owned.is_made() {
            self.configure(&owned, release, &doing)?;
            return Ok(Step::Again);
        }
        if let Some(step) = self.grow(&seat.1, &owned)? {
            return Ok(step);
        }
        if !status.is_running() {
            return self.start(&seat.1, &owned, &status, &doing);
        }
        // It was seen to run: when it stops later, that is another matter.
        self.jobs.was_started(&seat.1, owned.guest().id);
        if let Some(step) = self.work(&seat.1, &owned, release, &doing)? {
            return Ok(step);
        }
        match self.instance(&owned, &status)? {
            instance if instance.address.is_some() => Ok(Step::Done(instance)),
            _ => Ok(Step::Wait(format!("{} has no address yet", owned.guest()))),
        }
    }

    /// What another release left behind goes, unless it runs.
    fn replace(
        &self,
        seat: &Seat,
        owned: &Owned,
        status: &GuestStatus,
        doing: &str,
    ) -> Result<Step, PortError> {
        let release = &owned.marker().release;
        if status.is_running() {
            let message = format!("release {release} still runs there");
            return Err(PortError::new(ErrorKind::Conflict, doing, message).fix("remove it first"));
        }
        let words = format!("{} of release {release} is being removed", owned.guest());
        match self.end(seat, owned, status, Stop::Force)? {
            end::End::Again => Ok(Step::Again),
            end::End::Wait => Ok(Step::Wait(words)),
        }
    }

    /// How the task of a seat stands, for a put: what is waited for, where there is something.
    fn pending(&self, seat: &Seat) -> Result<Option<String>, PortError> {
        let outcome = self.jobs.poll(&self.ports.api, seat)?;
        if !matches!(outcome, Outcome::Idle | Outcome::Running(_)) {
            self.index.forget();
        }
        match outcome {
            Outcome::Idle | Outcome::Unknown => Ok(None),
            Outcome::Running(job) => Ok(Some(job.words)),
            Outcome::Done(job) => {
                if job.work == Work::Start {
                    self.jobs.started(seat, job.id);
                }
                Ok(None)
            }
            Outcome::Failed(job, fault) => self.failed(&job, fault),
        }
    }

    /// A task failed.
    fn failed(&self, job: &jobs::Job, fault: Fault) -> Result<Option<String>, PortError> {
        match (&job.work, &fault.class) {
            // Shows in the next look.
            (Work::Stop | Work::Shutdown | Work::Destroy, _) | (_, FaultClass::Exists) => Ok(None),
            (Work::Start, FaultClass::Running) => Ok(None),
            (_, FaultClass::ConfigLock(lock)) => Ok(Some(format!("{}: locked ({lock})", job.words))),
            // The id was taken while the task ran, in words that differ from storage to storage.
            (Work::Clone(_) | Work::Create, _) if self.guests.is_taken(job.id)? => Ok(None),
            _ => Err(fault.into()),
        }
    }
}

impl Target for ProxmoxTarget {
    fn name(&self) -> &str {
        "proxmox"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            two_slots: true,
            parallelism: self.settings.parallelism.max(1),
            patience: self.settings.timeout,
        }
    }

    fn inspect(&self, unit: &UnitId) -> Result<UnitState, PortError> {
        self.examine(unit)
    }

    fn put(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Progress<Instance>, PortError> {
        let doing = format!("starting {unit} ({slot})");
        let seat = self.seat(unit, slot, &doing)?;
        if let Some(words) = self.pending(&seat.1)? {
            return Ok(Progress::Underway(words));
        }
        self.jobs.unlocked(&seat.1);
        for _ in 0..STEPS {
            let step = self.step(&seat, release).map_err(|error| PortError {
                kind: error.kind,
                doing: doing.clone(),
                why: match error.doing == doing {
                    true => error.why,
                    false => error.why.while_doing(&error.doing),
                },
            })?;
            match step {
                Step::Again => {}
                Step::Wait(words) => return Ok(Progress::Underway(words)),
                Step::Done(instance) => return Ok(Progress::Done(instance)),
            }
        }
        Ok(Progress::Underway(format!(
            "{unit} ({slot}) changes while it is worked on"
        )))
    }

    fn remove(&self, unit: &UnitId, slot: Slot, stop: Stop) -> Result<Removal, PortError> {
        self.take_away(unit, slot, stop)
    }

    fn logs(&self, unit: &UnitId, slot: Slot, lines: usize) -> Result<String, PortError> {
        self.read_logs(unit, slot, lines)
    }
}

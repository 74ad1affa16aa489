//! The target's port: units of two slots, each a process of this machine.

use super::children::Children;
use super::image;
use super::launch::Launch;
use super::log::Logs;
use super::port::Ports;
use super::processes;
use super::settings::LocalSettings;
use super::slot;
use super::slot::{Occupant, Record, SlotDirectory};
use super::state;
use super::state::{Marker, Owner};
use crate::domain::model::{
    Artifact, Digest, Endpoint, ErrorKind, Explanation, Instance, Period, PortError, Redactor, Release, Slot,
    UnitId, UnitState,
};
use crate::host::process::ProcessIdentity;
use crate::host::random;
use crate::host::secrets::Secrets;
use crate::ports::{Capabilities, Clock, Progress, Registry, Removal, Stop, Target};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// After this a process that was ended by force has vanished.
const PATIENCE: Duration = Duration::from_secs(10);
/// After this a process that was forked has executed its program, on a machine that is busy as well.
const APPEARS: Period = Period::from_secs(3);

/// Runs releases as processes on this machine, each listening on a loopback port that it is told.
pub struct LocalTarget {
    pub(super) settings: LocalSettings,
    pub(super) registry: Arc<dyn Registry>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) secrets: Secrets,
    ports: Ports,
    children: Children,
    /// Units that put the same image at once unpack it once.
    unpacking: Mutex<BTreeMap<Digest, Arc<Mutex<()>>>>,
}

impl LocalTarget {
    /// A target with these settings; touches nothing.
    pub fn new(
        settings: LocalSettings,
        registry: Arc<dyn Registry>,
        clock: Arc<dyn Clock>,
        secrets: Secrets,
    ) -> Self {
        Self {
            settings,
            registry,
            clock,
            secrets,
            ports: Ports::default(),
            children: Children::default(),
            unpacking: Mutex::default(),
        }
    }

    /// Processes that carry this state directory's mark but that no slot knows. There are none, unless
    /// records were removed by hand.
    ///
    /// # Errors
    /// When the state directory cannot be read.
    pub fn orphans(&self) -> Result<Vec<ProcessIdentity>, PortError> {
        let failed = |error: io::Error| fault("looking for orphans", &error);
        let state = match self.settings.state_directory.canonicalize() {
            Ok(state) => state,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        // Processes first: a record is written before its process exists.
        let running = processes::of_state(&state);
        let known = slot::tokens(&state).map_err(failed)?;
        Ok(running
            .into_iter()
            .filter(|(_, token)| !known.contains(token))
            .map(|(process, _)| process)
            .collect())
    }

    /// Makes the state directory this service's and environment's, where it is nobody's.
    ///
    /// # Errors
    /// `Denied` when it is something else's.
    pub fn claim(&self) -> Result<(), PortError> {
        let doing = "taking the state directory";
        match state::claim(&self.settings.state_directory, &self.marker()) {
            Ok(Owner::Other(why)) => Err(PortError::new(ErrorKind::Denied, doing, why)),
            Ok(Owner::Us | Owner::Nobody) => Ok(()),
            Err(error) => Err(fault(doing, &error)),
        }
    }

    /// Whether the state directory is something else's.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_anothers(&self) -> Result<bool, PortError> {
        let owner = state::owner(&self.settings.state_directory, &self.marker());
        let owner = owner.map_err(|error| fault("looking whose the state directory is", &error))?;
        Ok(matches!(owner, Owner::Other(_)))
    }

    fn marker(&self) -> Marker {
        Marker {
            v: 1,
            service: self.settings.service.clone(),
            environment: self.settings.environment.clone(),
            expires: self.settings.expires,
        }
    }

    fn slot(&self, unit: &UnitId, slot: Slot) -> SlotDirectory {
        SlotDirectory::new(&self.settings.state_directory, unit, slot)
    }

    fn image(&self, artifact: &Artifact) -> Result<image::Image, PortError> {
        let gate = Arc::clone(
            locked(&self.unpacking)
                .entry(artifact.digest.clone())
                .or_default(),
        );
        let _one_at_a_time = locked(&gate);
        let images = self.settings.state_directory.join("images");
        image::ensure(&images, self.registry.as_ref(), artifact)
    }

    /// Writes the record, starts the process, completes the record. A crash in between leaves a record
    /// whose token leads to the process, if there is one.
    fn start(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Instance, PortError> {
        let doing = format!("starting {unit} ({slot})");
        let failed = |error: io::Error| fault(&doing, &error);
        let artifact = release.artifact.as_ref().ok_or_else(|| {
            PortError::new(
                ErrorKind::Invalid,
                &doing,
                "the release has no image, and this target runs images",
            )
        })?;
        let image = self.image(artifact)?;
        let secrets = self
            .secrets
            .resolve_all(&release.secrets)
            .map_err(|e| PortError::new(ErrorKind::Missing, &doing, &e))?;
        let state = self.settings.state_directory.canonicalize().map_err(failed)?;
        let token = random::hex(16).map_err(failed)?;
        let started = self.clock.now();
        let mut record = Record {
            v: 1,
            release: release.id(),
            log: format!("{}-{}.log", started.compact(), &token[..8]),
            token,
            port: self.ports.choose().map_err(failed)?,
            started,
            process: None,
            stopping: false,
        };
        let directory = self.slot(unit, slot);
        let launched = directory.write(&record).map_err(failed).and_then(|()| {
            let log = Logs::new(&state, unit, slot)
                .open(&record.log, &release.secrets)
                .map_err(failed)?;
            let launch = Launch {
                settings: &self.settings,
                state: &state,
                unit,
                slot,
                release,
                image: &image,
                secrets: &secrets,
                record: &record,
            };
            launch.start(&log)
        });
        let mut child = launched.inspect_err(|_| {
            self.ports.give_back(record.port);
            let _ = directory.clear();
        })?;
        let completed = ProcessIdentity::of(child.id()).and_then(|process| {
            record.process = Some(process);
            directory.write(&record)
        });
        if let Err(error) = completed {
            let _ = child.kill();
            let _ = child.wait();
            return Err(failed(error));
        }
        self.children.add(&record.token, child);
        self.instance(&record, true)
    }

    /// The process that the record is about, if it runs; found by its token when greenroom was ended
    /// between starting it and writing it down.
    fn process(&self, record: &Record) -> Option<ProcessIdentity> {
        match &record.process {
            Some(process) => process.is_alive().then(|| process.clone()),
            None => processes::of_instance(&record.token)
                .into_iter()
                .min_by_key(|process| (process.started, process.pid)),
        }
    }

    /// Whether a process may yet appear: greenroom was ended a moment ago, after it wrote the record,
    /// and between its fork and its exec a child does not carry the token.
    fn may_appear(&self, record: &Record) -> bool {
        let now = self.clock.now();
        record.process.is_none() && now >= record.started && now.since(record.started) < APPEARS
    }

    fn instance(&self, record: &Record, running: bool) -> Result<Instance, PortError> {
        let address: Endpoint = format!("http://127.0.0.1:{}", record.port)
            .parse()
            .map_err(|e| PortError::new(ErrorKind::Invalid, "naming an address", &e))?;
        let note = if running {
            record.stopping.then(|| "was asked to stop".to_owned())
        } else {
            Some(self.ending(record))
        };
        Ok(Instance {
            release: record.release.clone(),
            running,
            address: Some(address),
            started: record.started,
            note,
        })
    }

    /// How an instance ended, as far as is known.
    fn ending(&self, record: &Record) -> String {
        let ended = self
            .children
            .ended(&record.token, || self.clock.now().since(record.started));
        match ended {
            // "exit status: 1" or "signal: 9 (SIGKILL)", and the time at which it was noticed.
            Some((status, within)) => format!("ended within {within} ({status})"),
            None if self.may_appear(record) => "is being started, by a greenroom that was ended".into(),
            None if record.process.is_none() => "was never started: greenroom was ended before".into(),
            None => "has ended; how is not known, since greenroom was started anew in between".into(),
        }
    }

    /// Forgets an instance of which nothing runs any more.
    fn forget(&self, directory: &SlotDirectory, record: &Record) -> io::Result<()> {
        self.children.forget(&record.token);
        self.ports.give_back(record.port);
        directory.clear()
    }
}

/// An error of the operating system as one of the port's.
pub(super) fn fault(doing: &str, error: &io::Error) -> PortError {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StorageFull => {
            ErrorKind::Denied
        }
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            ErrorKind::Invalid
        }
        io::ErrorKind::NotFound => ErrorKind::Missing,
        _ => ErrorKind::Transient,
    };
    PortError::new(kind, doing, error)
}

pub(in crate::adapters::targets) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Target for LocalTarget {
    fn name(&self) -> &str {
        "local"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            two_slots: true,
            parallelism: self.settings.parallelism.max(1),
            patience: PATIENCE,
        }
    }

    fn inspect(&self, unit: &UnitId) -> Result<UnitState, PortError> {
        let failed = |error: io::Error| fault(&format!("inspecting {unit}"), &error);
        let mut found = UnitState::default();
        match state::owner(&self.settings.state_directory, &self.marker()).map_err(failed)? {
            Owner::Nobody => return Ok(found),
            Owner::Other(why) => {
                found.foreign = Some(why.to_string());
                return Ok(found);
            }
            Owner::Us => {}
        }
        for slot in Slot::BOTH {
            match self.slot(unit, slot).occupant().map_err(failed)? {
                Occupant::None => {}
                Occupant::Foreign(why) => found.foreign = Some(why.to_string()),
                Occupant::Ours(record) => {
                    let running = self.process(&record).is_some();
                    found.slots.insert(slot, self.instance(&record, running)?);
                }
            }
        }
        Ok(found)
    }

    fn put(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Progress<Instance>, PortError> {
        let doing = format!("starting {unit} ({slot})");
        let failed = |error: io::Error| fault(&doing, &error);
        let denied = |why: Explanation| PortError::new(ErrorKind::Denied, &doing, why);
        self.claim()?;
        let directory = self.slot(unit, slot);
        let _lock = directory.lock().map_err(failed)?.ok_or_else(|| held(&doing))?;
        match directory.occupant().map_err(failed)? {
            Occupant::None => {}
            Occupant::Foreign(why) => return Err(denied(why)),
            Occupant::Ours(mut record) => {
                let process = self.process(&record);
                let same = record.release == release.id();
                if same && process.is_some() && !record.stopping {
                    if record.process.is_none() {
                        record.process = process;
                        directory.write(&record).map_err(failed)?;
                    }
                    return self.instance(&record, true).map(Progress::Done);
                }
                if !same && process.is_some() {
                    let message = format!("release {} still runs there", record.release);
                    return Err(PortError::new(ErrorKind::Conflict, &doing, message).fix("remove it first"));
                }
                if process.is_none() && self.may_appear(&record) {
                    let what =
                        "a greenroom that was ended a moment ago was starting it; its process may yet appear";
                    return Ok(Progress::Underway(what.to_owned()));
                }
                // It ended by itself or was asked to: what it may have left running goes with it.
                for process in processes::of_instance(&record.token) {
                    process.signal(Signal::KILL);
                }
                self.forget(&directory, &record).map_err(failed)?;
            }
        }
        self.start(unit, slot, release).map(Progress::Done)
    }

    fn remove(&self, unit: &UnitId, slot: Slot, stop: Stop) -> Result<Removal, PortError> {
        let doing = format!("stopping {unit} ({slot})");
        let failed = |error: io::Error| fault(&doing, &error);
        let denied = |why: Explanation| PortError::new(ErrorKind::Denied, &doing, why);
        match state::owner(&self.settings.state_directory, &self.marker()).map_err(failed)? {
            Owner::Nobody => return Ok(Removal::Gone),
            Owner::Other(why) => return Err(denied(why)),
            Owner::Us => {}
        }
        let directory = self.slot(unit, slot);
        let _lock = directory.lock().map_err(failed)?.ok_or_else(|| held(&doing))?;
        let mut record = match directory.occupant().map_err(failed)? {
            Occupant::None => return Ok(Removal::Gone),
            Occupant::Foreign(why) => return Err(denied(why)),
            Occupant::Ours(record) => record,
        };
        // While its first process runs there is no need to look for others.
        let first = self.process(&record);
        let mut running = match (&first, stop) {
            (Some(first), Stop::Graceful) => vec![first.clone()],
            _ => processes::of_instance(&record.token),
        };
        if let (Some(first), Stop::Force) = (first, stop)
            && !running.contains(&first)
        {
            running.push(first);
        }
        if running.is_empty() && self.may_appear(&record) {
            return Ok(Removal::Stopping);
        }
        if running.is_empty() {
            self.forget(&directory, &record).map_err(failed)?;
            return Ok(Removal::Gone);
        }
        match stop {
            Stop::Force => running.iter().for_each(|process| process.signal(Signal::KILL)),
            // Asked once: to many programs a second time means "at once".
            Stop::Graceful if record.stopping => {}
            Stop::Graceful => {
                running.iter().for_each(|process| process.signal(Signal::TERM));
                record.stopping = true;
                directory.write(&record).map_err(failed)?;
            }
        }
        Ok(Removal::Stopping)
    }

    fn logs(&self, unit: &UnitId, slot: Slot, lines: usize) -> Result<String, PortError> {
        let failed = |error: io::Error| fault(&format!("reading the log of {unit} ({slot})"), &error);
        let logs = Logs::new(&self.settings.state_directory, unit, slot);
        let name = match self.slot(unit, slot).occupant().map_err(failed)? {
            Occupant::Ours(record) => Some(record.log),
            Occupant::None | Occupant::Foreign(_) => logs.newest().map_err(failed)?,
        };
        let Some(name) = name else {
            return Ok(String::new());
        };
        let text = logs.tail(&name, lines).map_err(failed)?;
        let sources = logs.secrets(&name).map_err(failed)?;
        let secrets: Vec<_> = sources
            .iter()
            .filter_map(|(name, source)| self.secrets.resolve(name, source).ok())
            .collect();
        Ok(Redactor::new(&secrets).redact(&text).into_owned())
    }
}

/// The environment's lease keeps others out, so that this passes: it is a command that only just ended,
/// or the child of one that was killed, which holds the lock until it executes its program.
fn held(doing: &str) -> PortError {
    let message = "another greenroom is working on this slot";
    PortError::new(ErrorKind::Transient, doing, message)
}

//! The contract of [`Backup`] and backups in memory.

use super::target::{MemoryTarget, PutNow as _, gone};
use crate::domain::model::{BackupId, ErrorKind, Instance, PortError, Release, Slot, UnitId};
use crate::ports::{Backup, Progress, Stop, Target};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the contract needs of the world in which backups are made.
pub struct BackupCase<'a> {
    /// Makes the backups.
    pub backup: &'a dyn Backup,
    /// Where what is saved stands.
    pub target: &'a dyn Target,
    /// A unit in which nothing stands.
    pub unit: UnitId,
    /// A release that runs.
    pub release: Release,
    /// Whether a backup outlives what it was made of.
    pub outlives: bool,
}

/// Checks everything that [`Backup`] promises.
///
/// # Errors
/// When an act fails that has to succeed.
///
/// # Panics
/// When the contract is broken.
pub fn backup_contract(case: &BackupCase<'_>) -> Result<(), PortError> {
    let BackupCase {
        backup,
        target,
        unit,
        release,
        outlives,
    } = case;
    let slot = Slot::Blue;
    assert!(!backup.name().is_empty());
    let nothing = backup.take(unit, slot, "20261120-000000-00000000");
    assert_eq!(
        nothing.map_err(|error| error.kind),
        Err(ErrorKind::Missing),
        "there is nothing to save"
    );
    target.put_now(unit, slot, release)?;

    let labels = [
        "20261120-000001-00000001",
        "20261120-000002-00000002",
        "20261120-000003-00000003",
    ];
    let mut taken = Vec::new();
    for label in labels {
        let name = settled(|| backup.take(unit, slot, label))?;
        assert_eq!(settled(|| backup.take(unit, slot, label))?, name, "taken once");
        backup.verify(unit, slot, &name)?;
        taken.push(name);
    }
    let stands = target.inspect(unit)?.slots.remove(&slot);
    assert!(stands.is_some_and(|instance| instance.running), "it runs on");

    assert_eq!(backup.prune(unit, 2)?, 1, "the oldest goes");
    assert_eq!(backup.prune(unit, 2)?, 0, "and no other");
    let missing = backup.verify(unit, slot, &taken[0]).map_err(|error| error.kind);
    assert_eq!(
        missing,
        Err(ErrorKind::Missing),
        "what is gone is said to be gone"
    );
    backup.verify(unit, slot, &taken[2])?;

    settled(|| backup.restore(unit, slot, &taken[2]))?;
    assert!(target.put_now(unit, slot, release)?.running, "it is back");
    gone(*target, unit, slot, Stop::Force)?;
    let restored = settled(|| backup.restore(unit, slot, &taken[2])).map_err(|error| error.kind);
    if *outlives {
        assert_eq!(
            restored,
            Ok(()),
            "it is brought back though nothing was left of it"
        );
        assert!(target.put_now(unit, slot, release)?.running);
        gone(*target, unit, slot, Stop::Force)?;
    } else {
        assert_eq!(
            restored,
            Err(ErrorKind::Missing),
            "it went with what it was made of"
        );
    }
    Ok(())
}

/// Asks until it is done, as the engine does.
fn settled<T>(act: impl Fn() -> Result<Progress<T>, PortError>) -> Result<T, PortError> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match act()? {
            Progress::Done(result) => return Ok(result),
            Progress::Underway(what) => {
                assert!(!what.is_empty(), "it says what is waited for");
                assert!(Instant::now() < deadline, "{what}");
            }
        }
        std::thread::yield_now();
    }
}

type Saved = BTreeMap<(UnitId, BackupId), Instance>;

/// Backups of what stands in a [`MemoryTarget`].
pub struct MemoryBackup {
    target: Arc<MemoryTarget>,
    saved: Mutex<Saved>,
}

impl MemoryBackup {
    /// Backups of `target`; there are none yet.
    pub fn new(target: Arc<MemoryTarget>) -> Self {
        Self {
            target,
            saved: Mutex::default(),
        }
    }

    /// The names of all that is saved of `unit`, oldest first.
    pub fn of(&self, unit: &UnitId) -> Vec<BackupId> {
        let saved = self.saved();
        let names = saved.keys().filter(|(of, _)| of == unit);
        names.map(|(_, name)| name.clone()).collect()
    }

    fn saved(&self) -> MutexGuard<'_, Saved> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(doing: &str, unit: &UnitId) -> PortError {
        PortError::new(ErrorKind::Missing, format!("{doing} {unit}"), "there is nothing")
    }
}

impl Backup for MemoryBackup {
    fn name(&self) -> &str {
        "memory"
    }

    fn take(&self, unit: &UnitId, slot: Slot, label: &str) -> Result<Progress<BackupId>, PortError> {
        let name: BackupId = format!("greenroom-{label}")
            .parse()
            .map_err(|error| PortError::new(ErrorKind::Invalid, format!("saving {unit}"), &error))?;
        let there = self.target.standing(unit, slot);
        let instance = there.ok_or_else(|| Self::missing("saving", unit))?;
        self.saved()
            .entry((unit.clone(), name.clone()))
            .or_insert(instance);
        Ok(Progress::Done(name))
    }

    fn verify(&self, unit: &UnitId, _: Slot, backup: &BackupId) -> Result<(), PortError> {
        let saved = self.saved();
        let there = saved.contains_key(&(unit.clone(), backup.clone()));
        there
            .then_some(())
            .ok_or_else(|| Self::missing("looking for the backup of", unit))
    }

    fn restore(&self, unit: &UnitId, slot: Slot, backup: &BackupId) -> Result<Progress<()>, PortError> {
        let found = self.saved().get(&(unit.clone(), backup.clone())).cloned();
        let instance = found.ok_or_else(|| Self::missing("restoring", unit))?;
        self.target.reinstate(unit, slot, instance);
        Ok(Progress::Done(()))
    }

    fn prune(&self, unit: &UnitId, keep: usize) -> Result<usize, PortError> {
        let names = self.of(unit);
        let old = names.len().saturating_sub(keep);
        let mut saved = self.saved();
        for name in names.into_iter().take(old) {
            saved.remove(&(unit.clone(), name));
        }
        Ok(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fake_keeps_the_contract() {
        let unit: UnitId = "web-1".parse().unwrap();
        let target = Arc::new(MemoryTarget::new(std::slice::from_ref(&unit), true));
        let case = BackupCase {
            backup: &MemoryBackup::new(Arc::clone(&target)),
            target: target.as_ref(),
            unit,
            release: Release {
                version: "1".parse().unwrap(),
                artifact: None,
                commit: None,
                variables: BTreeMap::new(),
                secrets: BTreeMap::new(),
            },
            outlives: true,
        };
        backup_contract(&case).unwrap();
    }
}

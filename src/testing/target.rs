//! The contract of [`Target`] and a fake that can be told to fail.

use crate::domain::model::{
    Endpoint, ErrorKind, Instance, PortError, Release, ReleaseId, Slot, Timestamp, UnitId, UnitState,
};
use crate::ports::{Capabilities, Progress, Removal, Stop, Target};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the contract needs of the world in which a target works.
pub struct TargetCase<'a> {
    /// The target.
    pub target: &'a dyn Target,
    /// A unit in which nothing stands.
    pub unit: UnitId,
    /// A release that runs.
    pub first: Release,
    /// Another one.
    pub second: Release,
    /// Ends what stands in the unit's blue slot, behind the target's back.
    pub kill: &'a dyn Fn(&Instance),
}

/// Checks everything that [`Target`] promises.
///
/// # Errors
/// When an act fails that has to succeed.
///
/// # Panics
/// When the contract is broken.
pub fn target_contract(case: &TargetCase<'_>) -> Result<(), PortError> {
    let TargetCase {
        target,
        unit,
        first,
        second,
        ..
    } = case;
    assert_eq!(
        target.inspect(unit)?,
        UnitState::default(),
        "nothing stands there"
    );
    assert_eq!(target.remove(unit, Slot::Blue, Stop::Graceful)?, Removal::Gone);

    let stands = target.put_now(unit, Slot::Blue, first)?;
    assert!(stands.running && stands.release == first.id());
    let again = target.put_now(unit, Slot::Blue, first)?;
    assert_eq!(
        (&again.address, again.started),
        (&stands.address, stands.started),
        "put again does nothing"
    );
    let seen = target.inspect(unit)?;
    assert_eq!(seen.foreign, None);
    assert_eq!(
        seen.slots.get(&Slot::Blue).map(|i| (&i.release, i.running)),
        Some((&first.id(), true))
    );
    assert!(target.logs(unit, Slot::Blue, 10)?.lines().count() <= 10);

    if target.capabilities().two_slots {
        stands_side_by_side(*target, unit, second)?;
    } else {
        let refused = target.put(unit, Slot::Green, second).err().map(|e| e.kind);
        assert_eq!(refused, Some(ErrorKind::Invalid), "there is no second slot");
        assert_eq!(
            target.put_now(unit, Slot::Blue, second)?.release,
            second.id(),
            "replaced in place"
        );
        assert_eq!(
            target.put_now(unit, Slot::Blue, first)?.release,
            first.id(),
            "and back"
        );
    }
    death_is_seen(case)?;
    gone(*target, unit, Slot::Blue, Stop::Force)?;
    assert_eq!(target.inspect(unit)?, UnitState::default(), "nothing is left");
    assert_eq!(target.remove(unit, Slot::Blue, Stop::Force)?, Removal::Gone);
    Ok(())
}

fn stands_side_by_side(target: &dyn Target, unit: &UnitId, second: &Release) -> Result<(), PortError> {
    let green = target.put_now(unit, Slot::Green, second)?;
    let seen = target.inspect(unit)?.slots;
    assert_eq!(seen.len(), 2);
    assert_ne!(seen.get(&Slot::Blue).map(|i| &i.address), Some(&green.address));
    let refused = target.put(unit, Slot::Blue, second).err().map(|e| e.kind);
    assert_eq!(
        refused,
        Some(ErrorKind::Conflict),
        "another release runs in that slot"
    );
    gone(target, unit, Slot::Green, Stop::Graceful)?;
    let seen = target.inspect(unit)?.slots;
    assert_eq!(
        seen.keys().collect::<Vec<_>>(),
        [&Slot::Blue],
        "the other slot is untouched"
    );
    Ok(())
}

fn death_is_seen(case: &TargetCase<'_>) -> Result<(), PortError> {
    let TargetCase {
        target, unit, first, ..
    } = case;
    let stands = target.put_now(unit, Slot::Blue, first)?;
    (case.kill)(&stands);
    let deadline = Instant::now() + Duration::from_secs(20);
    let dead = loop {
        let seen = target.inspect(unit)?.slots.remove(&Slot::Blue);
        if let Some(instance) = seen.filter(|instance| !instance.running) {
            break instance;
        }
        assert!(
            Instant::now() < deadline,
            "the instance was ended, and is said to run"
        );
        std::thread::yield_now();
    };
    assert!(dead.note.is_some(), "it says what is known of the end");
    assert!(
        target.put_now(unit, Slot::Blue, first)?.running,
        "a dead one is started anew"
    );
    Ok(())
}

/// Asks until the slot is empty, as the engine does: an error that may pass by itself is no answer.
///
/// # Errors
/// Those of the target.
///
/// # Panics
/// When it is not empty after twenty seconds.
pub fn gone(target: &dyn Target, unit: &UnitId, slot: Slot, stop: Stop) -> Result<(), PortError> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match target.remove(unit, slot, stop) {
            Ok(Removal::Gone) => return Ok(()),
            Ok(Removal::Stopping) => {}
            Err(error) if error.kind == ErrorKind::Transient => {}
            Err(error) => return Err(error),
        }
        assert!(Instant::now() < deadline, "{unit} ({slot}) does not stop");
        std::thread::yield_now();
    }
}

/// [`Target::put`], asked until it is done.
pub trait PutNow {
    /// Asks until the release stands there, as the engine does.
    ///
    /// # Errors
    /// Those of the target.
    ///
    /// # Panics
    /// When it stays under way for too long.
    fn put_now(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Instance, PortError>;
}

impl<T: Target + ?Sized> PutNow for T {
    fn put_now(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Instance, PortError> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.put(unit, slot, release)? {
                Progress::Done(instance) => return Ok(instance),
                Progress::Underway(what) => {
                    assert!(!what.is_empty(), "it says what is waited for");
                    assert!(Instant::now() < deadline, "{unit} ({slot}): {what}");
                }
            }
            std::thread::yield_now();
        }
    }
}

/// One call of a [`MemoryTarget`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetCall {
    /// [`Target::inspect`].
    Inspect(UnitId),
    /// [`Target::put`].
    Put(UnitId, Slot, ReleaseId),
    /// [`Target::remove`].
    Remove(UnitId, Slot, Stop),
    /// [`Target::logs`].
    Logs(UnitId, Slot),
}

/// When an injected error strikes.
#[derive(Debug, Clone)]
pub enum TargetFault {
    /// Nothing happened.
    Before(PortError),
    /// It happened, and the caller is told otherwise.
    After(PortError),
}

type Rule = Box<dyn Fn(&TargetCall) -> bool + Send>;

#[derive(Default)]
struct World {
    slots: BTreeMap<(UnitId, Slot), Instance>,
    stopping: BTreeMap<(UnitId, Slot), usize>,
    foreign: BTreeMap<UnitId, String>,
    calls: Vec<TargetCall>,
    nth: BTreeMap<usize, TargetFault>,
    rules: Vec<(Rule, TargetFault)>,
    lingering: usize,
    /// How often a put is under way before it is done, and how often each was asked for.
    slowness: usize,
    underway: BTreeMap<(UnitId, Slot), usize>,
}

/// A target in memory: knows its units and nothing else, records every call, and fails where it is told
/// to. Instances are at `http://UNIT.SLOT.test`.
pub struct MemoryTarget {
    units: Vec<UnitId>,
    capabilities: Capabilities,
    world: Mutex<World>,
}

impl MemoryTarget {
    /// A target with these units; with `two_slots`, or one that replaces in place.
    pub fn new(units: &[UnitId], two_slots: bool) -> Self {
        Self {
            units: units.to_vec(),
            capabilities: Capabilities {
                two_slots,
                parallelism: units.len().max(1),
                patience: Duration::from_secs(60),
            },
            world: Mutex::default(),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call number `nth`, counted from 0 over all calls, fails and does nothing.
    pub fn fail(&self, nth: usize, error: PortError) {
        self.world().nth.insert(nth, TargetFault::Before(error));
    }

    /// The call number `nth` does what it should, and reports this error.
    pub fn fail_after(&self, nth: usize, error: PortError) {
        self.world().nth.insert(nth, TargetFault::After(error));
    }

    /// Every call for which `rule` holds meets this fault.
    pub fn fail_each(&self, rule: impl Fn(&TargetCall) -> bool + Send + 'static, fault: TargetFault) {
        self.world().rules.push((Box::new(rule), fault));
    }

    /// No call fails any more, except where it is told anew.
    pub fn heal(&self) {
        let mut world = self.world();
        world.nth.clear();
        world.rules.clear();
    }

    /// Each instance answers this many requests to stop gracefully with [`Removal::Stopping`] first.
    pub fn linger(&self, times: usize) {
        self.world().lingering = times;
    }

    /// Each put is this often under way before it is done.
    pub fn dawdle(&self, times: usize) {
        self.world().slowness = times;
    }

    /// What stands there ends by itself.
    pub fn kill(&self, unit: &UnitId, slot: Slot) {
        if let Some(instance) = self.world().slots.get_mut(&(unit.clone(), slot)) {
            instance.running = false;
            instance.note = Some("was killed".into());
        }
    }

    /// What stands there, without a call being recorded.
    pub fn standing(&self, unit: &UnitId, slot: Slot) -> Option<Instance> {
        self.world().slots.get(&(unit.clone(), slot)).cloned()
    }

    /// Somebody puts there what stood there before; it does not run yet.
    pub fn reinstate(&self, unit: &UnitId, slot: Slot, instance: Instance) {
        let stopped = Instance {
            running: false,
            note: Some("was brought back".into()),
            ..instance
        };
        self.world().slots.insert((unit.clone(), slot), stopped);
    }

    /// Something that greenroom did not make is in the unit's way.
    pub fn occupy(&self, unit: &UnitId, words: &str) {
        self.world().foreign.insert(unit.clone(), words.to_owned());
    }

    /// Every call so far, failed ones too.
    pub fn calls(&self) -> Vec<TargetCall> {
        self.world().calls.clone()
    }

    /// The releases that run now.
    pub fn running(&self) -> BTreeMap<(UnitId, Slot), ReleaseId> {
        self.world()
            .slots
            .iter()
            .filter(|(_, instance)| instance.running)
            .map(|(place, instance)| (place.clone(), instance.release.clone()))
            .collect()
    }

    /// Records the call, performs it unless a fault says otherwise.
    fn call<T>(
        &self,
        call: TargetCall,
        act: impl FnOnce(&mut World) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let mut world = self.world();
        let number = world.calls.len();
        let fault = world.nth.get(&number).cloned().or_else(|| {
            let rule = world.rules.iter().find(|(rule, _)| rule(&call));
            rule.map(|(_, fault)| fault.clone())
        });
        let (TargetCall::Inspect(unit)
        | TargetCall::Put(unit, ..)
        | TargetCall::Remove(unit, ..)
        | TargetCall::Logs(unit, _)) = &call;
        let known = self.units.contains(unit);
        let doing = format!("{call:?}");
        world.calls.push(call);
        match fault {
            Some(TargetFault::Before(error)) => Err(error),
            _ if !known => Err(PortError::new(ErrorKind::Invalid, doing, "there is no such unit")),
            Some(TargetFault::After(error)) => act(&mut world).and(Err(error)),
            None => act(&mut world),
        }
    }

    fn slot_exists(&self, slot: Slot) -> Result<(), PortError> {
        if slot == Slot::Blue || self.capabilities.two_slots {
            return Ok(());
        }
        Err(PortError::new(
            ErrorKind::Invalid,
            "using the green slot",
            "this target has one slot",
        ))
    }
}

impl Target for MemoryTarget {
    fn name(&self) -> &str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn inspect(&self, unit: &UnitId) -> Result<UnitState, PortError> {
        self.call(TargetCall::Inspect(unit.clone()), |world| {
            Ok(UnitState {
                slots: Slot::BOTH
                    .into_iter()
                    .filter_map(|slot| Some((slot, world.slots.get(&(unit.clone(), slot))?.clone())))
                    .collect(),
                foreign: world.foreign.get(unit).cloned(),
            })
        })
    }

    fn put(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Progress<Instance>, PortError> {
        self.call(TargetCall::Put(unit.clone(), slot, release.id()), |world| {
            self.slot_exists(slot)?;
            let doing = format!("starting {unit} ({slot})");
            if let Some(words) = world.foreign.get(unit) {
                return Err(PortError::new(ErrorKind::Denied, doing, words.as_str()));
            }
            let place = (unit.clone(), slot);
            match world.slots.get(&place) {
                Some(there) if there.running && there.release == release.id() => {
                    return Ok(Progress::Done(there.clone()));
                }
                Some(there) if there.running && self.capabilities.two_slots => {
                    return Err(PortError::new(
                        ErrorKind::Conflict,
                        doing,
                        "another release runs there",
                    ));
                }
                _ => {}
            }
            let asked = world.underway.entry(place.clone()).or_default();
            if *asked < world.slowness {
                *asked += 1;
                return Ok(Progress::Underway(format!("{unit} ({slot}) is being made")));
            }
            world.underway.remove(&place);
            let address: Endpoint = format!("http://{unit}.{slot}.test")
                .parse()
                .map_err(|e| PortError::new(ErrorKind::Invalid, doing, &e))?;
            let instance = Instance {
                release: release.id(),
                running: true,
                address: Some(address),
                started: Timestamp::from_unix_millis(i64::try_from(world.calls.len()).unwrap_or(0)),
                note: None,
            };
            world.slots.insert(place, instance.clone());
            Ok(Progress::Done(instance))
        })
    }

    fn remove(&self, unit: &UnitId, slot: Slot, stop: Stop) -> Result<Removal, PortError> {
        self.call(TargetCall::Remove(unit.clone(), slot, stop), |world| {
            self.slot_exists(slot)?;
            let place = (unit.clone(), slot);
            let Some(instance) = world.slots.get(&place) else {
                return Ok(Removal::Gone);
            };
            let asked = world.stopping.entry(place.clone()).or_default();
            if instance.running && stop == Stop::Graceful && *asked < world.lingering {
                *asked += 1;
                return Ok(Removal::Stopping);
            }
            world.stopping.remove(&place);
            world.slots.remove(&place);
            Ok(Removal::Gone)
        })
    }

    fn logs(&self, unit: &UnitId, slot: Slot, lines: usize) -> Result<String, PortError> {
        self.call(TargetCall::Logs(unit.clone(), slot), |world| {
            let instance = world.slots.get(&(unit.clone(), slot));
            let line = instance.map(|instance| format!("release {}\n", instance.release));
            Ok(line.filter(|_| lines > 0).unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::scenario::release;

    fn unit() -> UnitId {
        "web-1".parse().unwrap()
    }

    #[test]
    fn the_fake_keeps_the_contract_with_one_slot_and_with_two() {
        for two_slots in [false, true] {
            let target = MemoryTarget::new(&[unit()], two_slots);
            target.linger(2);
            target.dawdle(2);
            let case = TargetCase {
                target: &target,
                unit: unit(),
                first: release("1"),
                second: release("2"),
                kill: &|_| target.kill(&unit(), Slot::Blue),
            };
            target_contract(&case).unwrap();
        }
    }

    #[test]
    fn faults_strike_before_or_after_the_effect() {
        let target = MemoryTarget::new(&[unit()], true);
        let error = PortError::new(ErrorKind::Ambiguous, "putting", "timeout");
        target.fail(0, error.clone());
        target.fail_after(1, error.clone());
        for running in [0, 1] {
            target.put(&unit(), Slot::Blue, &release("1")).unwrap_err();
            assert_eq!(target.running().len(), running);
        }
        target.fail_each(
            |call| matches!(call, TargetCall::Inspect(_)),
            TargetFault::Before(error),
        );
        assert!(target.inspect(&unit()).is_err());
        target.heal();
        assert!(target.inspect(&unit()).is_ok());
        assert_eq!(target.calls().len(), 4);
    }

    #[test]
    fn an_unknown_unit_is_an_error() {
        let target = MemoryTarget::new(&[], true);
        assert_eq!(target.inspect(&unit()).unwrap_err().kind, ErrorKind::Invalid);
    }
}

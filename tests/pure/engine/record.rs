//! The ledger and the lease fail.

use super::case::{Case, case, cases, drive, recorded, resume, resumed};
use super::world::{Fault, World};
use greenroom::domain::model::{Draft, EnvironmentName, ErrorKind, Held, Holder, Period, PortError, Tenure};
use greenroom::domain::rollout::{Event, Outcome, Rollout};
use greenroom::engine::{DriveError, LeaseKeeper};
use greenroom::ports::{Lease, Ledger};
use greenroom::testing::lease::kept_lease;
use greenroom::testing::{FakeClock, MemoryLease};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

fn appends(case: &Case) -> Vec<usize> {
    let calls = case.clean().world.calls().into_iter().enumerate();
    let appends = calls.filter(|(_, call)| call.starts_with("ledger.append"));
    appends.map(|(number, _)| number).collect()
}

#[test]
fn an_append_that_fails_once_is_repeated_and_nothing_is_recorded_twice() {
    for case in cases() {
        let undisturbed = recorded(&case.clean().world, &case.plan()).len();
        for at in appends(&case).into_iter().step_by(3) {
            for kind in [ErrorKind::Transient, ErrorKind::Ambiguous] {
                for fault in [Fault::Before(kind), Fault::After(kind)] {
                    let end = case.with(at, fault);
                    let context = || format!("{}: {fault:?} at {at}\n{}", case.name, end.story());
                    assert_eq!(end.outcome(), Outcome::Succeeded, "{}", context());
                    let events = recorded(&end.world, &case.plan());
                    assert_eq!(events.len(), undisturbed, "{}", context());
                    assert_eq!(events, end.events(), "{}", context());
                }
            }
        }
    }
}

/// A record of another kind, as `greenroom lock` writes it.
fn lock(world: &World) {
    let environment: EnvironmentName = "staging".parse().unwrap();
    let head = world.ledger.head(&environment).unwrap();
    let draft = Draft {
        at: head.as_ref().unwrap().record.at,
        epoch: head.as_ref().unwrap().record.epoch,
        deployment: None,
        kind: "lock".into(),
        refs: head.as_ref().unwrap().record.refs.clone(),
        body: serde_json::json!({ "by": "bob" }),
    };
    world.ledger.append(&environment, head.as_ref(), &draft).unwrap();
}

#[test]
fn a_record_of_another_kind_in_between_is_written_after() {
    for case in cases() {
        for at in appends(&case).into_iter().skip(1).step_by(2) {
            let world = case.world();
            world.before(at, lock);
            // The look at the new head fails too.
            world.fault(at + 1, Fault::Before(ErrorKind::Transient));
            let end = case.run(&world);
            assert_eq!(
                end.outcome(),
                Outcome::Succeeded,
                "{}: {at}\n{}",
                case.name,
                end.story()
            );
            let records = world.ledger.records(&case.plan().environment);
            assert_eq!(records.iter().filter(|record| record.kind == "lock").count(), 1);
            let last = &records.last().unwrap().refs;
            assert_eq!((last.get("live"), last.get("open")), (Some(&0), None));
        }
    }
}

#[test]
fn another_record_in_between_and_an_uncertain_one_are_told_apart() {
    let case = case("canary");
    for at in appends(&case).into_iter().skip(1) {
        for fault in [
            Fault::Before(ErrorKind::Ambiguous),
            Fault::After(ErrorKind::Ambiguous),
        ] {
            let world = case.world();
            world.fault(at, fault);
            world.before(at + 1, lock);
            let end = case.run(&world);
            assert_eq!(end.outcome(), Outcome::Succeeded, "{at}\n{}", end.story());
            assert_eq!(
                recorded(&world, &case.plan()),
                end.events(),
                "{at}\n{}",
                end.story()
            );
        }
    }
}

#[test]
fn a_ledger_that_refuses_ends_the_drive_at_once() {
    for case in cases() {
        for at in appends(&case) {
            let world = case.world();
            world.fault(at, Fault::Before(ErrorKind::Denied));
            let end = case.run(&world);
            assert!(
                matches!(end.outcome, Some(Err(DriveError::Journal(_)))),
                "{}",
                end.story()
            );
            assert_eq!(
                world.calls().len(),
                at + 1,
                "nothing more is touched\n{}",
                end.story()
            );
        }
    }
}

#[test]
fn a_ledger_that_cannot_be_reached_ends_the_drive_and_a_new_session_finishes() {
    for case in cases() {
        let plan = case.plan();
        for at in appends(&case).into_iter().skip(1).step_by(2) {
            let world = case.world();
            world.fail_forever(at, "ledger.append", ErrorKind::Transient);
            let end = case.run(&world);
            assert!(
                matches!(end.outcome, Some(Err(DriveError::Journal(_)))),
                "{}",
                end.story()
            );
            assert!(world.calls()[at..].iter().all(|call| call.starts_with("ledger")));
            assert!(world.calls().len() < at + 20, "{}", end.story());
            world.heal();
            let mut end = resume(&world, &plan, &resumed());
            end.settle(&case);
            assert_eq!(
                end.outcome(),
                Outcome::Succeeded,
                "{}\n{}",
                case.name,
                end.story()
            );
        }
    }
}

/// A keeper of a lease that can be taken away.
fn precarious(plan: &greenroom::domain::rollout::Plan) -> (Arc<MemoryLease>, Arc<LeaseKeeper>) {
    let lease = Arc::new(MemoryLease::new(Arc::new(FakeClock::default())));
    let ttl = Period::from_secs(2);
    let holder = Holder {
        who: "a test".into(),
        run: None,
        purpose: "deploying".into(),
    };
    let held = lease.acquire(&plan.environment, &holder, ttl).unwrap();
    let keeper = LeaseKeeper::keep(
        Arc::clone(&lease) as Arc<dyn Lease>,
        plan.environment.clone(),
        held,
        ttl,
    );
    (lease, Arc::new(keeper))
}

#[test]
fn a_lost_lease_stops_before_the_next_act() {
    let case = case("rolling");
    let plan = case.plan();
    let calls = case.clean().world.calls();
    let first = |wanted: &str| calls.iter().position(|call| call.starts_with(wanted)).unwrap();
    // While the first unit is staged, and while its previous release is drained.
    let draining = first("remove") - 2;
    assert!(calls[draining].starts_with("routes"));
    for at in [first("put"), draining] {
        let world = case.world();
        let (lease, keeper) = precarious(&plan);
        let (environment, watched) = (plan.environment.clone(), Arc::clone(&keeper));
        world.before(at, move |_| {
            lease.bury(&environment);
            while !watched.is_lost() {
                std::thread::yield_now();
            }
        });
        let end = drive(&world, &plan, &keeper, Rollout::new(plan.clone()), |journal| {
            journal.record(Event::Planned(Box::new(plan.clone())))
        });
        assert!(
            matches!(end.outcome, Some(Err(DriveError::LeaseLost))),
            "{}",
            end.story()
        );
        let acts = |call: &&String| {
            ["put", "remove", "shift", "run"]
                .iter()
                .any(|act| call.starts_with(act))
        };
        let after = world.calls()[at + 1..].iter().filter(acts).count();
        assert_eq!(after, 0, "{}", end.story());
        let mut end = resume(&world, &plan, &resumed());
        end.settle(&case);
        assert_eq!(end.outcome(), Outcome::Succeeded);
    }
}

/// A lease whose renewal does not come back until it is told to.
struct Hanging(Mutex<()>);

impl Lease for Hanging {
    fn acquire(&self, _: &EnvironmentName, _: &Holder, _: Period) -> Result<Held, PortError> {
        Err(PortError::new(ErrorKind::Unsupported, "acquiring", "not here"))
    }
    fn renew(&self, _: &EnvironmentName, held: &Held, _: Period) -> Result<Held, PortError> {
        drop(self.0.lock().unwrap());
        Ok(held.clone())
    }
    fn release(&self, _: &EnvironmentName, _: &Held) -> Result<(), PortError> {
        Ok(())
    }
    fn holder(&self, _: &EnvironmentName) -> Result<Option<Tenure>, PortError> {
        Ok(None)
    }
}

#[test]
fn a_lease_whose_renewal_hangs_is_lost_before_its_time_is_up() {
    let lease = Arc::new(Hanging(Mutex::new(())));
    let hang = lease.0.lock().unwrap();
    let held = Held {
        epoch: 1,
        nonce: "n".into(),
        expires: greenroom::domain::model::Timestamp::from_unix_millis(0),
    };
    let began = std::time::Instant::now();
    let environment = "staging".parse().unwrap();
    let keeper = LeaseKeeper::keep(
        Arc::clone(&lease) as Arc<dyn Lease>,
        environment,
        held,
        Period::from_millis(300),
    );
    while !keeper.is_lost() {
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "never lost");
        std::thread::yield_now();
    }
    drop(hang);
    drop(keeper);
}

#[test]
fn a_deployment_writes_under_the_epoch_of_its_lease() {
    let case = case("direct");
    let plan = case.plan();
    let end = case.clean();
    let epochs: BTreeMap<u64, usize> =
        end.world
            .ledger
            .records(&plan.environment)
            .iter()
            .fold(BTreeMap::new(), |mut epochs, record| {
                *epochs.entry(record.epoch).or_default() += 1;
                epochs
            });
    assert_eq!(
        epochs.into_keys().collect::<Vec<_>>(),
        [kept_lease(&plan.environment).epoch()]
    );
}

//! What is judged on the way: readiness, suites, traffic, health; and ends that are not clean.

use super::case::{End, case, recorded, resume, resumed, start};
use super::world::World;
use greenroom::domain::model::{
    Check, CheckKind, OnInconclusive, Period, ProbeSpec, Slot, Suite, Thresholds, UnitId, Verdict,
};
use greenroom::domain::rollout::{Event, Outcome, Plan, Step, StepResult, Watch};
use greenroom::ports::{Clock, Router, Stop, Target};
use greenroom::testing::router::Answered;
use greenroom::testing::scenario::{Scenario, release};
use std::time::Duration;

fn unit(index: usize) -> UnitId {
    Scenario::unit(index)
}

/// The first failure on record.
fn failure(end: &End) -> (String, Vec<String>) {
    let failed = end.events().into_iter().find_map(|event| match event {
        Event::Ended {
            result: StepResult::Failed { reason, units },
            ..
        } => Some((reason, units.into_iter().map(|unit| unit.logs).collect())),
        _ => None,
    });
    failed.unwrap_or_else(|| panic!("nothing failed\n{}", end.story()))
}

/// Verdicts on record: the check, the verdict and the reason.
fn verdicts(end: &End) -> Vec<(String, Verdict, String)> {
    let events = end.events().into_iter();
    events
        .filter_map(|event| match event {
            Event::Judged {
                check,
                verdict,
                reason,
                ..
            } => Some((check, verdict, reason)),
            _ => None,
        })
        .collect()
}

fn change_traffic(plan: &mut Plan, change: impl Fn(&mut Period, &mut Thresholds)) {
    for step in &mut plan.steps {
        if let Step::Observe(Watch::Traffic { period, thresholds }) = step {
            change(period, thresholds);
        }
    }
}

/// The checks of the suite that is run before there is traffic.
fn preview(plan: &mut Plan) -> &mut Suite {
    let suites = plan.steps.iter_mut().find_map(|step| match step {
        Step::Observe(Watch::Preview { suite, .. }) => Some(suite),
        _ => None,
    });
    suites.unwrap()
}

fn startup(within: Period) -> Check {
    Check {
        name: "startup".into(),
        kind: CheckKind::Performance,
        probe: ProbeSpec::Startup(within),
        timeout: Period::from_secs(1),
    }
}

#[test]
fn an_instance_that_ends_early_fails_with_its_last_words() {
    let case = case("blue-green");
    let world = case.world();
    world.behave(|behaviour| {
        behaviour.exits.insert(unit(1));
    });
    let end = case.run(&world);
    assert_eq!(end.outcome(), Outcome::RolledBack);
    let (reason, logs) = failure(&end);
    assert!(
        reason.contains("web-1 did not become ready: ended after"),
        "{reason}"
    );
    assert!(reason.contains("was killed"), "{reason}");
    assert_eq!(logs.len(), 1);
    assert!(logs[0].contains("release"), "{logs:?}");
}

#[test]
fn an_instance_that_never_answers_is_given_up_at_the_deadline() {
    let case = case("blue-green");
    let world = case.world();
    world.behave(|behaviour| behaviour.slow = Duration::from_secs(3600));
    let end = case.run(&world);
    assert_eq!(end.outcome(), Outcome::RolledBack);
    let (reason, _) = failure(&end);
    assert!(reason.contains("not ready after 30s"), "{reason}");
    let took = world.clock.monotonic();
    assert!(
        took >= Duration::from_secs(30) && took < Duration::from_secs(35),
        "{took:?}"
    );
}

#[test]
fn a_slow_start_is_waited_for_and_the_startup_check_judges_it() {
    let case = case("blue-green");
    for (within, outcome) in [(10, Outcome::Succeeded), (2, Outcome::RolledBack)] {
        let mut plan = case.plan();
        preview(&mut plan).checks.push(startup(Period::from_secs(within)));
        let world = case.world();
        world.behave(|behaviour| behaviour.slow = Duration::from_secs(5));
        let end = start(&world, &plan);
        assert_eq!(end.outcome(), outcome, "{}", end.story());
        let judged = verdicts(&end)
            .into_iter()
            .find(|(check, ..)| check == "startup")
            .unwrap();
        assert!(judged.2.contains("ready after 5"), "{judged:?}");
    }
}

#[test]
fn every_check_of_a_suite_runs_although_one_fails() {
    let case = case("blue-green");
    let mut plan = case.plan();
    let suite = preview(&mut plan);
    let health = suite.checks[0].clone();
    suite.checks = ["first", "second", "third"]
        .map(|name| Check {
            name: name.into(),
            ..health.clone()
        })
        .into();
    let world = case.world();
    world.behave(|behaviour| {
        behaviour.failing_checks.insert("second".into());
    });
    let end = start(&world, &plan);
    assert_eq!(end.outcome(), Outcome::RolledBack);
    let judged: Vec<(String, Verdict)> = verdicts(&end).into_iter().skip(1).map(|v| (v.0, v.1)).collect();
    let (pass, fail) = (Verdict::Pass, Verdict::Fail);
    let expected = [("first", pass), ("second", fail), ("third", pass)];
    assert_eq!(judged, expected.map(|(name, verdict)| (name.to_owned(), verdict)));
    let (reason, _) = failure(&end);
    assert!(reason.contains("second") && !reason.contains("third"), "{reason}");
    assert!(
        !world
            .calls()
            .iter()
            .any(|call| call.starts_with("shift web-0/blue=0")),
        "no traffic"
    );
}

#[test]
fn a_candidate_that_vanished_is_not_taken_for_a_suite_that_passed() {
    let case = case("blue-green");
    let calls = case.clean().world.calls();
    let at = calls
        .iter()
        .rposition(|call| call.starts_with("sample health http://web-0.green"))
        .unwrap();
    let inspected = calls[..at]
        .iter()
        .position(|call| call.starts_with("sample health http://web-1"))
        .unwrap();
    let world = case.world();
    // After both were ready, before the suite looks for its address.
    world.before(inspected + 2, |world| {
        world.target.remove(&unit(0), Slot::Green, Stop::Force).unwrap();
    });
    let end = case.run(&world);
    assert_eq!(end.outcome(), Outcome::RolledBack, "{}", end.story());
    let (reason, _) = failure(&end);
    assert!(
        reason.contains("the candidate does not run in web-0"),
        "{reason}\n{}",
        end.story()
    );
}

#[test]
fn failing_traffic_ends_the_watch_early() {
    let case = case("canary");
    let mut plan = case.plan();
    change_traffic(&mut plan, |period, _| *period = Period::from_secs(600));
    let world = case.world();
    world.behave(|behaviour| {
        behaviour.erring.insert(plan.candidate.id());
    });
    let end = start(&world, &plan);
    assert_eq!(end.outcome(), Outcome::RolledBack);
    let (reason, _) = failure(&end);
    assert!(reason.contains("stopped early"), "{reason}");
    let took = world.clock.monotonic();
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(world.breaches(), Vec::<String>::new());
}

#[test]
fn too_few_requests_lead_where_the_policy_says() {
    let case = case("canary");
    for (policy, outcome) in [
        (OnInconclusive::Pause, Outcome::Halted),
        (OnInconclusive::Rollback, Outcome::RolledBack),
        (OnInconclusive::Promote, Outcome::Succeeded),
    ] {
        let mut plan = case.plan();
        change_traffic(&mut plan, |_, thresholds| {
            if thresholds.on_inconclusive == OnInconclusive::Pause {
                thresholds.on_inconclusive = policy;
            }
        });
        let world = case.world();
        world.behave(|behaviour| behaviour.requests = 0);
        let end = start(&world, &plan);
        assert_eq!(end.outcome(), outcome, "{}", end.story());
        if outcome == Outcome::Halted {
            let summary = end.events().pop();
            assert!(
                matches!(&summary, Some(Event::Finished { summary, .. }) if summary.contains("halted with 20% of traffic on v2")),
                "{summary:?}"
            );
            let end = resume(&world, &plan, &resumed());
            assert_eq!(end.outcome(), Outcome::Succeeded, "{}", end.story());
        }
    }
}

/// The router is restarted: it knows its routes again, and has counted nothing.
fn restart_router(world: &World) {
    let routes = world.standing();
    world.router.shift(&[]).unwrap();
    for route in &routes {
        world.router.listen(&route.address);
    }
    world.router.shift(&routes).unwrap();
}

#[test]
fn a_router_that_was_restarted_does_not_make_a_healthy_candidate_fail() {
    let case = case("canary");
    let mut plan = case.plan();
    change_traffic(&mut plan, |_, thresholds| {
        thresholds.on_inconclusive = OnInconclusive::Promote;
    });
    let calls = case.clean().world.calls();
    let shifted = calls
        .iter()
        .enumerate()
        .filter(|(_, call)| call.starts_with("shift"))
        .nth(1)
        .unwrap()
        .0;
    let mut looks = (shifted..).filter(|at| calls[*at].starts_with("routes"));
    let (first, second, third) = (
        looks.next().unwrap(),
        looks.next().unwrap(),
        looks.next().unwrap(),
    );
    let world = case.world();
    world.behave(|behaviour| behaviour.requests = 0);
    let serve = |world: &World, well, failed| {
        for index in 0..2 {
            assert!(
                world
                    .router
                    .serve((&unit(index), Slot::Green), well, Answered::Well, 3)
            );
            assert!(
                world
                    .router
                    .serve((&unit(index), Slot::Green), failed, Answered::Failed, 3)
            );
        }
    };
    world.before(first, move |world| serve(world, 1000, 0));
    world.before(second, restart_router);
    // 0.8 % of what was answered since failed; of the 40 more than before the restart it were 20 %.
    world.before(third, move |world| serve(world, 1032, 8));
    let end = start(&world, &plan);
    assert_eq!(end.outcome(), Outcome::Succeeded, "{}", end.story());
    let (_, verdict, reason) = verdicts(&end).pop().unwrap();
    assert_eq!(verdict, Verdict::Pass);
    assert!(reason.starts_with("16 of 2080 requests failed"), "{reason}");
}

#[test]
fn a_health_watch_ends_at_the_third_failure_in_a_row_and_not_at_one() {
    let case = case("blue-green unrouted");
    let calls = case.clean().world.calls();
    // The watch asks both candidates in each round; the last suite ran through the public address.
    let public = calls.iter().rposition(|call| call.contains("127.0.0.1")).unwrap();
    let asked = |nth: usize| {
        let mut samples = (public..).filter(|at| calls[*at].contains("sample health http://web-0"));
        samples.nth(nth).unwrap()
    };
    let sicken = |world: &World| {
        world.behave(|b| {
            b.sick.insert(release("v2").id());
        });
    };
    let heal = |world: &World| world.behave(|behaviour| behaviour.sick.clear());

    let world = case.world();
    world.before(asked(1), sicken);
    let end = case.run(&world);
    assert_eq!(end.outcome(), Outcome::RolledBack, "{}", end.story());
    let (reason, _) = failure(&end);
    assert!(
        reason.starts_with("3 health checks failed one after the other"),
        "{reason}"
    );

    let world = case.world();
    world.before(asked(1), sicken);
    world.before(asked(1) + 1, heal);
    let end = case.run(&world);
    assert_eq!(end.outcome(), Outcome::Succeeded, "{}", end.story());
}

#[test]
fn a_candidate_that_dies_under_watch_is_noticed_though_something_answers_at_its_address() {
    let case = case("canary");
    let mut plan = case.plan();
    change_traffic(&mut plan, |period, _| *period = Period::from_secs(60));
    let world = case.world();
    world.behave(|behaviour| behaviour.requests = 0);
    let calls = case.clean().world.calls();
    let watched = calls.iter().position(|call| call.starts_with("shift")).unwrap() + 4;
    world.before(watched, |world| world.target.kill(&unit(1), Slot::Green));
    let end = start(&world, &plan);
    assert_eq!(end.outcome(), Outcome::RolledBack, "{}", end.story());
    let (reason, _) = failure(&end);
    assert!(reason.contains("ended: was killed"), "{reason}\n{}", end.story());
    assert!(world.clock.monotonic() < Duration::from_secs(30));
}

#[test]
fn a_dead_instance_of_the_previous_release_does_not_stand_in_the_way() {
    for name in [
        "direct",
        "rolling",
        "rolling in place",
        "canary",
        "canary by units",
        "canary in place",
    ] {
        for sick in [false, true] {
            let case = case(name);
            let world = case.world();
            world.target.kill(&unit(1), Slot::Blue);
            let plan = case.plan();
            if sick {
                world.behave(|behaviour| {
                    behaviour.sick.insert(plan.candidate.id());
                });
            }
            let end = start(&world, &plan);
            let expected = if sick {
                Outcome::RolledBack
            } else {
                Outcome::Succeeded
            };
            assert_eq!(end.outcome(), expected, "{name}\n{}", end.story());
            assert_eq!(world.breaches(), Vec::<String>::new(), "{name}\n{}", end.story());
        }
    }
}

#[test]
fn what_ran_before_counts_as_restored_though_the_record_knows_another_release() {
    let case = case("blue-green");
    let plan = case.plan();
    let units: Vec<UnitId> = (0..2).map(unit).collect();
    let world = World::new(&units, true, true);
    for unit in &units {
        world.furnish(unit, Slot::Blue, &release("by-hand"), Some(100));
    }
    world.behave(|behaviour| {
        behaviour.sick.insert(plan.candidate.id());
    });
    let end = start(&world, &plan);
    assert_eq!(end.outcome(), Outcome::RolledBack, "{}", end.story());
    let running = world.target.running();
    assert!(running.len() == 2 && running.values().all(|id| *id == release("by-hand").id()));
    assert_eq!(world.breaches(), Vec::<String>::new());
}

#[test]
fn a_unit_within_the_tolerated_number_keeps_its_previous_release_and_its_traffic() {
    let scenario = Scenario {
        max_failures: 1,
        ..Scenario::rolling(4, 2)
    };
    let case = super::case::Case {
        dawdles: 0,
        name: "rolling",
        scenario,
    };
    for in_place in [false, true] {
        let mut case = case.clone();
        case.scenario.in_place = in_place;
        let world = case.world();
        let failing = unit(1);
        world.target.fail_each(
            move |call| {
                let wanted = release("v2").id();
                matches!(call, greenroom::testing::target::TargetCall::Put(unit, _, id) if *unit == failing && *id == wanted)
            },
            greenroom::testing::target::TargetFault::Before(greenroom::domain::model::PortError::new(
                greenroom::domain::model::ErrorKind::Denied,
                "starting web-1",
                "its disk is full",
            )),
        );
        let end = start(&world, &case.plan());
        assert_eq!(end.outcome(), Outcome::Succeeded, "{}", end.story());
        assert_eq!(end.rollout.as_ref().unwrap().warnings().len(), 1);
        let running = world.target.running();
        let kept = &running[&(unit(1), Slot::Blue)];
        assert_eq!((running.len(), kept), (4, &release("v1").id()), "{}", end.story());
        let standing = world.standing();
        let weights: u32 = standing.iter().map(|route| u32::from(route.weight > 0)).sum();
        assert_eq!(weights, 4, "{}", end.story());
        assert_eq!(world.breaches(), Vec::<String>::new());
    }
}

#[test]
fn when_every_unit_fails_nothing_is_promoted() {
    let scenario = Scenario {
        max_failures: 9,
        ..Scenario::rolling(3, 1)
    };
    let case = super::case::Case {
        dawdles: 0,
        name: "rolling",
        scenario,
    };
    let world = case.world();
    let plan = case.plan();
    world.behave(|behaviour| {
        behaviour.sick.insert(plan.candidate.id());
    });
    let end = case.run(&world);
    assert_eq!(end.outcome(), Outcome::RolledBack, "{}", end.story());
}

#[test]
fn requests_that_never_end_and_instances_that_linger_are_ended_after_the_drain() {
    let case = case("blue-green");
    for (in_flight, linger) in [(3600, 0), (1, 3), (1, 100_000)] {
        let world = case.world();
        world.behave(|behaviour| behaviour.in_flight = Duration::from_secs(in_flight));
        world.target.linger(linger);
        let end = case.run(&world);
        assert_eq!(end.outcome(), Outcome::Succeeded, "{}", end.story());
        let forced = world
            .calls()
            .iter()
            .filter(|call| call.ends_with("Force"))
            .count();
        assert_eq!(forced, if linger == 100_000 { 2 } else { 0 }, "{}", end.story());
        assert!(world.clock.monotonic() < Duration::from_secs(60));
    }
}

#[test]
fn secrets_are_taken_out_of_every_reason() {
    let case = case("blue-green");
    let world = case.world();
    world.behave(|behaviour| {
        behaviour.failing_hooks.insert("./migrate".into());
    });
    let end = case.run(&world);
    assert_eq!(end.outcome(), Outcome::RolledBack);
    let (reason, _) = failure(&end);
    assert!(reason.contains("the password is ***"), "{reason}");
    let raw = world.ledger.raw(&case.plan().environment).concat();
    assert!(!String::from_utf8(raw).unwrap().contains("hunter2"));

    // A suite that could not be judged, since the answer is none to its question: its check carries the word.
    let mut plan = case.plan();
    let named = Check {
        name: "hunter2".into(),
        probe: ProbeSpec::Tcp(None),
        ..startup(Period::from_secs(1))
    };
    preview(&mut plan).checks.push(named);
    let world = case.world();
    let end = start(&world, &plan);
    assert_eq!(end.outcome(), Outcome::RolledBack, "{}", end.story());
    let undecided = recorded(&world, &plan).into_iter().find_map(|event| match event {
        Event::Ended {
            result: StepResult::Inconclusive { reason },
            ..
        } => Some(reason),
        _ => None,
    });
    let undecided = undecided.unwrap();
    assert!(
        undecided.contains("***") && !undecided.contains("hunter2"),
        "{undecided}"
    );
}

#[test]
fn a_time_of_day_that_is_set_back_prolongs_no_watch() {
    let case = case("canary");
    let calls = case.clean().world.calls();
    let whole = case.clean().world.clock.monotonic();
    for at in (0..calls.len()).step_by(5) {
        let world = case.world();
        world.before(at, |world| world.clock.set_back(Duration::from_secs(3600)));
        let end = case.run(&world);
        assert_eq!(end.outcome(), Outcome::Succeeded, "{at}\n{}", end.story());
        let took = world.clock.monotonic();
        assert!(
            took <= whole + Duration::from_secs(1),
            "{took:?} instead of {whole:?}\n{}",
            end.story()
        );
    }
}

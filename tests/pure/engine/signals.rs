//! Signals at every port call and at every moment.

use super::case::{Case, End, cases, recorded, resume, resumed};
use super::world::Fault;
use greenroom::domain::model::ErrorKind;
use greenroom::domain::rollout::{Event, Outcome, Phase};
use greenroom::engine::DriveError;
use greenroom::ports::Clock;
use std::time::Duration;

/// What is to come of a rollout of which these events are on record: the way back when the signal came
/// before promotion began, the end otherwise.
fn expected(case: &Case, events: &[Event]) -> Outcome {
    let promotion = case.promotion();
    let promoting = |event: &Event| matches!(event, Event::Began { step } if step.phase == Phase::Forward && step.index == promotion);
    let before = events.iter().take_while(|event| !promoting(event));
    let mut signals = before.filter(|event| matches!(event, Event::Interrupted { .. }));
    if signals.next().is_some() {
        Outcome::RolledBack
    } else {
        Outcome::Succeeded
    }
}

fn check(case: &Case, end: &End, context: &str) {
    let events = end.events();
    assert_eq!(
        end.outcome(),
        expected(case, &events),
        "{} {context}\n{}",
        case.name,
        end.story()
    );
    let breaches = end.world.breaches();
    assert!(
        breaches.is_empty(),
        "{} {context}: {breaches:?}\n{}",
        case.name,
        end.story()
    );
}

#[test]
fn the_first_signal_at_any_call_leads_back_or_to_the_end() {
    let mut back = 0;
    for case in cases() {
        let calls = case.clean().world.calls().len();
        for number in (0..calls).step_by(2) {
            let end = case.with(number, Fault::Signals(1));
            check(&case, &end, &format!("signal at {number}"));
            back += usize::from(end.outcome() == Outcome::RolledBack);
        }
    }
    assert!(back > 200, "{back}");
}

#[test]
fn a_signal_while_waiting_is_heard_at_once() {
    for case in cases() {
        let whole = case.clean().world.clock.monotonic();
        let mut moment = Duration::from_millis(10);
        while moment < whole {
            let world = case.world();
            world.clock.interrupt_after(moment, "SIGINT");
            let start = world.clock.monotonic();
            let end = case.run(&world);
            check(&case, &end, &format!("signal after {moment:?}"));
            let heard = end
                .seen
                .iter()
                .find(|(_, _, event)| matches!(event, Event::Interrupted { .. }));
            if let Some((_, at, _)) = heard {
                let after = at.since(end.seen[0].1).as_duration();
                assert!(
                    after <= moment - start + Duration::from_millis(5),
                    "{after:?} {moment:?}"
                );
            }
            moment += Duration::from_millis(330);
        }
    }
}

#[test]
fn a_signal_cuts_no_retry_short() {
    for case in cases() {
        let calls = case.clean().world.calls().len();
        for number in (0..calls).step_by(3) {
            let world = case.world();
            world.fault(number, Fault::Signals(1));
            for later in 1..4 {
                world.fault(number + later, Fault::Before(ErrorKind::Transient));
            }
            let end = case.run(&world);
            let hook = world.calls()[number + 1..(number + 4).min(world.calls().len())]
                .iter()
                .any(|call| call.starts_with("run"));
            if !hook {
                check(&case, &end, &format!("signal at {number}, then errors"));
            }
        }
    }
}

#[test]
fn the_second_signal_stops_and_a_new_session_finishes() {
    let mut stopped = 0;
    for case in cases() {
        let plan = case.plan();
        let calls = case.clean().world.calls().len();
        for number in (0..calls).step_by(2) {
            let world = case.world();
            world.fault(number, Fault::Signals(2));
            let end = case.run(&world);
            let before = world.calls();
            if let Some(Err(error)) = &end.outcome {
                assert!(matches!(error, DriveError::Stopped("SIGTERM")), "{error}");
                let acts = before[number + 1..].iter().filter(|call| {
                    ["put", "remove", "shift", "run"]
                        .iter()
                        .any(|act| call.starts_with(act))
                });
                // The step in which they came may be finished; no other one is begun.
                assert!(acts.count() <= 3, "{}: {number}\n{}", case.name, end.story());
                stopped += 1;
                let then = expected(&case, &recorded(&world, &plan));
                let mut end = resume(&world, &plan, &resumed());
                end.settle(&case);
                assert_eq!(end.outcome(), then, "{}: {number}\n{}", case.name, end.story());
            }
        }
    }
    assert!(stopped > 300, "{stopped}");
}

#[test]
fn a_second_signal_on_the_way_back_stops_there() {
    for case in cases() {
        let plan = case.plan();
        let calls = case.clean().world.calls().len();
        for number in (2..calls).step_by(11) {
            for later in [1, 3, 6, 9] {
                let world = case.world();
                world.fault(number, Fault::Signals(1));
                world.fault(number + later, Fault::Signals(1));
                let end = case.run(&world);
                if !matches!(end.outcome, Some(Err(DriveError::Stopped(_)))) {
                    end.outcome();
                    continue;
                }
                let then = expected(&case, &recorded(&world, &plan));
                let mut end = resume(&world, &plan, &resumed());
                end.settle(&case);
                assert_eq!(end.outcome(), then, "{}: {number}\n{}", case.name, end.story());
            }
        }
    }
}

//! The process dies after every port call (which is before the next one), and another takes the rollout up.

use super::case::{case, cases, recorded, resume, resumed, start};
use super::world::Fault;
use greenroom::domain::rollout::{Event, Outcome};

#[test]
fn a_rollout_whose_process_died_anywhere_is_taken_up_and_succeeds() {
    let mut runs = 0;
    for case in cases() {
        let (plan, calls) = (case.plan(), case.clean().world.calls());
        for number in (0..calls.len()).step_by(2) {
            let world = case.world();
            world.fault(number, Fault::Dies);
            let dead = start(&world, &plan);
            assert!(
                dead.outcome.is_none(),
                "{}: {number} {}",
                case.name,
                calls[number]
            );
            let events = recorded(&world, &plan);
            if events.is_empty() || matches!(events.last(), Some(Event::Finished { .. })) {
                continue;
            }
            let mut end = resume(&world, &plan, &resumed());
            end.settle(&case);
            let context = || format!("{}: {number} {}", case.name, calls[number]);
            assert_eq!(
                end.outcome(),
                Outcome::Succeeded,
                "{}\n{}",
                context(),
                end.story()
            );
            runs += 1;
        }
    }
    assert!(runs > 600, "only {runs} runs");
}

#[test]
fn a_rollout_that_dies_on_its_way_back_is_taken_up_and_gets_there() {
    for name in [
        "rolling",
        "rolling in place",
        "canary",
        "blue-green unrouted",
        "first deployment",
    ] {
        let case = case(name);
        let plan = case.plan();
        let sick = || {
            let world = case.world();
            world.behave(|behaviour| {
                behaviour.sick.insert(plan.candidate.id());
            });
            world
        };
        let calls = case.run(&sick()).world.calls().len();
        for number in (1..calls).step_by(2) {
            let world = sick();
            world.fault(number, Fault::Dies);
            start(&world, &plan);
            if matches!(recorded(&world, &plan).last(), Some(Event::Finished { .. })) {
                continue;
            }
            let mut end = resume(&world, &plan, &resumed());
            end.settle(&case);
            assert_eq!(
                end.outcome(),
                Outcome::RolledBack,
                "{name}: {number}\n{}",
                end.story()
            );
        }
    }
}

#[test]
fn two_deaths_in_a_row_do_no_more_harm_than_one() {
    for case in cases() {
        let (plan, calls) = (case.plan(), case.clean().world.calls().len());
        for number in (3..calls).step_by(11) {
            let world = case.world();
            world.fault(number, Fault::Dies);
            world.fault(number + 4, Fault::Dies);
            start(&world, &plan);
            if resume(&world, &plan, &resumed()).outcome.is_none()
                && !matches!(recorded(&world, &plan).last(), Some(Event::Finished { .. }))
            {
                let mut end = resume(&world, &plan, &resumed());
                end.settle(&case);
                assert_eq!(
                    end.outcome(),
                    Outcome::Succeeded,
                    "{}: {number}\n{}",
                    case.name,
                    end.story()
                );
            }
        }
    }
}

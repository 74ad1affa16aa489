//! A failure at every port call of every strategy.

use super::case::{Case, End, case, cases};
use super::world::Fault;
use greenroom::domain::model::ErrorKind;
use greenroom::domain::rollout::{Event, Outcome, Phase};

/// The calls of the undisturbed run that go to target, router, probe and runner.
fn calls(case: &Case) -> Vec<(usize, String)> {
    let calls = case.clean().world.calls().into_iter().enumerate();
    calls.filter(|(_, call)| !call.starts_with("ledger")).collect()
}

fn function(call: &str) -> &str {
    call.split(' ').next().unwrap()
}

/// Tries one fault at every call, or at every `stride`th.
fn everywhere(fault: Fault, stride: usize, check: impl Fn(&str, &End, &dyn Fn() -> String)) {
    let mut runs = 0;
    for case in cases() {
        for (number, call) in calls(&case).into_iter().step_by(stride) {
            let end = case.with(number, fault);
            let context = || format!("{} with {fault:?} at {number} {call}\n{}", case.name, end.story());
            check(function(&call), &end, &context);
            runs += 1;
        }
    }
    assert!(runs > 400 / stride, "only {runs} runs");
}

/// What is tried again, or looked into, does not change how a rollout ends, and drops no request.
fn passes(function: &str, end: &End, context: &dyn Fn() -> String) {
    // A hook is not repeated: what it did before it failed is not known.
    if function != "run" {
        assert_eq!(end.outcome(), Outcome::Succeeded, "{}", context());
    }
    let breaches = end.world.breaches();
    assert!(breaches.is_empty(), "{breaches:?} {}", context());
}

#[test]
fn one_transient_error_anywhere_is_survived() {
    everywhere(Fault::Before(ErrorKind::Transient), 2, passes);
}

#[test]
fn one_transient_error_after_the_effect_is_survived() {
    everywhere(Fault::After(ErrorKind::Transient), 3, passes);
}

#[test]
fn an_ambiguous_error_is_looked_into_whether_it_happened_or_not() {
    for fault in [
        Fault::Before(ErrorKind::Ambiguous),
        Fault::After(ErrorKind::Ambiguous),
    ] {
        everywhere(fault, 3, |function, end, context| {
            if function != "sample" {
                passes(function, end, context);
            }
        });
    }
}

#[test]
fn a_look_that_fails_after_an_ambiguous_act_is_repeated() {
    for case in cases() {
        for (number, call) in calls(&case) {
            if matches!(function(&call), "put" | "remove" | "shift") {
                let world = case.world();
                world.fault(number, Fault::After(ErrorKind::Ambiguous));
                world.fault(number + 1, Fault::Before(ErrorKind::Transient));
                let end = case.run(&world);
                assert_eq!(end.outcome(), Outcome::Succeeded, "{call} {}", end.story());
            }
        }
    }
}

#[test]
fn what_happened_is_not_done_twice() {
    for case in cases() {
        for (number, call) in calls(&case) {
            if !matches!(function(&call), "put" | "remove" | "shift" | "run") {
                continue;
            }
            if function(&call) == "put" && case.dawdles > 0 {
                // What is under way is asked about with the same call.
                continue;
            }
            let end = case.with(number, Fault::After(ErrorKind::Ambiguous));
            let later = end.world.calls();
            let until_recorded = later[number + 1..]
                .iter()
                .take_while(|call| !call.starts_with("ledger"));
            let again = until_recorded.filter(|later| **later == call).count();
            assert_eq!(again, 0, "{}: {call} repeated\n{}", case.name, end.story());
        }
    }
}

#[test]
fn a_refusal_anywhere_ends_well() {
    everywhere(Fault::Before(ErrorKind::Denied), 2, |_, end, _| {
        end.outcome();
    });
    everywhere(Fault::Before(ErrorKind::Conflict), 5, |_, end, _| {
        end.outcome();
    });
}

#[test]
fn only_promotion_itself_is_halted_by_one_refusal() {
    everywhere(Fault::After(ErrorKind::Denied), 3, |_, end, context| {
        let events = end.events();
        let halted = end.outcome() == Outcome::Halted;
        let completed = events
            .iter()
            .any(|event| matches!(event, Event::Began { step } if step.phase == Phase::Completion));
        assert_eq!(halted, completed, "{}", context());
    });
}

#[test]
fn a_port_that_fails_for_ever_ends_well() {
    let mut runs = 0;
    for case in cases() {
        let calls = calls(&case);
        // Every third place is enough: the same function fails from there on.
        for (number, call) in calls.iter().step_by(3) {
            for kind in [ErrorKind::Transient, ErrorKind::Denied] {
                let world = case.world();
                world.fail_forever(*number, function(call), kind);
                let end = case.run(&world);
                let most = calls.len() * 12 + 400;
                assert!(
                    world.calls().len() < most,
                    "{}: too many calls\n{}",
                    case.name,
                    end.story()
                );
                end.outcome();
                runs += 1;
            }
        }
    }
    assert!(runs > 300, "only {runs} runs");
}

#[test]
fn a_hook_that_cannot_be_started_turns_back_and_after_promotion_is_a_warning() {
    let case = case("blue-green");
    let hooks: Vec<usize> = calls(&case)
        .into_iter()
        .filter(|(_, call)| function(call) == "run")
        .map(|(number, _)| number)
        .collect();
    let ends = hooks
        .iter()
        .map(|at| case.with(*at, Fault::Before(ErrorKind::Transient)));
    let outcomes: Vec<Outcome> = ends.map(|end| end.outcome()).collect();
    assert_eq!(outcomes, [Outcome::RolledBack, Outcome::Succeeded]);
}

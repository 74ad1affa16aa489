//! Every fault of every strategy, every crash, and every prefix of the record.

use super::world::{Fault, World, run, run_recorded};
use greenroom::domain::model::Percent;
use greenroom::domain::rollout::{Event, Next, Outcome, Phase, Rollout, Side, Step, Watch};

use greenroom::testing::scenario::{Scenario, all_scenarios};
use proptest::prelude::*;

#[test]
fn every_strategy_succeeds_when_nothing_fails() {
    for scenario in all_scenarios() {
        let end = run(&scenario, &[]);
        assert_eq!(end.outcome, Outcome::Succeeded, "{scenario:?}");
        end.world.assert_all_run_candidate(&scenario);
    }
}

#[test]
fn a_fault_at_every_effect_of_every_strategy_ends_well() {
    let mut runs = 0;
    for scenario in all_scenarios() {
        let steps = run(&scenario, &[]).performed;
        for at in 0..steps + 4 {
            for fault in Fault::ALL {
                run(&scenario, &[(at, fault)]).assert_sound(&scenario);
                runs += 1;
                for later in [at + 1, at + 3] {
                    run(&scenario, &[(at, fault), (later, Fault::FailsBefore)]).assert_sound(&scenario);
                    run(&scenario, &[(at, fault), (later, Fault::CrashesAfter)]).assert_sound(&scenario);
                    runs += 2;
                }
            }
        }
    }
    assert!(runs > 10_000, "only {runs} runs");
}

#[test]
fn a_single_failure_before_promotion_always_brings_the_previous_version_back() {
    for scenario in all_scenarios()
        .into_iter()
        .filter(|scenario| scenario.max_failures == 0)
    {
        let promotion = scenario
            .plan()
            .steps
            .iter()
            .position(|step| *step == Step::Promote)
            .unwrap();
        for at in 0..promotion {
            let end = run(&scenario, &[(at, Fault::FailsAfter)]);
            assert_eq!(end.outcome, Outcome::RolledBack, "{scenario:?} failing at {at}");
            end.world.assert_all_run_previous(&scenario);
        }
    }
}

#[test]
fn a_failure_during_promotion_sends_all_traffic_to_the_candidate_and_halts() {
    for scenario in all_scenarios() {
        let promotion = scenario
            .plan()
            .steps
            .iter()
            .position(|step| *step == Step::Promote)
            .unwrap();
        let end = run(&scenario, &[(promotion, Fault::FailsBefore)]);
        assert_eq!(end.outcome, Outcome::Halted, "{scenario:?}");
        let last = end.rollout.traffic();
        assert!(
            scenario.in_place
                || last
                    .iter()
                    .all(|share| (share.weight > 0) == scenario.is_candidate(share)),
            "{last:?}"
        );
        assert!(!end.rollout.can_abort(), "the way back is closed");
    }
}

#[test]
fn after_promotion_a_failing_retirement_is_a_warning() {
    for scenario in all_scenarios() {
        let plan = scenario.plan();
        let promotion = plan.steps.iter().position(|step| *step == Step::Promote).unwrap();
        for at in promotion + 1..plan.steps.len() {
            let end = run(&scenario, &[(at, Fault::FailsBefore)]);
            assert_eq!(end.outcome, Outcome::Succeeded, "{scenario:?} failing at {at}");
            assert_eq!(end.rollout.warnings().len(), 1);
        }
    }
}

#[test]
fn a_signal_before_promotion_leads_back_and_after_it_to_the_end() {
    for scenario in all_scenarios() {
        let plan = scenario.plan();
        let promotion = plan.steps.iter().position(|step| *step == Step::Promote).unwrap();
        for at in 0..plan.steps.len() {
            let end = run(&scenario, &[(at, Fault::Interrupted)]);
            let expected = if at < promotion {
                Outcome::RolledBack
            } else {
                Outcome::Succeeded
            };
            assert_eq!(end.outcome, expected, "{scenario:?} interrupted at {at}");
        }
    }
}

#[test]
fn a_first_deployment_that_fails_is_removed() {
    for scenario in all_scenarios()
        .into_iter()
        .filter(|scenario| !scenario.has_previous)
    {
        let end = run(&scenario, &[(1, Fault::FailsAfter)]);
        assert_eq!(end.outcome, Outcome::RolledBack);
        assert!(end.world.is_empty(), "{:?}", end.world);
    }
}

#[test]
fn an_irreversible_hook_closes_the_way_back() {
    let scenario = Scenario {
        irreversible_hook: true,
        ..Scenario::blue_green(2)
    };
    let end = run(&scenario, &[(3, Fault::FailsAfter)]);
    assert_eq!(end.outcome, Outcome::Halted);
    assert!(end.rollout.can_abort(), "a person may still decide to go back");
}

#[test]
fn a_rolling_rollout_leaves_as_many_units_behind_as_it_may() {
    let scenario = Scenario {
        max_failures: 1,
        ..Scenario::rolling(4, 2)
    };
    let end = run(&scenario, &[(1, Fault::OneUnitFails)]);
    assert_eq!(end.outcome, Outcome::Succeeded);
    assert_eq!(end.world.running("v2").len(), 3, "{:?}", end.world);
    assert_eq!(end.world.running("v1").len(), 1);
    assert!(
        end.events
            .iter()
            .any(|event| matches!(event, Event::Began { step } if step.phase == Phase::Detour))
    );

    let twice = run(&scenario, &[(1, Fault::OneUnitFails), (9, Fault::OneUnitFails)]);
    assert_eq!(twice.outcome, Outcome::RolledBack);
    twice.world.assert_all_run_previous(&scenario);
}

#[test]
fn a_paused_canary_goes_on_when_a_person_resumes_and_back_when_one_aborts() {
    let scenario = Scenario::canary(2);
    let watch = scenario
        .plan()
        .steps
        .iter()
        .position(|step| matches!(step, Step::Observe(Watch::Traffic { .. })))
        .unwrap();
    let paused = run(&scenario, &[(watch, Fault::Inconclusive)]);
    assert_eq!(paused.outcome, Outcome::Halted);
    assert_eq!(paused.rollout.candidate_share(), Percent::try_from(5).unwrap());

    let resumed = paused.clone().again(
        &scenario,
        Event::Resumed {
            origin: scenario.origin(),
        },
    );
    assert_eq!(resumed.outcome, Outcome::Succeeded);
    resumed.world.assert_all_run_candidate(&scenario);

    let aborted = paused.again(
        &scenario,
        Event::Aborted {
            origin: scenario.origin(),
        },
    );
    assert_eq!(aborted.outcome, Outcome::RolledBack);
    aborted.world.assert_all_run_previous(&scenario);
}

#[test]
fn shares_hold_when_the_number_of_units_changes() {
    for (before, after) in [(1, 3), (3, 1), (7, 4)] {
        let scenario = Scenario {
            units_before: before,
            ..Scenario::canary(after)
        };
        let mut rollout = Rollout::new(scenario.plan());
        let mut world = World::new(&scenario);
        let mut seen = Vec::new();
        while let Next::Run(id, step) = rollout.next() {
            rollout.apply(&Event::Began { step: id }).unwrap();
            world.perform(&scenario, &rollout, &step, None);
            if let Step::Shift { percent, .. } = step {
                assert_eq!(rollout.candidate_share(), percent, "{before} → {after}");
                seen.push(percent.get());
            }
            rollout
                .apply(&Event::Ended {
                    step: id,
                    result: greenroom::domain::rollout::StepResult::Done,
                })
                .unwrap();
        }
        assert_eq!(seen, [5, 25, 50, 100]);
    }
}

#[test]
fn what_does_not_fit_is_rejected_and_changes_nothing() {
    let scenario = Scenario::blue_green(1);
    let rollout = Rollout::new(scenario.plan());
    let Next::Run(first, _) = rollout.next() else {
        panic!("nothing to do")
    };
    let wrong = greenroom::domain::rollout::StepId {
        index: first.index + 1,
        ..first
    };
    for event in [
        Event::Began { step: wrong },
        Event::Ended {
            step: first,
            result: greenroom::domain::rollout::StepResult::Done,
        },
        Event::Planned(Box::new(scenario.plan())),
        Event::Finished {
            outcome: Outcome::Succeeded,
            summary: String::new(),
            warnings: vec![],
        },
    ] {
        let mut changed = rollout.clone();
        assert!(changed.apply(&event).is_err(), "{event:?}");
        assert_eq!(changed, rollout);
    }
}

#[test]
fn the_previous_version_is_restored_before_traffic_returns_and_the_candidate_goes_last() {
    let scenario = Scenario::rolling(2, 1);
    // The health check of the second batch fails, after the first batch lost its previous version.
    let at = scenario
        .plan()
        .steps
        .iter()
        .rposition(|step| matches!(step, Step::AwaitReady { .. }))
        .unwrap();
    let end = run(&scenario, &[(at, Fault::FailsAfter)]);
    let way_back: Vec<&str> = end
        .steps
        .iter()
        .filter(|(id, _)| id.phase == Phase::Recovery)
        .map(|(_, step)| match step {
            Step::Restore { .. } => "restore",
            Step::AwaitReady {
                side: Side::Previous, ..
            } => "await",
            Step::Shift { .. } => "shift",
            Step::Retire {
                side: Side::Candidate,
                ..
            } => "retire",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(way_back, ["restore", "await", "shift", "retire"]);
}

#[test]
fn two_faults_anywhere_end_well_where_a_unit_may_be_left_behind() {
    let scenario = Scenario {
        max_failures: 1,
        ..Scenario::rolling(4, 2)
    };
    let last = run(&scenario, &[]).performed + 6;
    for first in 0..last {
        for second in first + 1..last {
            for fault in Fault::ALL {
                for other in Fault::ALL {
                    run(&scenario, &[(first, fault), (second, other)]).assert_sound(&scenario);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(2_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_faults_at_any_places_end_well_and_replay_equals_live(
        which in 0..all_scenarios().len(),
        faults in prop::collection::vec((0usize..30, 0..Fault::ALL.len()), 0..6),
    ) {
        let scenario = &all_scenarios()[which];
        let faults: Vec<(usize, Fault)> = faults.into_iter().map(|(at, fault)| (at, Fault::ALL[fault])).collect();
        let end = run_recorded(scenario, &faults);
        end.assert_sound(scenario);
        for upto in 0..=end.events.len() {
            let replayed = Rollout::replay(scenario.plan(), &end.events[..upto]).unwrap();
            prop_assert_eq!(&replayed, &end.states.as_ref().unwrap()[upto]);
        }
    }
}

//! Every strategy from the plan to the end, and what is on record of it.

use super::case::{case, cases, recorded};
use super::world::Fault;
use greenroom::domain::history;
use greenroom::domain::model::ErrorKind;
use greenroom::domain::rollout::{Event, Outcome};

#[test]
fn every_strategy_succeeds_and_drops_no_request() {
    for case in cases() {
        let end = case.clean();
        assert_eq!(
            end.outcome(),
            Outcome::Succeeded,
            "{}\n{}",
            case.name,
            end.story()
        );
        let breaches = end.world.breaches();
        assert!(
            breaches.is_empty(),
            "{}: {breaches:?}\n{}",
            case.name,
            end.story()
        );
    }
}

#[test]
fn observers_see_what_the_ledger_holds_in_order_and_the_references_follow() {
    for case in cases() {
        let end = case.clean();
        let plan = case.plan();
        let records = end.world.ledger.records(&plan.environment);
        assert_eq!(recorded(&end.world, &plan), end.events());
        let mut previous = None;
        for (record, (seq, at, event)) in records.iter().zip(&end.seen) {
            assert_eq!((record.seq, record.at), (*seq, *at));
            assert_eq!(record.deployment.as_ref(), Some(&plan.deployment));
            assert_eq!(
                record.refs,
                history::refs_after(previous, &plan, event),
                "{}",
                case.name
            );
            previous = Some(record);
        }
        assert_eq!(
            records.last().unwrap().refs.get("live"),
            Some(&0),
            "{}",
            case.name
        );
        assert_eq!(records.last().unwrap().refs.get("open"), None);
    }
}

#[test]
fn each_act_stands_between_the_records_of_its_step() {
    let end = case("rolling").clean();
    let calls = end.world.calls();
    assert_eq!(calls[0], "ledger.append ", "the plan comes first");
    for (number, call) in calls.iter().enumerate() {
        if call.starts_with("put") {
            assert_eq!(calls[number - 1], "ledger.append ", "{number}\n{}", end.story());
            assert_eq!(calls[number + 1], "ledger.append ", "{number}\n{}", end.story());
        }
    }
}

#[test]
fn the_end_says_what_is_live() {
    let summaries: Vec<String> = ["blue-green", "first deployment"]
        .iter()
        .map(|name| {
            let case = case(name);
            let world = case.world();
            world.behave(|behaviour| {
                behaviour.failing_checks.insert("health".into());
            });
            let end = case.run(&world);
            assert_eq!(end.outcome(), Outcome::RolledBack);
            match end.events().last() {
                Some(Event::Finished { summary, .. }) => summary.split(':').next().unwrap().to_owned(),
                other => panic!("{other:?}"),
            }
        })
        .collect();
    assert_eq!(
        summaries,
        [
            "v2 was taken back, v1 is live",
            "v2 was removed, no release before it is on record"
        ]
    );
}

#[test]
fn what_ran_is_saved_first_and_old_backups_go_in_the_end() {
    let case = case("backed up");
    let end = case.clean();
    assert_eq!(end.outcome(), Outcome::Succeeded);
    let calls = end.world.calls();
    let at = |wanted: &str| calls.iter().position(|call| call.starts_with(wanted));
    let (saved, proven, put) = (at("take"), at("verify"), at("put"));
    assert!(saved < proven && proven < put && put < at("prune"), "{calls:#?}");
    for unit in ["web-0", "web-1"] {
        let kept = end.world.backup.of(&unit.parse().unwrap());
        assert_eq!(kept.len(), 1, "{unit}");
    }
}

#[test]
fn a_backup_that_is_not_there_after_all_ends_it_before_anything_is_touched() {
    let case = case("backed up");
    let clean = case.clean().world.calls();
    let verify = clean.iter().position(|call| call.starts_with("verify")).unwrap();
    let end = case.with(verify, Fault::Before(ErrorKind::Missing));
    assert_eq!(end.outcome(), Outcome::RolledBack);
    let calls = end.world.calls();
    assert!(!calls.iter().any(|call| call.starts_with("put")), "{calls:#?}");
}

#[test]
fn what_was_removed_already_comes_back_from_its_backup() {
    let case = case("backed up");
    // The second unit's put fails, when the first unit's previous release is gone.
    let clean = case.clean().world.calls();
    let puts: Vec<usize> = (0..clean.len())
        .filter(|&at| clean[at].starts_with("put"))
        .collect();
    let end = case.with(puts[1], Fault::Before(ErrorKind::Denied));
    assert_eq!(end.outcome(), Outcome::RolledBack);
    let calls = end.world.calls();
    let back: Vec<&String> = calls
        .iter()
        .filter(|call| call.starts_with("bring back"))
        .collect();
    assert_eq!(back, ["bring back web-0"], "only where it was gone");
}

//! Every strategy from the plan to the end, and what is on record of it.

use super::case::{case, cases, recorded};
use greenroom::history;
use greenroom::rollout::{Event, Outcome};

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

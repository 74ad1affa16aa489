//! Plausible histories: plans, the events of whole deployments, and large ledgers made quickly.
#![expect(clippy::expect_used, reason = "a test that cannot set its scene stops")]

use crate::adapters::ledger::{encode_record, write_unsynced};
use crate::domain::history::{ROLLOUT, refs_after};
use crate::domain::model::{
    Actor, CheckKind, Draft, EnvironmentName, Origin, Percent, Period, Record, Release, Slot, Stored,
    Strategy, Timestamp, UnitId, Verdict,
};
use crate::domain::rollout::{
    Event, Kind, Outcome, Phase, Placement, Plan, Readiness, RollbackPolicy, Samples, Side, Step, StepId,
    StepResult,
};
use std::path::Path;

/// A blue-green plan for one unit in `production`: `version` goes out over `previous`.
pub fn plan(deployment: &str, version: &str, previous: Option<&str>) -> Plan {
    let units: Vec<UnitId> = vec!["web-1".parse().expect("a unit id")];
    let release = |version: &str| Release {
        version: version.parse().expect("a version"),
        artifact: None,
        commit: None,
        variables: [("GREETING".to_owned(), "hello".to_owned())].into(),
        secrets: [].into(),
    };
    Plan {
        deployment: deployment.parse().expect("a deployment id"),
        kind: Kind::Deploy,
        service: "shop".to_owned(),
        environment: production(),
        origin: Origin {
            actor: Actor {
                name: "ann".to_owned(),
                via: "local".to_owned(),
            },
            reason: format!("deploying {version}"),
            run: None,
            commit: None,
        },
        strategy: Strategy::BlueGreen,
        candidate: release(version),
        previous: previous.map(release),
        placements: vec![Placement {
            unit: units[0].clone(),
            previous: previous.map(|_| Slot::Blue),
            candidate: Some(Slot::Green),
        }],
        url: None,
        routed: true,
        in_place: false,
        readiness: Readiness {
            check: None,
            interval: Period::from_secs(1),
            timeout: Period::from_secs(60),
        },
        policy: RollbackPolicy {
            clean_up: true,
            automatic: true,
            max_failures: 0,
        },
        drain: Period::from_secs(10),
        parallelism: 1,
        grounds: crate::domain::rollout::Grounds::default(),
        signatures: Vec::new(),
        steps: vec![
            Step::Stage { units: units.clone() },
            Step::Shift {
                units: units.clone(),
                percent: Percent::try_from(100).expect("a percentage"),
            },
            Step::Promote,
            Step::Retire {
                side: Side::Previous,
                units,
            },
        ],
    }
}

/// The environment of all stories.
pub fn production() -> EnvironmentName {
    "production".parse().expect("a name")
}

/// The step with this index on the way forward.
pub fn forward(index: u32) -> StepId {
    StepId {
        phase: Phase::Forward,
        index,
    }
}

/// `Began` and `Ended` of one step.
pub fn performed(step: StepId, result: StepResult) -> [Event; 2] {
    [Event::Began { step }, Event::Ended { step, result }]
}

/// A passing verdict in `step`.
pub fn judged(step: StepId) -> Event {
    Event::Judged {
        step,
        check: "answers".to_owned(),
        suite: Some("smoke".to_owned()),
        kind: CheckKind::Functional,
        unit: None,
        share: Percent::try_from(100).expect("a percentage"),
        verdict: Verdict::Pass,
        reason: "status 200, expected 200".to_owned(),
        samples: Samples {
            count: 3,
            failed: 0,
            p50: Some(Period::from_millis(2)),
            p95: Some(Period::from_millis(5)),
        },
        took: Period::from_millis(8),
    }
}

/// The end of a rollout.
pub fn finished(outcome: Outcome) -> Event {
    Event::Finished {
        outcome,
        summary: format!("it {outcome}"),
        warnings: Vec::new(),
    }
}

/// The events of a deployment by `plan` in which everything goes well.
pub fn success(plan: &Plan) -> Vec<Event> {
    let mut events = vec![Event::Planned(Box::new(plan.clone()))];
    for index in 0..4 {
        let [began, ended] = performed(forward(index), StepResult::Done);
        events.push(began);
        if index == 1 {
            events.push(judged(forward(index)));
        }
        events.push(ended);
    }
    events.push(finished(Outcome::Succeeded));
    events
}

/// The draft by which `event` of `plan` is recorded after `previous`: one second later, epoch 1.
pub fn draft(previous: Option<&Record>, plan: &Plan, event: &Event) -> Draft {
    let start = Timestamp::from_unix_millis(1_795_176_000_000);
    Draft {
        at: previous.map_or(start, |record| record.at.plus(Period::from_secs(1))),
        epoch: 1,
        deployment: Some(plan.deployment.clone()),
        kind: ROLLOUT.to_owned(),
        refs: refs_after(previous, plan, event),
        body: serde_json::to_value(event).expect("an event as JSON"),
    }
}

/// The records of these deployments, one after the other, as a ledger would hold them.
pub fn chain(deployments: &[(Plan, Vec<Event>)]) -> Vec<(Stored, Vec<u8>)> {
    let mut chain: Vec<(Stored, Vec<u8>)> = Vec::new();
    for (plan, events) in deployments {
        for event in events {
            let last = chain.last().map(|(stored, _)| stored);
            let draft = draft(last.map(|stored| &stored.record), plan, event);
            let nonce = format!("{:032x}", chain.len());
            let next = encode_record(&production(), last, &draft, nonce).expect("a record");
            chain.push(next);
        }
    }
    chain
}

/// Writes a whole ledger of successful deployments with exactly `length` records into the directory
/// `root`, without waiting for the disk; the last deployment may be under way. Returns the newest
/// record.
pub fn write_large_ledger(root: &Path, length: usize) -> Stored {
    let mut last: Option<Stored> = None;
    let mut number = 0_u32;
    while last.as_ref().map_or(0, |stored| stored.record.seq + 1) < length as u64 {
        let before = number.checked_sub(1).map(|before| format!("1.0.{before}"));
        let plan = plan(
            &format!("d-{number}"),
            &format!("1.0.{number}"),
            before.as_deref(),
        );
        let room = length - last.as_ref().map_or(0, |stored| stored.record.seq as usize + 1);
        for event in success(&plan).iter().take(room) {
            let draft = draft(last.as_ref().map(|stored| &stored.record), &plan, event);
            let nonce = format!("{number:032x}");
            let (stored, bytes) =
                encode_record(&production(), last.as_ref(), &draft, nonce).expect("a record");
            write_unsynced(root, &stored, &bytes).expect("a writable directory");
            last = Some(stored);
        }
        number += 1;
    }
    last.expect("a length of at least 1")
}

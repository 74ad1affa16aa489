use super::*;
use crate::domain::model::{Digest, Holder, Period, Record, Release, Tenure};

use crate::domain::rollout::{Event, Kind, Outcome, Phase, Plan, StepId, StepResult};
use crate::testing::story::{chain, finished, forward, performed, plan, success};

type Story = Vec<(Plan, Vec<Event>)>;

fn records(story: &Story) -> Vec<Record> {
    chain(story)
        .into_iter()
        .map(|(stored, _)| stored.record)
        .collect()
}

/// The first `count` steps of the way forward, done.
fn begun(plan: &Plan, count: u32) -> Vec<Event> {
    let steps = (0..count).flat_map(|index| performed(forward(index), StepResult::Done));
    std::iter::once(Event::Planned(Box::new(plan.clone())))
        .chain(steps)
        .collect()
}

fn went_well(id: &str, version: &str, previous: Option<&str>) -> (Plan, Vec<Event>) {
    let plan = plan(id, version, previous);
    let events = success(&plan);
    (plan, events)
}

fn ended(
    id: &str,
    version: &str,
    previous: Option<&str>,
    steps: u32,
    outcome: Outcome,
) -> (Plan, Vec<Event>) {
    let plan = plan(id, version, previous);
    let mut events = begun(&plan, steps);
    events.push(finished(outcome));
    (plan, events)
}

fn completed(id: &str, version: &str, previous: Option<&str>) -> (Plan, Vec<Event>) {
    let plan = plan(id, version, previous);
    let mut events = begun(&plan, 2);
    let reason = "the router refused".to_owned();
    let units = Vec::new();
    events.extend(performed(forward(2), StepResult::Failed { reason, units }));
    let step = StepId {
        phase: Phase::Completion,
        index: 0,
    };
    events.extend(performed(step, StepResult::Done));
    events.push(finished(Outcome::Halted));
    (plan, events)
}

/// As `greenroom status` does it; also counts the reads besides the head.
fn standing(records: &[Record], lease: Option<Tenure>) -> (Status, usize) {
    let head = records.last().unwrap();
    let wanted = wanted(head);
    let others: Vec<Record> = wanted.iter().map(|seq| records[*seq as usize].clone()).collect();
    (status(head, &others, lease).unwrap(), wanted.len())
}

fn live_version(status: &Status) -> Option<&str> {
    status.live.as_ref().map(|live| live.release.version.as_str())
}

#[test]
fn what_is_live_and_open_follows_from_the_newest_record_after_every_kind_of_end() {
    use Outcome::{Halted, RolledBack, Succeeded};
    let alone = |steps, outcome| vec![ended("d-1", "1.0.0", None, steps, outcome)];
    let update = |steps, outcome| {
        let mut story = vec![went_well("d-1", "1.0.0", None)];
        story.push(ended("d-2", "2.0.0", Some("1.0.0"), steps, outcome));
        story
    };
    let first = vec![went_well("d-1", "1.0.0", None)];
    let mut promotion_failed = first.clone();
    promotion_failed.push(completed("d-2", "2.0.0", Some("1.0.0")));
    let (one, two) = (Some("1.0.0"), Some("2.0.0"));
    // (what, story, live, open, outcome of the last); the third step promotes
    let table = [
        ("a first success", first, one, false, Succeeded),
        (
            "a first that was removed",
            alone(1, RolledBack),
            None,
            false,
            RolledBack,
        ),
        (
            "a first removed after promotion",
            alone(3, RolledBack),
            None,
            false,
            RolledBack,
        ),
        (
            "rolled back before promotion",
            update(2, RolledBack),
            one,
            false,
            RolledBack,
        ),
        (
            "rolled back after promotion",
            update(3, RolledBack),
            one,
            false,
            RolledBack,
        ),
        ("halted before promotion", update(2, Halted), one, true, Halted),
        ("halted after promotion", update(3, Halted), two, true, Halted),
        ("promotion failed", promotion_failed, two, true, Halted),
    ];
    for (what, story, live, open, outcome) in table {
        let (status, _) = standing(&records(&story), None);
        assert_eq!(live_version(&status), live, "{what}");
        assert_eq!(status.open.is_some(), open, "{what}");
        assert_eq!(
            status.last.map(|(_, outcome, _)| outcome),
            Some(outcome),
            "{what}"
        );
    }
}

#[test]
fn at_every_record_the_status_needs_at_most_three_others_and_agrees_with_the_whole_history() {
    let story = vec![
        went_well("d-1", "1.0.0", None),
        ended("d-2", "2.0.0", Some("1.0.0"), 2, Outcome::RolledBack),
        went_well("d-3", "3.0.0", Some("1.0.0")),
        completed("d-4", "4.0.0", Some("3.0.0")),
    ];
    let records = records(&story);
    for length in 1..=records.len() {
        let (status, reads) = standing(&records[..length], None);
        assert!(reads <= 3, "{reads} reads after {length} records");
        let all = timeline(&records[..length]).deployments;
        let live = all.iter().rfind(|deployment| deployment.live_since.is_some());
        assert_eq!(
            status.live.as_ref().map(|live| (&live.deployment, live.since)),
            live.map(|live| (&live.id, live.live_since.unwrap())),
            "after {length} records"
        );
        let last = all.last().unwrap();
        assert_eq!(
            status.open.is_some(),
            !matches!(last.outcome, Some(Outcome::Succeeded | Outcome::RolledBack))
        );
    }
}

#[test]
fn an_open_rollout_shows_its_step_and_who_works_on_it() {
    let plan = plan("d-1", "1.0.0", None);
    let mut events = begun(&plan, 1);
    events.push(Event::Began { step: forward(1) });
    let records = records(&vec![(plan.clone(), events)]);
    let tenure = Tenure {
        holder: Holder {
            who: "ann".into(),
            run: None,
            purpose: "deploying 1.0.0".into(),
        },
        epoch: 1,
        acquired: records[0].at,
        expires: records[0].at.plus(Period::from_secs(60)),
    };
    let (status, _) = standing(&records, Some(tenure.clone()));
    let open = status.open.unwrap();
    assert_eq!(open.step.unwrap().to_string(), "forward-1");
    assert_eq!(open.act.as_ref(), Some(&plan.steps[1]));
    assert_eq!((open.halted, open.lease), (false, Some(tenure)));
    assert_eq!(status.last, None);
    let deployment = &timeline(&records).deployments[0];
    assert_eq!(deployment.standing(true), DeploymentOutcome::Running);
    assert_eq!(deployment.standing(false), DeploymentOutcome::Crashed);
}

#[test]
fn a_deployment_tells_who_what_why_how_long_and_with_what_evidence() {
    let all = timeline(&records(&vec![
        went_well("d-1", "1.0.0", None),
        ended("d-2", "2.0.0", Some("1.0.0"), 2, Outcome::RolledBack),
    ]));
    assert_eq!(all.unreadable, []);
    let [first, second] = all.deployments.as_slice() else {
        panic!("two deployments, not {}", all.deployments.len());
    };
    assert_eq!(first.plan.origin.actor.name, "ann");
    assert_eq!(first.plan.origin.reason, "deploying 1.0.0");
    assert_eq!((first.planned, first.last), (0, 10));
    // Eleven records, a second apart.
    assert_eq!(first.took(), Some(Period::from_secs(10)));
    let results: Vec<_> = first.steps.iter().map(|run| run.result.clone()).collect();
    assert_eq!(results, vec![Some(StepResult::Done); 4]);
    assert_eq!(first.steps[2].step, Some(crate::domain::rollout::Step::Promote));
    assert_eq!(
        (first.evidence[0].check.as_str(), first.evidence[0].samples.count),
        ("answers", 3)
    );
    assert_eq!(first.rolled_back_to(), None);
    assert_eq!(second.rolled_back_to().unwrap().as_str(), "1.0.0");
    assert_eq!(
        (second.live_since, second.standing(false)),
        (None, DeploymentOutcome::Ended(Outcome::RolledBack))
    );
}

#[test]
fn a_halted_deployment_that_is_resumed_is_open_again_until_it_ends() {
    let (plan, mut events) = ended("d-1", "1.0.0", None, 2, Outcome::Halted);
    events.push(Event::Resumed {
        origin: plan.origin.clone(),
    });
    let story = vec![(plan.clone(), events.clone())];
    let (status, _) = standing(&records(&story), None);
    assert!(!status.open.unwrap().halted);
    let deployment = timeline(&records(&story)).deployments.remove(0);
    assert_eq!((deployment.outcome, deployment.took()), (None, None));
    events.push(finished(Outcome::Succeeded));
    let deployment = timeline(&records(&vec![(plan, events)])).deployments.remove(0);
    assert_eq!(deployment.outcome, Some(Outcome::Succeeded));
    assert!(matches!(
        deployment.interventions.as_slice(),
        [Intervention::Resumed { .. }]
    ));
}

#[test]
fn records_that_make_no_sense_are_listed_and_the_rest_is_told() {
    let mut records = records(&vec![went_well("d-1", "1.0.0", None)]);
    records[3].body = serde_json::json!({ "teleported": {} });
    records[5].kind = "approval".into();
    records[6].deployment = Some("d-9".parse().unwrap());
    let told = timeline(&records);
    let places: Vec<u64> = told.unreadable.iter().map(|unreadable| unreadable.seq).collect();
    assert_eq!(places, [3, 6]);
    assert_eq!(told.deployments[0].outcome, Some(Outcome::Succeeded));
    assert!(
        told.unreadable[0]
            .to_string()
            .contains("written by a newer greenroom?")
    );
}

fn go_back(story: &Story, selector: &Selector) -> Result<String, String> {
    find_release(&timeline(&records(story)).deployments, selector)
        .map(|release: Release| release.version.to_string())
        .map_err(|error| error.to_string())
}

#[test]
fn a_rollback_finds_its_release_or_says_which_there_are() {
    let back = |id: &str, version: &str, from: &str| {
        let mut plan = plan(id, version, Some(from));
        plan.kind = Kind::Rollback;
        let events = success(&plan);
        (plan, events)
    };
    let mut story = vec![
        went_well("d-1", "1.0.0", None),
        went_well("d-2", "2.0.0", Some("1.0.0")),
        ended("d-3", "2.5.0", Some("2.0.0"), 2, Outcome::RolledBack),
        went_well("d-4", "3.0.0", Some("2.0.0")),
    ];
    let version = |text: &str| Selector::Version(text.parse().unwrap());
    assert_eq!(go_back(&story, &Selector::Previous).unwrap(), "2.0.0");
    assert_eq!(go_back(&story, &Selector::Stable).unwrap(), "2.0.0");
    assert_eq!(go_back(&story, &version("1.0.0")).unwrap(), "1.0.0");
    insta::assert_snapshot!(go_back(&story, &version("2.5.0")).unwrap_err(), @"choosing the release to go back to: 2.5.0 was never live here; available, newest first: 2.0.0, 1.0.0");
    insta::assert_snapshot!(go_back(&story, &version("3.0.0")).unwrap_err(), @"choosing the release to go back to: 3.0.0 is live already; available, newest first: 2.0.0, 1.0.0");
    // After going back by hand, `previous` is what was left and `stable` is not.
    story.push(back("d-5", "2.0.0", "3.0.0"));
    assert_eq!(go_back(&story, &Selector::Previous).unwrap(), "3.0.0");
    assert_eq!(go_back(&story, &Selector::Stable).unwrap(), "1.0.0");
    let only = vec![went_well("d-1", "1.0.0", None)];
    insta::assert_snapshot!(go_back(&only, &Selector::Previous).unwrap_err(), @"choosing the release to go back to: nothing was live before the present release; nothing else was ever live here");
}

/// A record of a scan after the last of `records`.
fn scanned(records: &mut Vec<Record>, digest: Option<&Digest>, kept: &[&Digest]) {
    let mut record = records.last().unwrap().clone();
    record.refs = refs_after_scan(records.last(), digest, kept);
    record.seq += 1;
    record.kind = SCAN.to_owned();
    record.deployment = None;
    record.body = serde_json::json!({ "not": "read" });
    records.push(record);
}

#[test]
fn a_scan_changes_nothing_about_how_an_environment_stands() {
    let stories = [
        vec![went_well("d-1", "1.0.0", None)],
        vec![ended("d-1", "1.0.0", None, 2, Outcome::Halted)],
        vec![
            went_well("d-1", "1.0.0", None),
            ended("d-2", "2.0.0", Some("1.0.0"), 3, Outcome::RolledBack),
        ],
    ];
    for story in stories {
        let mut records = records(&story);
        let (before, _) = standing(&records, None);
        for digit in ["a", "b"] {
            scanned(&mut records, Some(&Digest::of(digit.as_bytes())), &[]);
            let (after, reads) = standing(&records, None);
            assert_eq!(after, before);
            assert!(reads <= 4, "{reads} reads");
        }
    }
}

#[test]
fn the_newest_scans_of_images_that_matter_stay_within_reach_and_no_others() {
    let (live, next, other) = (Digest::of(b"live"), Digest::of(b"next"), Digest::of(b"other"));
    let mut records = records(&vec![went_well("d-1", "1.0.0", None)]);
    let first = records.len() as u64;
    let reach = |records: &[Record]| {
        let head = records.last().unwrap();
        [&live, &next, &other].map(|digest| scan_of(head, digest))
    };
    scanned(&mut records, Some(&live), &[]);
    scanned(&mut records, Some(&other), &[&live]);
    assert_eq!(reach(&records), [Some(first), None, Some(first + 1)]);
    scanned(&mut records, Some(&next), &[&live]);
    assert_eq!(reach(&records), [Some(first), Some(first + 2), None]);
    scanned(&mut records, Some(&live), &[&live, &next]);
    assert_eq!(reach(&records), [Some(first + 3), Some(first + 2), None]);
    // One that says nothing about its image does not take the place of one that does.
    scanned(&mut records, None, &[&live, &next]);
    assert_eq!(reach(&records), [Some(first + 3), Some(first + 2), None]);
    // A rollout carries them on.
    let plan = plan("d-2", "2.0.0", Some("1.0.0"));
    let event = Event::Planned(Box::new(plan.clone()));
    let refs = refs_after(records.last(), &plan, &event);
    assert_eq!(refs.get("event"), None);
    assert_eq!(refs.get(&format!("scan:{next}")), Some(&(first + 2)));
    let unreadable = timeline(&records).unreadable;
    assert_eq!(unreadable.len(), 5, "a scan that cannot be read is told");
}

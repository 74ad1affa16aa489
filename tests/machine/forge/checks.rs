//! Check runs: one for each key, with all their remarks, once.

use crate::forge::yard::{COMMIT, HOSTILE, Yard, now, refused};
use crate::support::github::{Check, Fault};
use greenroom::domain::model::{CheckReport, Conclusion, ErrorKind, Remark, RemarkLevel};
use greenroom::ports::Forge as _;
use serde_json::json;

pub(crate) fn check() -> CheckReport {
    CheckReport {
        key: "staging/20261120T120000Z-0a1b2c3d".to_owned(),
        name: "greenroom: staging".to_owned(),
        commit: COMMIT.parse().unwrap(),
        conclusion: None,
        title: "hello 1.2.3 goes to staging".to_owned(),
        summary: "## Steps".to_owned(),
        text: None,
        details: Some("https://github.com/acme/hello/actions/runs/42".to_owned()),
        remarks: Vec::new(),
        started: now(),
        completed: None,
    }
}

pub(crate) fn remarks(count: u32) -> Vec<Remark> {
    let levels = [RemarkLevel::Notice, RemarkLevel::Warning, RemarkLevel::Failure];
    let one = |number: u32| Remark {
        level: levels[number as usize % 3],
        path: "greenroom.yaml".to_owned(),
        line: number,
        title: format!("remark {number}"),
        message: format!("message {number}"),
    };
    (0..count).map(one).collect()
}

fn only(yard: &Yard) -> Check {
    let mut all = yard.fake.checks();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn a_check_is_made_once_and_written_anew_in_place() {
    let yard = Yard::new();
    let mut report = check();
    yard.github.publish_check(&report).unwrap();
    let made = only(&yard);
    assert_eq!(made.fields["status"], "in_progress");
    assert_eq!(made.fields["conclusion"], json!(null));
    assert_eq!(made.fields["started_at"], "2026-11-20T12:00:00.000Z");
    report.conclusion = Some(Conclusion::Success);
    report.completed = Some("2026-11-20T12:01:00Z".parse().unwrap());
    report.text = Some("more".to_owned());
    yard.github.publish_check(&report).unwrap();
    yard.github.publish_check(&report).unwrap();
    let made = only(&yard);
    assert_eq!(made.fields["status"], "completed");
    assert_eq!(made.fields["conclusion"], "success");
    assert_eq!(made.fields["completed_at"], "2026-11-20T12:01:00.000Z");
    assert_eq!(made.fields["output"]["text"], "more");
    assert_eq!(yard.fake.count("checks/create"), 1);
}

#[test]
fn another_key_is_another_check_under_the_same_name() {
    let yard = Yard::new();
    let mut report = check();
    yard.github.publish_check(&report).unwrap();
    report.key = "another".to_owned();
    yard.github.publish_check(&report).unwrap();
    report = check();
    report.conclusion = Some(Conclusion::Neutral);
    yard.github.publish_check(&report).unwrap();
    let all = yard.fake.checks();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].fields["conclusion"], "neutral");
    assert_eq!(all[1].fields["conclusion"], json!(null));
}

#[test]
fn every_conclusion_has_githubs_word() {
    for (conclusion, word) in [
        (Conclusion::Success, "success"),
        (Conclusion::Failure, "failure"),
        (Conclusion::ActionRequired, "action_required"),
        (Conclusion::Neutral, "neutral"),
        (Conclusion::Cancelled, "cancelled"),
    ] {
        let yard = Yard::new();
        let mut report = check();
        report.conclusion = Some(conclusion);
        // Without a time of its own it ended when it began.
        yard.github.publish_check(&report).unwrap();
        let made = only(&yard);
        assert_eq!(made.fields["conclusion"], word);
        assert_eq!(made.fields["completed_at"], "2026-11-20T12:00:00.000Z");
    }
}

#[test]
fn remarks_go_in_batches_and_each_arrives_once() {
    for (count, requests) in [(1, 1), (50, 1), (51, 2), (100, 2), (151, 4), (260, 6)] {
        let yard = Yard::new();
        let mut report = check();
        report.remarks = remarks(count);
        report.conclusion = Some(Conclusion::Failure);
        for _ in 0..2 {
            yard.github.publish_check(&report).unwrap();
        }
        let made = only(&yard);
        let messages: Vec<&str> = made
            .annotations
            .iter()
            .map(|one| one["message"].as_str().unwrap())
            .collect();
        let expected: Vec<String> = (0..count).map(|number| format!("message {number}")).collect();
        assert_eq!(messages, expected);
        assert_eq!(made.annotations[0]["start_line"], 1, "lines begin with 1");
        // The second time it is only written anew.
        assert_eq!(
            yard.fake.count("checks/create") + yard.fake.count("checks/update"),
            requests + 1
        );
    }
}

#[test]
fn remarks_whose_answer_was_lost_are_not_sent_twice() {
    for faults in [
        vec![Fault::LostAfter],
        vec![Fault::CutAfter],
        vec![Fault::Page(502)],
        vec![Fault::CutBefore, Fault::LostAfter],
    ] {
        for operation in ["checks/create", "checks/update"] {
            let yard = Yard::new();
            yard.fails(operation, &faults);
            let mut report = check();
            report.remarks = remarks(120);
            yard.github.publish_check(&report).unwrap();
            assert_eq!(only(&yard).annotations.len(), 120, "{operation} {faults:?}");
        }
    }
}

#[test]
fn a_check_that_another_app_made_under_the_key_does_not_stand_in_the_way() {
    let yard = Yard::new();
    yard.github.publish_check(&check()).unwrap();
    yard.fake.with(|state| state.checks[0].app = 1);
    yard.github.publish_check(&check()).unwrap();
    assert_eq!(yard.fake.checks().len(), 2);
}

#[test]
fn hostile_and_endless_texts_are_cut_to_what_github_takes() {
    let yard = Yard::new();
    let mut report = check();
    report.title = HOSTILE.repeat(100);
    report.summary = HOSTILE.repeat(3000);
    report.text = Some("ü".repeat(65_535));
    report.remarks = remarks(1);
    report.remarks[0].message = HOSTILE.repeat(3000);
    report.remarks[0].title = HOSTILE.repeat(100);
    yard.github.publish_check(&report).unwrap();
    let made = only(&yard);
    for field in ["summary", "text"] {
        let text = made.fields["output"][field].as_str().unwrap();
        assert!(
            text.len() <= 65_535 && text.ends_with("GitHub takes no more)"),
            "{field}"
        );
    }
    assert!(made.fields["output"]["title"].as_str().unwrap().chars().count() <= 255);
}

#[test]
fn empty_texts_are_none_that_github_refuses() {
    let yard = Yard::new();
    let mut report = check();
    report.title = String::new();
    report.remarks = remarks(1);
    report.remarks[0].title = String::new();
    report.remarks[0].message = String::new();
    yard.github.publish_check(&report).unwrap();
    assert_eq!(only(&yard).annotations[0]["message"], "greenroom");
}

#[test]
fn refusals_name_the_permission() {
    let yard = Yard::allowed(&["checks: read"]);
    let parts = [
        "publishing the check greenroom: staging",
        "`permissions: { checks: write }`",
    ];
    refused(yard.github.publish_check(&check()), ErrorKind::Denied, &parts);
    let yard = Yard::of(crate::support::github::Repository {
        commits: Some(Vec::new()),
        ..crate::support::github::Repository::default()
    });
    let parts = ["422", "No commit found", "push that first"];
    refused(yard.github.publish_check(&check()), ErrorKind::Invalid, &parts);
}

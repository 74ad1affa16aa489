//! Marks beside commits.

use crate::forge::yard::{COMMIT, HOSTILE, Yard, refused};
use crate::support::github::{Fault, Repository};
use greenroom::domain::model::{CommitStatus, Conclusion, ErrorKind};
use greenroom::ports::Forge as _;

pub(crate) fn status(conclusion: Option<Conclusion>) -> CommitStatus {
    CommitStatus {
        commit: COMMIT.parse().unwrap(),
        context: "greenroom/staging".to_owned(),
        conclusion,
        description: "hello 1.2.3".to_owned(),
        details: Some("https://github.com/acme/hello/actions/runs/42".to_owned()),
    }
}

#[test]
fn a_mark_is_set_once_however_often_it_is_said() {
    let yard = Yard::new();
    for conclusion in [
        None,
        None,
        Some(Conclusion::Success),
        Some(Conclusion::Success),
        None,
    ] {
        yard.github.set_commit_status(&status(conclusion)).unwrap();
    }
    let marks = yard.fake.marks(COMMIT);
    let states: Vec<&str> = marks
        .iter()
        .map(|mark| mark.sent["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["pending", "success", "pending"]);
    assert_eq!(marks[0].sent["context"], "greenroom/staging");
}

#[test]
fn every_conclusion_has_one_of_githubs_four_words() {
    for (conclusion, word) in [
        (Conclusion::Success, "success"),
        (Conclusion::Neutral, "success"),
        (Conclusion::Failure, "failure"),
        (Conclusion::ActionRequired, "error"),
        (Conclusion::Cancelled, "error"),
    ] {
        let yard = Yard::new();
        yard.github.set_commit_status(&status(Some(conclusion))).unwrap();
        assert_eq!(yard.fake.marks(COMMIT)[0].sent["state"], word);
    }
}

#[test]
fn a_mark_whose_answer_was_lost_is_not_set_twice() {
    for (fault, sent) in [(Fault::LostAfter, 1), (Fault::CutAfter, 1), (Fault::Page(502), 2)] {
        let yard = Yard::new();
        yard.fails("repos/create-commit-status", &[fault]);
        let mut hostile = status(None);
        hostile.description = HOSTILE.repeat(9);
        hostile.details = None;
        yard.github.set_commit_status(&hostile).unwrap();
        assert_eq!(yard.fake.marks(COMMIT).len(), 1);
        assert_eq!(yard.fake.count("repos/create-commit-status"), sent);
    }
}

#[test]
fn refusals_say_what_is_missing() {
    let yard = Yard::allowed(&["statuses: read"]);
    let parts = [
        "marking 0123456",
        "with greenroom/staging",
        "`permissions: { statuses: write }`",
    ];
    refused(
        yard.github.set_commit_status(&status(None)),
        ErrorKind::Denied,
        &parts,
    );
    let yard = Yard::of(Repository {
        commits: Some(Vec::new()),
        ..Repository::default()
    });
    let parts = ["422", "No commit found for SHA"];
    refused(
        yard.github.set_commit_status(&status(None)),
        ErrorKind::Invalid,
        &parts,
    );
}

//! Results of scans, and what becomes of them.

use crate::forge::yard::{COMMIT, Yard, now, refused};
use crate::support::github::{Fault, Processing, Repository};
use greenroom::domain::model::ErrorKind;
use greenroom::ports::{CodeScanning as _, SarifUpload};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) fn upload() -> SarifUpload {
    SarifUpload {
        commit: COMMIT.parse().unwrap(),
        reference: "refs/heads/main".to_owned(),
        sarif: r#"{"version":"2.1.0","runs":[]}"#.to_owned(),
        tool: "greenroom".to_owned(),
        started: now(),
    }
}

fn yard(processing: &[Processing]) -> Yard {
    Yard::of(Repository {
        processing: processing.to_vec(),
        ..Repository::default()
    })
}

#[test]
fn findings_are_handed_in_and_followed_until_they_are_read() {
    let yard = yard(&[Processing::Unknown, Processing::Pending, Processing::Complete]);
    let id = yard.github.upload_sarif(&upload()).unwrap();
    let made = &yard.fake.uploads()[0];
    assert_eq!(made.id, id);
    assert_eq!(made.sarif, upload().sarif);
    assert_eq!(made.sent["commit_sha"], COMMIT);
    assert_eq!(made.sent["ref"], "refs/heads/main");
    assert_eq!(made.sent["tool_name"], "greenroom");
    assert_eq!(yard.fake.count("code-scanning/get-sarif"), 3);
    assert_eq!(yard.waited(), Duration::from_secs(1 + 2 + 4));
}

#[test]
fn findings_that_github_cannot_read_are_an_error_with_its_words() {
    let yard = yard(&[Processing::Failed(vec![
        "rule\nwithout id".to_owned(),
        "b".to_owned(),
    ])]);
    let parts = [
        "uploading the findings",
        "could not read them: rule without id; b",
    ];
    refused(yard.github.upload_sarif(&upload()), ErrorKind::Invalid, &parts);
}

#[test]
fn what_takes_github_long_is_left_to_it() {
    for processing in [Processing::Pending, Processing::Unknown] {
        let yard = yard(&[processing]);
        yard.github.upload_sarif(&upload()).unwrap();
        assert_eq!(yard.waited(), Duration::from_secs(30));
        assert_eq!(yard.fake.count("code-scanning/get-sarif"), 5);
    }
    // What cannot be asked takes nothing back.
    let yard = yard(&[]);
    let refusal = json!({"message": "no"});
    yard.fails(
        "code-scanning/get-sarif",
        &[Fault::Answer(403, Vec::new(), refusal)],
    );
    yard.github.upload_sarif(&upload()).unwrap();
}

#[test]
fn an_upload_is_never_sent_twice() {
    for fault in [
        Fault::Page(502),
        Fault::LostAfter,
        Fault::CutAfter,
        Fault::CutBefore,
    ] {
        let yard = yard(&[]);
        yard.fails("code-scanning/upload-sarif", &[fault]);
        refused(
            yard.github.upload_sarif(&upload()),
            ErrorKind::Ambiguous,
            &["is not known"],
        );
        assert_eq!(yard.fake.count("code-scanning/upload-sarif"), 1);
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    let yard = yard(&[]);
    for (status, kind, fix) in [
        (400, ErrorKind::Invalid, "push that first"),
        (401, ErrorKind::Denied, "check GITHUB_TOKEN"),
        (
            403,
            ErrorKind::Denied,
            "`permissions: { security-events: write }`, and enable code scanning",
        ),
        (404, ErrorKind::Missing, "check GITHUB_REPOSITORY"),
        (413, ErrorKind::Invalid, "show fewer with `scan.severity`"),
        (418, ErrorKind::Invalid, "not one that GitHub documents"),
    ] {
        let body = json!({"message": "Code scanning is not enabled."});
        yard.fails(
            "code-scanning/upload-sarif",
            &[Fault::Answer(status, Vec::new(), body)],
        );
        let code = status.to_string();
        let parts = ["Code scanning is not enabled", fix, &code];
        refused(yard.github.upload_sarif(&upload()), kind, &parts);
    }
}

#[test]
fn an_answer_without_an_id_is_no_success() {
    for body in [json!({}), json!({"id": 4}), Value::Null] {
        let yard = yard(&[]);
        yard.fails(
            "code-scanning/upload-sarif",
            &[Fault::Answer(202, Vec::new(), body)],
        );
        refused(
            yard.github.upload_sarif(&upload()),
            ErrorKind::Ambiguous,
            &["without an id"],
        );
    }
}

#[test]
fn what_is_too_large_for_github_is_not_sent() {
    let yard = yard(&[]);
    let mut upload = upload();
    // Random enough not to shrink below the bound.
    let mut state = 1_u64;
    upload.sarif = (0..30_000_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b' ' + u8::try_from(state >> 58).unwrap())
        })
        .collect();
    let parts = ["GitHub takes 10485760", "show fewer"];
    refused(yard.github.upload_sarif(&upload), ErrorKind::Invalid, &parts);
    assert!(yard.fake.requests().is_empty());
}

//! A ledger, a state directory and a guest's marker that an earlier greenroom wrote: this one goes on from there.

use crate::support::files::repository;
use crate::support::project::Project;
use greenroom::adapters::proxmox::guest::Marker;
use greenroom::domain::model::Slot;
use serde_json::json;
use std::process::Command;

/// The project as it was left, on a port of its own.
fn left() -> Project {
    let project = Project::empty();
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(repository("tests/fixtures/records/before-the-rooms.tar.gz"))
        .arg("-C")
        .arg(project.path(""))
        .status()
        .unwrap();
    assert!(unpacked.success());
    let environment = project.read("environments/staging.yaml");
    let here = format!("127.0.0.1:{}", project.port);
    project.write(
        "environments/staging.yaml",
        environment.replace("127.0.0.1:18080", &here),
    );
    project
}

#[test]
fn an_earlier_ledger_says_what_is_live_what_happened_and_that_it_is_whole() {
    let project = left();
    let status = project.must(&["status", "staging"]).out;
    for line in [
        "staging: hello 1.0.0 since 2026-11-30 22:28:01 UTC, by ada (20261130-222800-9645a8c2)",
        "1.2.0 was left by a process that died at: watch the traffic that reaches 1.2.0 for 1m",
        "protection was switched on at 2026-11-30 22:28:14 UTC by root (local): done",
        "sha256:cfc939e62c9237076f3fb97067a717665da60668e36ed85fdee7817a4cc025dc approved by root (local)",
    ] {
        assert!(status.contains(line), "{line:?} is not in:\n{status}");
    }
    let history = project.must(&["history", "staging"]).out;
    for line in [
        "deploy 1.2.0 (direct)  left by a process that died",
        "rollback to 1.0.0 (direct)  succeeded in 1.3s",
        "deploy 1.1.0 (direct)  succeeded in 1.2s",
        "guard taken off",
    ] {
        assert!(history.contains(line), "{line:?} is not in:\n{history}");
    }
    let audit = project.must(&["audit", "verify"]).out;
    assert!(
        audit.contains("staging: 51 record(s), the chain is whole"),
        "{audit}"
    );
}

#[test]
fn a_rollout_that_an_earlier_greenroom_left_is_taken_back_from_its_ledger_and_its_state() {
    let project = left();
    project.must(&["abort", "staging", "--reason", "its process died"]);
    let (status, body) = project.get("/");
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("1.0.0"), "{body}");
    let audit = project.must(&["audit", "verify"]).out;
    assert!(audit.contains("the chain is whole"), "{audit}");
}

#[test]
fn an_earlier_marker_says_whose_guest_it_is() {
    let description = "Managed by greenroom: nextcloud in staging, unit web-1 (blue). Changes made by hand will be lost.\n\
        greenroom: {\"v\":1,\"id\":2001,\"service\":\"nextcloud\",\"environment\":\"staging\",\"unit\":\"web-1\",\"slot\":\"blue\",\"release\":\"0123456789abcdef\"}";
    let marker = Marker::read(description).unwrap();
    assert_eq!(marker.description(), description);
    assert_eq!(marker.slot, Slot::Blue);
    assert_eq!(json!(marker)["release"], "0123456789abcdef");
}

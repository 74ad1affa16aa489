//! What the real server answered (PVE 9.1's HTTP layer, run), read by the client: line by line.
//!
//! The transcripts themselves are not part of this repository; where they are at hand, every one of them
//! has to be in the table here, and means what the table says.

use crate::proxmox::data;
use greenroom::adapters::proxmox::{
    Api, ApiRequest, ApiResponse, Fault, FaultClass, NoAnswer, Transport, calls,
};
use greenroom::domain::model::{ErrorKind, PortError};
use std::collections::BTreeSet;
use std::sync::Arc;

use FaultClass as C;

/// Answers everything with the same.
struct Says(ApiResponse);

impl Transport for Says {
    fn send(&self, _: &ApiRequest) -> Result<ApiResponse, NoAnswer> {
        Ok(self.0.clone())
    }

    fn peer(&self) -> String {
        "pve1:8006".to_owned()
    }
}

fn heard(answer: ApiResponse) -> Fault {
    let request = calls::guest::start(&crate::proxmox::every::vm());
    Api::new(Arc::new(Says(answer)))
        .change("starting web-1", &request)
        .unwrap_err()
}

fn denied(path: &str, privilege: &str) -> FaultClass {
    C::Denied {
        path: path.to_owned(),
        privilege: privilege.to_owned(),
    }
}

fn lock(name: &str) -> FaultClass {
    C::ConfigLock(name.to_owned())
}

/// Every refusal of the transcripts: status, the text beside it, the body, what it means, and what is told.
#[expect(clippy::too_many_lines, reason = "one table")]
fn refusals() -> Vec<(u16, &'static str, &'static str, FaultClass, &'static str)> {
    let verification = "Parameter verification failed.";
    vec![
        (
            400,
            verification,
            r#"{"errors":{"newid":"property is missing and it is not optional"},"data":null,"message":"Parameter verification failed.\n"}"#,
            C::Invalid,
            "newid: property is missing and it is not optional",
        ),
        (
            400,
            verification,
            r#"{"message":"Parameter verification failed.\n","data":null,"errors":{"bogus":"property is not defined in schema and the schema does not allow additional properties"}}"#,
            C::Invalid,
            "bogus: property is not defined in schema",
        ),
        (
            400,
            verification,
            r#"{"errors":{"full":"type check ('boolean') failed - got 'true'"},"data":null,"message":"Parameter verification failed.\n"}"#,
            C::Invalid,
            "full: type check ('boolean') failed - got 'true'",
        ),
        (
            400,
            verification,
            r#"{"errors":{"newid":"invalid format - value does not look like a valid VM ID\n"},"message":"Parameter verification failed.\n","data":null}"#,
            C::Invalid,
            "newid: invalid format - value does not look like a valid VM ID",
        ),
        (
            400,
            verification,
            r#"{"errors":{"newid":"type check ('integer') failed - got 'abc'"},"message":"Parameter verification failed.\n","data":null}"#,
            C::Invalid,
            "got 'abc'",
        ),
        (
            400,
            verification,
            r#"{"message":"Parameter verification failed.\n","data":null,"errors":{"sshkeys":"invalid format - invalid urlencoded string: ssh-ed25519 AAAA+/= me@x\n"}}"#,
            C::Invalid,
            "sshkeys: invalid format",
        ),
        (
            400,
            verification,
            r#"{"errors":{"sshkeys":"invalid format - invalid urlencoded string: ssh-ed25519 AAAA\n"},"message":"Parameter verification failed.\n","data":null}"#,
            C::Invalid,
            "sshkeys: invalid format",
        ),
        (
            400,
            verification,
            r#"{"errors":{"size":"value does not match the regex pattern"},"message":"Parameter verification failed.\n","data":null}"#,
            C::Invalid,
            "size: value does not match the regex pattern",
        ),
        (
            400,
            verification,
            r#"{"data":null,"message":"Parameter verification failed.\n","errors":{"description":"value may only be 8192 characters long"}}"#,
            C::Invalid,
            "description: value may only be 8192 characters long",
        ),
        (
            400,
            verification,
            r#"{"data":null,"message":"Parameter verification failed.\n","errors":{"reference":"value does not match the regex pattern"}}"#,
            C::Invalid,
            "reference: value does not match the regex pattern",
        ),
        (
            401,
            "Authentication failed!",
            "",
            C::Unauthenticated,
            "Authentication failed!",
        ),
        (
            403,
            "Permission check failed (/vms/403, VM.PowerMgmt)",
            r#"{"message":"Permission check failed (/vms/403, VM.PowerMgmt)\n","data":null}"#,
            denied("/vms/403", "VM.PowerMgmt"),
            "Permission check failed",
        ),
        (
            500,
            "VM is locked (clone)",
            r#"{"message":"VM is locked (clone)\n","data":null}"#,
            lock("clone"),
            "VM is locked (clone)",
        ),
        (
            500,
            "can't lock file '/var/lock/qemu-server/lock-778.conf' - got timeout",
            r#"{"message":"can't lock file '/var/lock/qemu-server/lock-778.conf' - got timeout\n","data":null}"#,
            C::FileLock,
            "got timeout",
        ),
        (
            500,
            "line one",
            r#"{"data":null,"message":"line one\nline two\n"}"#,
            C::Other,
            "line one line two",
        ),
        (
            500,
            "Configuration file 'nodes/pve1/qemu-server/404.conf' does not exist",
            r#"{"data":null,"message":"Configuration file 'nodes/pve1/qemu-server/404.conf' does not exist\n"}"#,
            C::MissingGuest,
            "404.conf' does not exist",
        ),
        (
            500,
            ", or } expected while parsing object/hash, at character offset 13 (before \"(end of string)\") at /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx line 934.",
            ", or } expected while parsing object/hash, at character offset 13",
            C::Other,
            "expected while parsing object/hash",
        ),
        (
            501,
            "Unexpected content for method 'DELETE'",
            "Unexpected content for method 'DELETE'",
            C::Unsupported,
            "Unexpected content",
        ),
        (
            501,
            "chunked transfer encoding not supported",
            "chunked transfer encoding not supported",
            C::Unsupported,
            "chunked",
        ),
        (
            501,
            "Method 'GET /nosuch/path' not implemented",
            r#"{"message":"Method 'GET /nosuch/path' not implemented","data":null}"#,
            C::Unsupported,
            "not implemented",
        ),
        (
            501,
            "method 'PATCH' not available",
            "",
            C::Unsupported,
            "not available",
        ),
        (
            501,
            "for data too large",
            "for data too large",
            C::Invalid,
            "for data too large",
        ),
        (
            506,
            "upload 'Content-Type 'text/plain' not implemented",
            "upload 'Content-Type 'text/plain' not implemented",
            C::Unsupported,
            "not implemented",
        ),
    ]
}

fn answer(status: u16, reason: &str, body: &str) -> ApiResponse {
    ApiResponse {
        status,
        reason: reason.to_owned(),
        json: body.starts_with('{'),
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn every_refusal_is_classified_and_told() {
    for (status, reason, body, class, told) in refusals() {
        let fault = heard(answer(status, reason, body));
        assert_eq!(fault.class, class, "{status} {reason}");
        assert_eq!(fault.status, Some(status));
        assert!(fault.text.contains(told), "{}: {told}", fault.text);
        assert!(
            fault.text.starts_with(&format!("pve1:8006 answered {status}: ")),
            "{}",
            fault.text
        );
    }
}

#[test]
fn before_8_4_the_text_stands_only_beside_the_status() {
    for (status, reason, body, class, _) in refusals() {
        if body.starts_with('{') && status == 500 {
            let fault = heard(answer(status, reason, r#"{"data":null}"#));
            assert_eq!(fault.class, class, "{reason}");
            assert!(fault.text.contains(reason), "{}", fault.text);
        }
    }
}

#[test]
fn every_transcript_is_in_the_table() {
    let Some(golden) = data::read("http-golden.txt") else {
        return;
    };
    let known: BTreeSet<(u16, &str)> = refusals().iter().map(|row| (row.0, row.1)).collect();
    let mut met = BTreeSet::new();
    for transcript in golden.split("### ").skip(1) {
        let (head, body) = transcript.split_once("\n\n").unwrap_or((transcript, ""));
        let Some(line) = head.lines().find_map(|line| line.strip_prefix("HTTP/1.1 ")) else {
            continue;
        };
        let (status, reason) = line.split_once(' ').unwrap();
        let status: u16 = status.parse().unwrap();
        // The time it took stands behind the body.
        let body = body.trim_end().rsplit_once("t=").map_or(body, |(body, _)| body);
        if status == 200 {
            assert!(body.starts_with(r#"{"data":"#), "{transcript}");
            continue;
        }
        assert!(known.contains(&(status, reason)), "not in the table: {line}");
        met.insert((status, reason.to_owned()));
        let fault = heard(answer(status, reason, body.trim()));
        let class = refusals()
            .into_iter()
            .find(|row| (row.0, row.1) == (status, reason))
            .unwrap()
            .3;
        assert_eq!(fault.class, class, "{transcript}");
    }
    let not_met: Vec<_> = known
        .iter()
        .filter(|row| !met.contains(&(row.0, row.1.to_owned())))
        .collect();
    assert!(not_met.is_empty(), "{not_met:?}");
}

/// Texts of Proxmox's own sources and of its users' complaints, and what they mean.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn texts_are_classified_wherever_they_come_from() {
    for (status, text, class) in [
        (400, "VM 101 already exists", C::Exists),
        (
            500,
            "unable to create VM 101: config file already exists",
            C::Exists,
        ),
        (
            500,
            "unable to create VM 101 - VM 101 already exists on node 'pve2'",
            C::Exists,
        ),
        (
            500,
            "unable to create CT 101 - CT 101 already exists on node 'pve2'",
            C::Exists,
        ),
        (500, "pool 'staging' already exists", C::NameTaken),
        (
            500,
            "refusing to override existing file 'nginx_1.27.tar'",
            C::NameTaken,
        ),
        (500, "snapshot name 'a' already used", C::NameTaken),
        (500, "CT is locked (disk)", lock("disk")),
        (500, "VM is locked (snapshot-delete)", lock("snapshot-delete")),
        (
            500,
            "can't lock file '/run/lock/lxc/pve-config-101.lock' - got timeout",
            C::FileLock,
        ),
        (
            500,
            "clone failed: can't lock file '/var/lock/pve-manager/pve-storage-local-lvm' - got timeout",
            C::StorageLock,
        ),
        (
            500,
            "error with cfs lock 'storage-x': cfs-lock 'storage-x' error: got lock request timeout",
            C::StorageLock,
        ),
        (500, "can't remove VM 101 - protection mode enabled", C::Protected),
        (500, "VM 101 is running - destroy failed", C::Running),
        (500, "CT 101 already running", C::Running),
        (500, "CT 101 not running", C::NotRunning),
        (500, "VM 101 is not running", C::NotRunning),
        (500, "VM 101 not running", C::NotRunning),
        (500, "QEMU guest agent is not running", C::AgentSilent),
        (
            500,
            "VM 101 qmp command 'guest-ping' failed - got timeout",
            C::AgentSilent,
        ),
        (500, "No QEMU guest agent configured", C::NoAgent),
        (
            500,
            "unable to remove VM 101 - used in HA resources and purge parameter not set.",
            C::HaManaged,
        ),
        (500, "checksum mismatch (file change by other user?)", C::Changed),
        (
            500,
            "detected modified configuration - file changed by other user? Try again.",
            C::Changed,
        ),
        (500, "cluster not ready - no quorum?", C::NoQuorum),
        (
            500,
            "can't rollback, 'a' is not most recent snapshot on 'local-zfs'",
            C::NotNewest,
        ),
        (500, "VM quit/powerdown failed - got timeout", C::ShutdownTimeout),
        (
            500,
            "base volume 'local-zfs:base-9000-disk-0' is still in use by linked cloned",
            C::InUse,
        ),
        (
            500,
            "unable to find configuration file: Configuration file 'nodes/pve1/lxc/101.conf' does not exist",
            C::MissingGuest,
        ),
        (500, "snapshot 'a' does not exist", C::Missing),
        (500, "storage 'nope' does not exist", C::Missing),
        (403, "pool 'nope' does not exist", C::Missing),
        (400, "upid: no such task", C::MissingTask),
        (500, "zfs error: out of space", C::NoSpace),
        (
            403,
            "Permission check failed (/storage/local, Datastore.Audit|Datastore.AllocateSpace)",
            denied("/storage/local", "Datastore.Audit|Datastore.AllocateSpace"),
        ),
        (403, "Permission check failed", denied("", "")),
        (
            403,
            "Permission check failed (/, Sys.Modify for modifying tag 'x')",
            denied("/", "Sys.Modify for modifying tag 'x'"),
        ),
        (595, "No route to host", C::Unknown),
        (596, "Broken pipe", C::Unknown),
        (599, "Too many redirections", C::Unknown),
        (504, "Gateway Timeout", C::Unknown),
        (503, "Service Unavailable", C::StorageLock),
        (500, "start failed: QEMU exited with code 1", C::Other),
    ] {
        let fault = heard(answer(status, text, ""));
        assert_eq!(fault.class, class, "{text}");
    }
}

#[test]
fn what_is_unknown_after_a_write_is_never_taken_for_a_failure() {
    let write = heard(answer(596, "Broken pipe", ""));
    assert_eq!(write.kind(), ErrorKind::Ambiguous);
    let api = Api::new(Arc::new(Says(answer(596, "Broken pipe", ""))));
    let read = api
        .ask::<serde_json::Value>("looking", &calls::cluster::version())
        .unwrap_err();
    assert_eq!(read.kind(), ErrorKind::Transient);
    // "OK" from a backup on the wrong node: nothing was backed up.
    let backup = calls::backup::VzdumpOptions {
        storage: "local".to_owned(),
        notes: String::new(),
        protected: false,
        wait: std::time::Duration::from_secs(60),
    };
    let api = Api::new(Arc::new(Says(answer(200, "OK", r#"{"data":"OK"}"#))));
    let fault = api
        .begin(
            "backing up",
            &calls::backup::take(&crate::proxmox::every::vm(), &backup),
        )
        .unwrap_err();
    assert_eq!(
        (fault.class.clone(), fault.kind()),
        (C::Unreadable, ErrorKind::Ambiguous)
    );
    assert!(fault.text.contains("\"OK\", which is no task"), "{fault}");
}

#[test]
fn a_strangers_text_is_bounded_and_one_line() {
    let long = format!("\u{1b}[31mred\nsecond {}", "x".repeat(5000));
    let fault = heard(answer(500, &long, ""));
    assert!(
        fault.text.chars().count() < 350 && !fault.text.contains(['\n', '\u{1b}']),
        "{fault}"
    );
    let page = heard(answer(502, "", "<html><body>Bad Gateway</body></html>"));
    assert_eq!(page.text, "pve1:8006 answered 502");
}

#[test]
fn a_refusal_says_what_helps() {
    let told = |status, text: &str| PortError::from(heard(answer(status, text, ""))).why.to_string();
    let denied = told(403, "Permission check failed (/vms/101, VM.PowerMgmt)");
    assert!(
        denied.contains("the token needs VM.PowerMgmt on /vms/101"),
        "{denied}"
    );
    let wrong = told(401, "Authentication failed!");
    assert!(wrong.contains("USER@REALM!TOKENID=SECRET"), "{wrong}");
    let hint = greenroom::adapters::proxmox::unlock_hint(&crate::proxmox::every::container());
    assert!(hint.contains("`pct unlock 2001` as root on pve-2"), "{hint}");
}

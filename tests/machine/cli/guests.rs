//! Acceptance deployments and the doctor on guests: greenroom as a stranger calls it, a fake cluster behind
//! HTTP, and a server at the addresses of the guests.

use crate::support::project::Project;
use crate::support::ran::Ran;
use greenroom::adapters::proxmox::GuestRef;
use greenroom::domain::model::Secret;
use greenroom::host::clock::SystemClock;
use greenroom::testing::proxmox::{FakeCluster, FakeGuest, Server, USER};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRET: &str = "3f1c2b1a-0000-4000-8000-000000000000";

struct Site {
    project: Project,
    cluster: Arc<FakeCluster>,
    server: Server,
}

impl Site {
    /// A project whose `staging` is on a cluster that has everything.
    fn new() -> Self {
        let cluster = Arc::new(FakeCluster::new(Arc::new(SystemClock::new())));
        cluster.add_pool("staging");
        cluster.add_template(GuestRef::vm("pve1", 9000), "debian-13");
        cluster.edit(9000, |guest| {
            for (name, value) in [
                ("ide2", "local-zfs:vm-9000-cloudinit,media=cdrom"),
                ("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0"),
            ] {
                guest.config.insert(name.to_owned(), value.to_owned());
            }
        });
        let tokens = BTreeMap::from([(USER.to_owned(), Secret::new(SECRET.to_owned()))]);
        let server = Server::start(Arc::clone(&cluster), tokens, Duration::ZERO).unwrap();
        let site = Self {
            project: Project::new(""),
            cluster,
            server,
        };
        let port = guests();
        site.project.write(
            "environments/staging.yaml",
            format!(
                "name: staging
type: staging
network: {{ subnet: 127.0.2.0/24, gateway: 127.0.2.1 }}
proxmox:
  host: {}
  node: pve1
  storage: local-zfs
  pool: staging
  vmIdRange: {{ start: 2000, end: 2009 }}
  token: {{ env: PROXMOX_TOKEN }}
  port: {port}
  guest: {{ vm: {{ template: 9000 }} }}
suites: [smoke]
deployment: {{ healthCheckInterval: 50ms, healthCheckTimeout: 20s }}
",
                site.server.url()
            ),
        );
        site
    }

    fn run(&self, words: &[&str]) -> Ran {
        let token = format!("{USER}={SECRET}");
        self.project.with(words, &[("PROXMOX_TOKEN", token.as_str())])
    }

    fn ids(&self) -> Vec<u32> {
        self.cluster.guests().iter().map(FakeGuest::id).collect()
    }
}

/// Answers at every address of this machine, as all guests do; its port.
fn guests() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let body = r#"{"status":"ok"}"#;
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}

#[test]
fn a_guest_is_made_tested_and_gone_again() {
    let site = Site::new();
    let serial = site.cluster.add_guest(GuestRef::vm("pve1", 2003), "important");
    // What the guest was like while it stood.
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let kept = Arc::clone(&seen);
    site.cluster.between(move |cluster, _| {
        let guests = cluster.guests().into_iter().filter(|guest| guest.running);
        kept.lock()
            .unwrap()
            .extend(guests.map(|guest| (guest.id(), guest)));
    });
    let ran = site.run(&["acceptance", "run", "-e", "staging", "--suite", "smoke"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("answers at http://127.0.2."), "{}", ran.out);
    assert!(
        ran.out.contains("1 of 1 checks passed") && ran.out.contains("is removed"),
        "{}",
        ran.out
    );
    assert_eq!(site.ids(), [2003, 9000]);
    let seen = seen.lock().unwrap();
    let guest = seen.values().next().unwrap();
    assert!(guest.name().starts_with("acceptance-test-"), "{}", guest.name());
    let description = &guest.config["description"];
    assert!(description.contains("\"expires\":"), "{description}");
    assert_eq!(site.cluster.touched(serial), []);
}

#[test]
fn guests_that_are_overdue_are_collected_without_any_record() {
    let site = Site::new();
    let serial = site.cluster.add_guest(GuestRef::vm("pve1", 2003), "important");
    let made = site.run(&[
        "--format",
        "json",
        "acceptance",
        "create",
        "-e",
        "staging",
        "--ttl",
        "2s",
    ]);
    assert_eq!(made.status, 0, "{}{}", made.out, made.err);
    let id = serde_json::from_str::<Value>(&made.out).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(site.ids(), [2000, 2003, 9000]);
    std::fs::remove_dir_all(site.project.path(".greenroom/ledger")).unwrap();
    let listed = site.run(&["acceptance", "list"]);
    assert!(
        listed.out.contains(&id)
            && listed
                .out
                .contains("the ledger does not know it: VM 2000 on pve1"),
        "{}",
        listed.out
    );
    crate::support::waiting::eventually("it to be overdue", || {
        let ran = site.run(&["prune", "guests"]);
        assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
        ran.out.contains(&format!("{id} is removed"))
    });
    assert_eq!(site.ids(), [2003, 9000]);
    assert_eq!(site.cluster.touched(serial), []);
}

#[test]
fn a_cluster_that_cannot_be_reached_is_no_reason_to_forget() {
    let site = Site::new();
    let made = site.run(&["--format", "json", "acceptance", "create", "-e", "staging"]);
    let id = serde_json::from_str::<Value>(&made.out).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let staging = site.project.read("environments/staging.yaml");
    site.project.write(
        "environments/staging.yaml",
        staging.replace(&site.server.url(), "http://127.0.0.1:1"),
    );
    let ran = site.run(&["acceptance", "cleanup", &id]);
    assert_eq!(ran.status, 5, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("cannot be looked at"), "{}", ran.err);
    site.project.write("environments/staging.yaml", staging);
    let ran = site.run(&["acceptance", "cleanup", &id]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert_eq!(site.ids(), [9000]);
}

#[test]
fn the_doctor_asks_the_cluster_with_the_token() {
    let site = Site::new();
    let ran = site.run(&["doctor", "-e", "staging"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    for line in [
        "  ok      host http://127.0.0.1:",
        "  ok      token: ci@pve!greenroom is let in",
        "  ok      rights on /pool/staging",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET));

    let wrong = site.project.with(
        &["doctor", "-e", "staging"],
        &[("PROXMOX_TOKEN", "ci@pve!greenroom=wrong")],
    );
    assert_eq!(wrong.status, 6, "{}{}", wrong.out, wrong.err);
    assert!(
        wrong.out.contains("fix: pveum user token list ci@pve"),
        "{}",
        wrong.out
    );
    let none = site.project.with(&["doctor", "-e", "staging"], &[]);
    assert_eq!(none.status, 3, "{}{}", none.out, none.err);
    assert!(none.out.contains("PROXMOX_TOKEN is not set"), "{}", none.out);
    let shape = site.project.with(
        &["doctor", "-e", "staging"],
        &[("PROXMOX_TOKEN", "ci@pve:greenroom")],
    );
    assert_eq!(shape.status, 3, "{}{}", shape.out, shape.err);
    assert!(shape.out.contains("USER@REALM!TOKENID=SECRET"), "{}", shape.out);
}

#[test]
fn a_new_environment_gets_its_pool_where_the_token_may_make_one() {
    let create = |site: &Site, name: &str, subnet: &str, ids: &str| {
        let gateway = format!("{}1", subnet.trim_end_matches("0/24"));
        let pool = format!("greenroom-{name}");
        site.run(&[
            "environment",
            "create",
            name,
            "--from",
            "staging",
            "--subnet",
            subnet,
            "--gateway",
            &gateway,
            "--vm-ids",
            ids,
            "--pool",
            &pool,
            "--token-variable",
            "PROXMOX_TOKEN",
        ])
    };
    let site = Site::new();
    let made = create(&site, "qa", "127.0.3.0/24", "3000-3009");
    assert_eq!(made.status, 0, "{}", made.err);
    assert!(made.out.contains("made the pool greenroom-qa"), "{}", made.out);
    let comment = site.cluster.pools()["greenroom-qa"].clone();
    assert!(comment.ends_with(" in qa"), "{comment}");

    // A token without the right leaves it to the administrator, whose commands are shown.
    site.cluster.grant(USER, "/pool/staging", &["VM.Audit"]);
    let left = create(&site, "uat", "127.0.4.0/24", "4000-4009");
    assert_eq!(left.status, 0, "{}", left.err);
    assert!(
        left.err.contains("the pool was not made") && left.err.contains("Pool.Allocate"),
        "{}",
        left.err
    );
    assert!(left.out.contains("pveum pool add greenroom-uat"), "{}", left.out);
    assert!(!site.cluster.pools().contains_key("greenroom-uat"));
}

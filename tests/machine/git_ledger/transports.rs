//! HTTP with a token in the repository's configuration, git's own protocol, ssh; answers that never come.

use crate::git_ledger::http::{CREDENTIALS, Server};
use crate::git_ledger::races::write;
use crate::git_ledger::yard::{BRANCH, Yard, name};
use crate::support::address::free_port;
use crate::support::ran::greenroom;
use greenroom::adapters::ledger::{GitBranch, GitLedger};
use greenroom::domain::model::{ErrorKind, Holder, Period};
use greenroom::host::environment::ProcessEnvironment;
use greenroom::host::git::Store;
use greenroom::ports::{Clock, Lease, Ledger};
use greenroom::testing::FakeClock;
use greenroom::testing::ledger::draft;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const TTL: Period = Period::from_secs(60);

fn holder() -> Holder {
    Holder {
        who: "ann".to_owned(),
        run: None,
        purpose: "deploying".to_owned(),
    }
}

/// A clone whose remote is the server; the credentials stand where actions/checkout leaves them.
fn over_http(yard: &Yard, clone: &str) -> Server {
    let server = Server::start(yard.path(""));
    let base = format!("http://127.0.0.1:{}/", server.port);
    yard.clone_with(clone, &[]);
    yard.git(
        clone,
        &["remote", "set-url", "origin", &format!("{base}remote.git")],
    );
    let header = format!("AUTHORIZATION: {CREDENTIALS}");
    yard.git(clone, &["config", &format!("http.{base}.extraheader"), &header]);
    server
}

#[test]
fn it_works_over_http_with_the_credentials_that_the_checkout_left() {
    let yard = Yard::new();
    let production = name("production");
    let _server = over_http(&yard, "clone");
    let ledger = yard.ledger("clone");
    write(&ledger, &production, "http", 3);
    let lease = yard.lease("clone", Arc::new(FakeClock::default()));
    let held = lease.acquire(&production, &holder(), TTL).unwrap();
    let held = lease.renew(&production, &held, TTL).unwrap();
    lease.release(&production, &held).unwrap();
    let audit = yard.audit(&production);
    assert_eq!((audit.length, audit.findings), (3, vec![]));
}

#[test]
fn without_credentials_nobody_is_asked_and_the_error_says_what_is_missing() {
    let yard = Yard::new();
    let production = name("production");
    let server = over_http(&yard, "clone");
    let base = format!("http://127.0.0.1:{}/", server.port);
    yard.git(
        "clone",
        &["config", "--unset", &format!("http.{base}.extraheader")],
    );
    let wrong = format!("http://ci:s3cret@127.0.0.1:{}/remote.git", server.port);
    for url in [format!("{base}remote.git"), wrong] {
        yard.git("clone", &["remote", "set-url", "origin", &url]);
        let error = yard.ledger("clone").head(&production).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    // Readable, not writable.
    yard.git("clone", &["remote", "set-url", "origin", &yard.url()]);
    yard.git(
        "clone",
        &[
            "remote",
            "set-url",
            "--push",
            "origin",
            &format!("{base}remote.git"),
        ],
    );
    let error = yard
        .ledger("clone")
        .append(&production, None, &draft(1, "x"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("contents: write"), "{error}");
    // Known before anything is tried in earnest.
    let trial = yard.branch("clone").try_push().unwrap_err();
    assert_eq!(trial.kind, ErrorKind::Denied, "{trial}");
}

#[test]
fn a_push_that_is_not_answered_is_settled_by_looking() {
    let yard = Yard::new();
    let production = name("production");
    let server = over_http(&yard, "clone");
    let ledger = yard.ledger("clone");
    let first = ledger.append(&production, None, &draft(1, "first")).unwrap();
    // Done, not answered.
    server.faults.unanswered.store(1, Ordering::SeqCst);
    let second = ledger
        .append(&production, Some(&first), &draft(1, "second"))
        .unwrap();
    assert_eq!(server.faults.pushes.load(Ordering::SeqCst), 2);
    // Lost on the way, twice.
    server.faults.lost.store(2, Ordering::SeqCst);
    let third = ledger
        .append(&production, Some(&second), &draft(1, "third"))
        .unwrap();
    assert_eq!(server.faults.pushes.load(Ordering::SeqCst), 5);
    // Lost again and again.
    server.faults.lost.store(9, Ordering::SeqCst);
    let error = ledger
        .append(&production, Some(&third), &draft(1, "fourth"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
    server.faults.lost.store(0, Ordering::SeqCst);
    ledger
        .append(&production, Some(&third), &draft(1, "fourth"))
        .unwrap();
    assert_eq!(yard.commits(), 4);
    assert!(yard.audit(&production).is_whole());
}

#[test]
fn a_lease_whose_push_is_not_answered_is_settled_by_looking() {
    let yard = Yard::new();
    let production = name("production");
    let server = over_http(&yard, "clone");
    let clock = Arc::new(FakeClock::default());
    let lease = yard.lease("clone", Arc::clone(&clock) as Arc<dyn Clock>);
    server.faults.unanswered.store(1, Ordering::SeqCst);
    let held = lease.acquire(&production, &holder(), TTL).unwrap();
    clock.advance(Duration::from_secs(5));
    server.faults.lost.store(1, Ordering::SeqCst);
    let error = lease.renew(&production, &held, TTL).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient, "it is not lost: {error}");
    let held = lease.renew(&production, &held, TTL).unwrap();
    clock.advance(Duration::from_secs(5));
    server.faults.unanswered.store(1, Ordering::SeqCst);
    let held = lease.renew(&production, &held, TTL).unwrap();
    // Done, and neither the push nor the look was answered: the next renewal finds out.
    clock.advance(Duration::from_secs(5));
    server.faults.unanswered.store(1, Ordering::SeqCst);
    server.faults.deaf.store(true, Ordering::SeqCst);
    assert_eq!(
        lease.renew(&production, &held, TTL).unwrap_err().kind,
        ErrorKind::Transient
    );
    server.faults.deaf.store(false, Ordering::SeqCst);
    clock.advance(Duration::from_secs(5));
    let held = lease.renew(&production, &held, TTL).unwrap();
    assert_eq!(held.expires, clock.now().plus(TTL));
    lease.release(&production, &held).unwrap();
    assert_eq!(lease.holder(&production).unwrap(), None);
}

/// Ends the process on drop.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_works_over_gits_own_protocol() {
    let yard = Yard::new();
    let production = name("production");
    let port = free_port();
    let core = yard.git("seed", &["--exec-path"]);
    let daemon = Command::new(format!("{core}/git-daemon"))
        .args([
            "--listen=127.0.0.1",
            "--export-all",
            "--enable=receive-pack",
            "--reuseaddr",
        ])
        .arg(format!("--port={port}"))
        .arg(format!("--base-path={}", yard.path("").display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _daemon = Running(daemon);
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "git daemon does not listen"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    yard.clone_with("clone", &[]);
    let url = format!("git://127.0.0.1:{port}/remote.git");
    yard.git("clone", &["remote", "set-url", "origin", &url]);
    write(&yard.ledger("clone"), &production, "git", 3);
    let audit = yard.audit(&production);
    assert_eq!((audit.length, audit.findings), (3, vec![]));
}

#[test]
fn ssh_is_started_as_configured_and_asks_nobody() {
    let yard = Yard::new();
    let production = name("production");
    // Stands in for ssh: writes down its arguments and runs the command on this machine.
    let log = yard.path("ssh.log");
    yard.script(
        "bin/ssh",
        &format!(
            "#!/bin/sh\necho \"$@\" >> {}\nfor last; do :; done\nexec sh -c \"$last\"\n",
            log.display()
        ),
    );
    yard.clone_with("clone", &[]);
    let url = format!("ci@host.test:{}", yard.path("remote.git").display());
    yard.git("clone", &["remote", "set-url", "origin", &url]);
    let command = format!("{} -i /keys/deploy", yard.path("bin/ssh").display());
    yard.git("clone", &["config", "core.sshCommand", &command]);
    write(&yard.ledger("clone"), &production, "ssh", 2);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.lines()
            .all(|line| line.contains("-i /keys/deploy -o BatchMode=yes") && line.contains("ci@host.test")),
        "{log}"
    );
    assert!(log.contains("git-receive-pack"), "{log}");
    assert_eq!(yard.commits(), 2);
}

/// The environment of a step in GitHub Actions on the server at `base`.
fn job<'a>(base: &'a str, token: &'a str) -> ProcessEnvironment {
    ProcessEnvironment::of(
        [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_TOKEN", token),
            ("GITHUB_SERVER_URL", base),
        ],
        "/",
    )
}

#[test]
fn the_token_of_the_job_is_enough_where_the_checkout_left_no_credentials() {
    let yard = Yard::new();
    let production = name("production");
    let server = over_http(&yard, "clone");
    let base = format!("http://127.0.0.1:{}", server.port);
    let setting = format!("http.{base}/.extraheader");
    yard.git("clone", &["config", "--unset", &setting]);
    let before = yard.git("clone", &["config", "--list", "--local"]);
    let open = |environment: &ProcessEnvironment| {
        let store = Store::open(yard.path("clone"), environment).unwrap();
        let branch = Arc::new(GitBranch::new(store, BRANCH.to_owned()));
        GitLedger::open(branch)
    };
    write(&open(&job(&base, "t0ken")), &production, "token", 3);
    assert_eq!(yard.audit(&production).length, 3);
    assert_eq!(yard.git("clone", &["config", "--list", "--local"]), before);

    // Another token, another server, and a server that is not the one of the job.
    let elsewhere = format!("http://127.0.0.1:{}", server.port + 1);
    for environment in [
        job(&base, "other"),
        job(&elsewhere, "t0ken"),
        job("https://github.com", "t0ken"),
    ] {
        let error = open(&environment).head(&production).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    }
    // What somebody configured is left to work, also when it is wrong.
    yard.git("clone", &["config", &setting, "AUTHORIZATION: basic d3Jvbmc="]);
    let error = open(&job(&base, "t0ken")).head(&production).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
}

#[test]
fn the_token_is_in_no_argument_and_the_form_in_which_it_travels_is_masked() {
    let yard = Yard::new();
    let server = over_http(&yard, "clone");
    let base = format!("http://127.0.0.1:{}", server.port);
    yard.git(
        "clone",
        &["config", "--unset", &format!("http.{base}/.extraheader")],
    );
    yard.write(
        "clone/greenroom.yaml",
        "service: hello\nledger: { gitBranch: record }\nenvironments:\n  - { name: staging, type: staging, local: {} }\n",
    );
    yard.script(
        "bin/git",
        &format!(
            "#!/bin/sh\necho \"$*\" >> {}\nPATH={} exec git \"$@\"\n",
            yard.path("calls").display(),
            env!("PATH")
        ),
    );
    let words = ["environment", "protect", "staging", "on", "--reason", "a freeze"];
    let output = greenroom(&yard.path("clone"), &words)
        .env("PATH", format!("{}:{}", yard.path("bin").display(), env!("PATH")))
        .envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_TOKEN", "t0ken"),
            ("GITHUB_SERVER_URL", &base),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{err}");
    assert_eq!(yard.git("remote.git", &["rev-list", "--count", "record"]), "1");
    let token = CREDENTIALS.trim_start_matches("basic ");
    let mask = format!("::add-mask::{token}\n");
    assert_eq!(said.matches(&mask).count(), 1, "{said}");
    let rest = format!("{}{err}", said.replace(&mask, ""));
    assert!(!rest.contains("t0ken") && !rest.contains(token), "{rest}");
    let calls = std::fs::read_to_string(yard.path("calls")).unwrap();
    assert!(calls.contains(" push ") && calls.contains(" fetch "), "{calls}");
    assert!(!calls.contains("t0ken") && !calls.contains(token), "{calls}");
}

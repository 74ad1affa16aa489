//! The ledger on a git branch, over `file://`: what a command that looks costs, and one that appends.

use greenroom::adapters::ledger::{GitBranch, GitLease, GitLedger, RawLedger};
use greenroom::domain::history::{Expectation, status, verify, wanted};
use greenroom::domain::model::{Holder, Period};
use greenroom::host::environment::ProcessEnvironment;
use greenroom::host::git::Store;
use greenroom::ports::{Lease, Ledger};
use greenroom::testing::{FakeClock, ledger, story};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BRANCH: &str = "greenroom-ledger";
const TTL: Period = Period::from_secs(120);

/// Measures on a history of `records`.
pub(crate) fn run(records: usize) {
    let place = tempfile::tempdir_in(".").unwrap();
    let place = place.path().canonicalize().unwrap();
    seed(&place, records);
    let (size, fetched) = first_fetch(&place);
    println!("{records} records on a branch: {size} packed, fetched into a fresh clone in {fetched:.2?}");
    let clone = place.join("clone");
    let open = || {
        let environment = ProcessEnvironment::of([("LC_ALL", "C")], &clone);
        let store = Store::open(&clone, &environment).unwrap();
        Arc::new(GitBranch::new(store, BRANCH.to_owned()))
    };
    report("status, nothing new", 31, || one_status(open()));
    report("audit of everything", 3, || one_audit(open()));
    let ledger = GitLedger::open(open());
    let mut head = ledger.head(&story::production()).unwrap();
    report("append", 31, || {
        let draft = ledger::draft(1, "one more");
        head = Some(
            ledger
                .append(&story::production(), head.as_ref(), &draft)
                .unwrap(),
        );
    });
    let lease = GitLease::open(open(), Arc::new(FakeClock::default()));
    let holder = Holder {
        who: "bench".to_owned(),
        run: None,
        purpose: "measuring".to_owned(),
    };
    report("lease: acquire, renew, release", 11, || {
        let held = lease.acquire(&story::production(), &holder, TTL).unwrap();
        let held = lease.renew(&story::production(), &held, TTL).unwrap();
        lease.release(&story::production(), &held).unwrap();
    });
}

fn git(directory: &Path, words: &str) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(words.split(' '))
        .envs([
            ("GIT_AUTHOR_NAME", "bench"),
            ("GIT_AUTHOR_EMAIL", "bench@acme.test"),
        ])
        .envs([
            ("GIT_COMMITTER_NAME", "bench"),
            ("GIT_COMMITTER_EMAIL", "bench@acme.test"),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {words}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A bare repository with a branch as greenroom would have written it, a commit per record, and a clone
/// that has not fetched the branch.
fn seed(place: &Path, records: usize) {
    git(place, "init --quiet --bare --initial-branch=main remote.git");
    let last = story::write_large_ledger(&place.join("plain"), records);
    let mut input = Vec::new();
    for seq in 0..records {
        let name = format!("production/{seq:020}.json");
        let bytes = std::fs::read(place.join("plain").join(&name)).unwrap();
        let mark = format!("{{\"seq\":{seq}}}");
        input.extend(
            format!("commit refs/heads/{BRANCH}\ncommitter b <b@acme.test> {seq} +0000\ndata 1\n.\n").bytes(),
        );
        input.extend(format!("M 100644 inline {name}\ndata {}\n", bytes.len()).bytes());
        input.extend(bytes);
        input.extend(format!("\nM 100644 inline production/head\ndata {}\n{mark}\n", mark.len()).bytes());
    }
    assert_eq!(last.record.seq as usize + 1, records);
    std::fs::write(place.join("import"), input).unwrap();
    let status = Command::new("git")
        .arg("-C")
        .arg(place.join("remote.git"))
        .args(["fast-import", "--quiet"])
        .stdin(std::fs::File::open(place.join("import")).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    git(&place.join("remote.git"), "repack -a -d -q");
    let url = format!("file://{}", place.join("remote.git").display());
    git(place, "init --quiet clone");
    git(&place.join("clone"), &format!("remote add origin {url}"));
}

/// How large the branch is, and how long a fresh clone takes to have it.
fn first_fetch(place: &Path) -> (String, Duration) {
    let counted = git(&place.join("remote.git"), "count-objects -v -H");
    let size = counted
        .lines()
        .find_map(|line| line.strip_prefix("size-pack: "))
        .unwrap()
        .to_owned();
    let environment = ProcessEnvironment::of([("LC_ALL", "C")], place);
    let store = Store::open(place.join("clone"), &environment).unwrap();
    let began = Instant::now();
    let ledger = GitLedger::open(Arc::new(GitBranch::new(store, BRANCH.to_owned())));
    assert!(ledger.head(&story::production()).unwrap().is_some());
    (size, began.elapsed())
}

fn report(what: &str, rounds: usize, mut act: impl FnMut()) {
    let mut taken: Vec<Duration> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            act();
            began.elapsed()
        })
        .collect();
    taken.sort();
    println!(
        "{what:<34} median {:>9.3} ms   worst {:>9.3} ms",
        taken[rounds / 2].as_secs_f64() * 1_000.0,
        taken[rounds - 1].as_secs_f64() * 1_000.0
    );
}

fn one_status(branch: Arc<GitBranch>) {
    let ledger = GitLedger::open(Arc::clone(&branch));
    let environment = story::production();
    let head = ledger.head(&environment).unwrap().unwrap().record;
    let others: Vec<_> = wanted(&head)
        .into_iter()
        .map(|seq| ledger.read(&environment, seq).unwrap().unwrap().record)
        .collect();
    let held = GitLease::open(branch, Arc::new(FakeClock::default()))
        .holder(&environment)
        .unwrap();
    assert!(status(&head, &others, held).unwrap().live.is_some());
}

fn one_audit(branch: Arc<GitBranch>) {
    let ledger = GitLedger::open(branch);
    let environment = story::production();
    let raw = ledger.raw(&environment).unwrap();
    let expected = Expectation {
        environment: &environment,
        head: raw.head,
        anchor: None,
    };
    assert!(verify(raw.records, &expected).is_whole());
}

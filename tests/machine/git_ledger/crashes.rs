//! Writers that are killed in the middle of an append.

use crate::git_ledger::races::write;
use crate::git_ledger::yard::{Yard, branch, name};
use crate::support::own_test::own_test;
use greenroom::adapters::ledger::GitLedger;
use greenroom::domain::model::ErrorKind;
use greenroom::ports::Ledger;
use greenroom::testing::ledger::draft;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// One process of the test below: appends to the branch of its current directory until it is killed, and
/// says what it got.
#[test]
#[ignore = "a process of the test below"]
fn one_writing_process() {
    let ledger = GitLedger::open(branch(&std::env::current_dir().unwrap()));
    let production = name("production");
    let mut newest = ledger.head(&production).unwrap();
    for number in 0.. {
        let text = format!("{}/{number}", std::process::id());
        match ledger.append(&production, newest.as_ref(), &draft(1, &text)) {
            Ok(stored) => {
                // Past the test harness, which keeps what is printed.
                let mut out = std::fs::OpenOptions::new()
                    .append(true)
                    .open("../acknowledged")
                    .unwrap();
                writeln!(out, "{} {text}", stored.record.seq).unwrap();
                newest = Some(stored);
            }
            Err(error) if error.kind == ErrorKind::Conflict => newest = ledger.head(&production).unwrap(),
            Err(error) => panic!("{error}"),
        }
    }
}

fn acknowledged(yard: &Yard) -> Vec<(u64, String)> {
    let file = std::fs::File::open(yard.path("acknowledged")).unwrap();
    BufReader::new(file)
        .lines()
        .filter_map(|line| {
            let line = line.unwrap();
            let (seq, text) = line.split_once(' ')?;
            Some((seq.parse().unwrap(), text.to_owned()))
        })
        .collect()
}

/// The processes that `parent` started and that still run.
fn children(parent: u32) -> Vec<Pid> {
    let of = format!("/proc/{parent}/task");
    let tasks = std::fs::read_dir(of).into_iter().flatten().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|ids| {
            ids.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<i32>>()
        })
        .filter_map(Pid::from_raw)
        .collect()
}

fn writer(clone: &Path) -> Child {
    own_test(module_path!(), "one_writing_process")
        .current_dir(clone)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_fifty_times_while_it_appends_nothing_is_lost_or_doubled() {
    let yard = Yard::new();
    yard.clone_with("clone", &[]);
    yard.write("acknowledged", "");
    let production = name("production");
    for round in 0..50_u64 {
        let before = acknowledged(&yard).len();
        let mut child = writer(&yard.path("clone"));
        let begun = Instant::now();
        while acknowledged(&yard).len() == before && begun.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Spread over the time that an append takes.
        std::thread::sleep(Duration::from_millis(round * 37 % 97));
        let git = children(child.id());
        child.kill().unwrap();
        // Half of the time git goes with it, as when a machine is taken away.
        for id in git.into_iter().filter(|_| round % 2 == 0) {
            let _ = kill_process(id, Signal::KILL);
        }
        child.wait().unwrap();
        assert!(
            acknowledged(&yard).len() > before,
            "round {round}: nothing was appended"
        );
        // What goes on in the background may land first; then the next one gives way.
        write(&yard.ledger("clone"), &production, &format!("after {round}"), 1);
    }
    let audit = yard.audit(&production);
    assert_eq!(audit.findings, vec![]);
    let reader = yard.clone("reader");
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for seq in 0..audit.length {
        let stored = reader.read(&production, seq).unwrap().unwrap();
        let text = stored.record.body["a"].as_str().unwrap().to_owned();
        assert_eq!(found.insert(text.clone(), seq), None, "{text} twice");
    }
    for (seq, text) in acknowledged(&yard) {
        assert_eq!(found.get(&text), Some(&seq), "{text}");
    }
    assert_eq!(found.keys().filter(|text| text.starts_with("after ")).count(), 50);
}

//! How long `status` takes on a long history, and how many files it reads.
//!
//! ```text
//! cargo bench --bench ledger -- [RECORDS]            100000 records where nothing is said
//! cargo bench --bench ledger -- write DIRECTORY RECORDS    only writes a ledger there
//! cargo bench --bench ledger -- branch RECORDS       the same on a git branch, and leases
//! ```
//!
//! Builds a whole ledger in a temporary directory, then measures, each on a freshly opened ledger:
//! the head and the at most three records that the status needs; the same when the head mark is
//! gone; an audit of everything; and durable appends.
#![expect(clippy::print_stdout, reason = "the figures are the product")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made ends")]

mod branch;

use greenroom::adapters::ledger::{DirectoryLedger, RawLedger};
use greenroom::domain::history::{Expectation, status, verify, wanted};
use greenroom::ports::Ledger;
use greenroom::testing::{ledger, story};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const ROUNDS: usize = 101;

fn main() {
    // Cargo adds a flag of its own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let records = words.last().and_then(|word| word.parse().ok()).unwrap_or(100_000);
    if let [write, directory, _] = words.as_slice()
        && write == "write"
    {
        story::write_large_ledger(Path::new(directory), records);
        return;
    }
    if words.first().is_some_and(|word| word == "branch") {
        branch::run(records);
        return;
    }
    let root = tempfile::tempdir_in(".").unwrap();
    let began = Instant::now();
    story::write_large_ledger(root.path(), records);
    println!(
        "{records} records written in {:.1} s",
        began.elapsed().as_secs_f64()
    );

    report("status", &measure(ROUNDS, || one_status(root.path())));
    let mark = root.path().join("production/head");
    let kept = fs::read(&mark).unwrap();
    fs::remove_file(&mark).unwrap();
    report(
        "status without head mark (lists)",
        &measure(5, || one_status(root.path())),
    );
    fs::write(&mark, kept).unwrap();
    report("audit of everything", &measure(3, || one_audit(root.path())));
    let ledger = DirectoryLedger::open(root.path().to_owned());
    report("durable append", &measure(ROUNDS, || one_append(&ledger)));
}

/// Time and reads of each round, sorted by time.
fn measure(rounds: usize, act: impl Fn() -> u64) -> Vec<(Duration, u64)> {
    let mut taken: Vec<_> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            let reads = act();
            (began.elapsed(), reads)
        })
        .collect();
    taken.sort();
    taken
}

fn report(what: &str, taken: &[(Duration, u64)]) {
    let millis = |place: usize| taken[place].0.as_secs_f64() * 1_000.0;
    println!(
        "{what:<34} median {:>9.3} ms   worst {:>9.3} ms   reads {}",
        millis(taken.len() / 2),
        millis(taken.len() - 1),
        taken[0].1
    );
}

fn one_status(root: &Path) -> u64 {
    let ledger = DirectoryLedger::open(root.to_owned());
    let environment = story::production();
    let head = ledger.head(&environment).unwrap().unwrap().record;
    let others: Vec<_> = wanted(&head)
        .into_iter()
        .map(|seq| ledger.read(&environment, seq).unwrap().unwrap().record)
        .collect();
    let status = status(&head, &others, None).unwrap();
    assert!(status.live.is_some());
    ledger.reads()
}

fn one_audit(root: &Path) -> u64 {
    let ledger = DirectoryLedger::open(root.to_owned());
    let environment = story::production();
    let raw = ledger.raw(&environment).unwrap();
    let expected = Expectation {
        environment: &environment,
        head: raw.head,
        anchor: None,
    };
    assert!(verify(raw.records, &expected).is_whole());
    ledger.reads()
}

fn one_append(ledger: &DirectoryLedger) -> u64 {
    let environment = story::production();
    let before = ledger.reads();
    let head = ledger.head(&environment).unwrap();
    ledger
        .append(&environment, head.as_ref(), &ledger::draft(1, "one more"))
        .unwrap();
    ledger.reads() - before
}

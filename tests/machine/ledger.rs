//! The ledger and the lease in a directory: the contracts, the race, crashes and tampering.

use crate::support::own_test::own_test;
use greenroom::adapters::ledger::{DirectoryLease, DirectoryLedger, RawLedger};
use greenroom::domain::history::{Audit, Expectation, Problem, verify};
use greenroom::domain::model::{Digest, EnvironmentName, ErrorKind, Holder, Period};
use greenroom::ports::{Lease, Ledger};
use greenroom::testing::{FakeClock, lease, ledger, story};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

fn production() -> EnvironmentName {
    story::production()
}

fn audit(root: &Path, anchor: Option<Digest>) -> Audit {
    let ledger = DirectoryLedger::open(root.to_owned());
    let environment = production();
    let raw = ledger.raw(&environment).unwrap();
    let expected = Expectation {
        environment: &environment,
        head: raw.head,
        anchor,
    };
    verify(raw.records, &expected)
}

fn record(root: &Path, seq: u64) -> PathBuf {
    root.join(format!("production/{seq:020}.json"))
}

/// A ledger with this many records, written by the adapter.
fn written(length: u64) -> (TempDir, DirectoryLedger) {
    let root = tempfile::tempdir().unwrap();
    let ledger = DirectoryLedger::open(root.path().to_owned());
    let mut last = None;
    for number in 0..length {
        let text = format!("number {number}");
        last = Some(
            ledger
                .append(&production(), last.as_ref(), &ledger::draft(1, &text))
                .unwrap(),
        );
    }
    (root, ledger)
}

#[test]
fn the_ledger_in_a_directory_keeps_the_contract() {
    let roots = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    ledger::contract(|| {
        count.set(count.get() + 1);
        DirectoryLedger::open(roots.path().join(count.get().to_string()))
    });
}

#[test]
fn the_lease_in_a_directory_keeps_the_contract() {
    let roots = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    lease::contract(|clock| {
        count.set(count.get() + 1);
        DirectoryLease::open(&roots.path().join(count.get().to_string()), clock)
    });
}

#[test]
fn thirty_two_writers_append_a_thousand_records_each_and_none_is_lost() {
    // In memory where there is such a place: the race is about names, and 64,000 syncs of a busy disk
    // take minutes. The tests with processes run on the disk.
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
    let root = if room > 512 * 1024 * 1024 {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    ledger::race(&DirectoryLedger::open(root.path().to_owned()), 32, 1_000);
    let audit = audit(root.path(), None);
    assert_eq!((audit.length, audit.findings), (32_000, vec![]));
}

/// One process of the test below; it works in its current directory.
#[test]
#[ignore = "a process of the test below"]
fn one_writing_process() {
    let ledger = DirectoryLedger::open(PathBuf::from("."));
    ledger::write(&ledger, std::process::id() as usize, 100);
}

#[test]
fn processes_that_write_at_the_same_time_lose_nothing() {
    let root = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..4)
        .map(|_| {
            own_test(module_path!(), "one_writing_process")
                .current_dir(root.path())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let audit = audit(root.path(), None);
    assert_eq!((audit.length, audit.findings), (400, vec![]));
}

#[test]
fn a_process_that_is_killed_while_it_writes_leaves_a_whole_ledger() {
    let root = tempfile::tempdir().unwrap();
    for round in 1..=5 {
        let mut child = own_test(module_path!(), "one_writing_process")
            .current_dir(root.path())
            .spawn()
            .unwrap();
        let enough = record(root.path(), round * 13);
        while !enough.exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let found = audit(root.path(), None);
        assert_eq!(found.findings, vec![]);
        let ledger = DirectoryLedger::open(root.path().to_owned());
        assert_eq!(
            ledger.head(&production()).unwrap().map(|stored| stored.hash),
            found.head
        );
    }
}

#[test]
fn the_head_is_found_whatever_a_crash_did_to_its_mark() {
    let (root, ledger) = written(40);
    let head = ledger.head(&production()).unwrap();
    let mark = root.path().join("production/head");
    let newest = fs::read(&mark).unwrap();
    fs::write(&mark, b"").unwrap();
    assert_eq!(ledger.head(&production()).unwrap(), head);
    fs::write(&mark, &newest[..newest.len() / 2]).unwrap();
    assert_eq!(ledger.head(&production()).unwrap(), head);
    fs::remove_file(&mark).unwrap();
    assert_eq!(ledger.head(&production()).unwrap(), head);
    // The next append writes it again.
    let next = ledger
        .append(&production(), head.as_ref(), &ledger::draft(1, "next"))
        .unwrap();
    assert_eq!(ledger.head(&production()).unwrap(), Some(next));
    assert!(mark.exists());
}

#[test]
fn a_mark_that_stayed_behind_costs_a_few_lookups() {
    let root = tempfile::tempdir().unwrap();
    let ledger = DirectoryLedger::open(root.path().to_owned());
    let mark = root.path().join("production/head");
    let mut last = None;
    for behind in 0..70_u64 {
        last = Some(
            ledger
                .append(&production(), last.as_ref(), &ledger::draft(1, "x"))
                .unwrap(),
        );
        if behind == 0 {
            fs::copy(&mark, root.path().join("old")).unwrap();
            continue;
        }
        fs::copy(root.path().join("old"), &mark).unwrap();
        let before = ledger.reads();
        assert_eq!(ledger.head(&production()).unwrap(), last);
        assert!(ledger.reads() - before <= 20, "{} reads", ledger.reads() - before);
    }
}

#[test]
fn a_head_that_was_cut_off_or_altered_is_not_built_upon() {
    let (root, ledger) = written(5);
    let newest = fs::read(record(root.path(), 4)).unwrap();
    fs::remove_file(record(root.path(), 4)).unwrap();
    let error = ledger.head(&production()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(
        error
            .why
            .to_string()
            .starts_with("record 4 was the newest and is gone; see `greenroom audit verify`")
    );
    let altered = String::from_utf8(newest).unwrap().replace("number 4", "number 5");
    fs::write(record(root.path(), 4), altered).unwrap();
    let error = ledger.head(&production()).unwrap_err();
    assert!(
        error.to_string().contains("is altered since it was written"),
        "{error}"
    );
    // Accepted by a person.
    fs::remove_file(root.path().join("production/head")).unwrap();
    assert_eq!(ledger.head(&production()).unwrap().unwrap().record.seq, 4);
}

#[test]
fn the_number_of_reads_does_not_grow_with_the_history() {
    let mut counts = Vec::new();
    for length in [10, 1_000, 5_000] {
        let root = tempfile::tempdir().unwrap();
        story::write_large_ledger(root.path(), length);
        let ledger = DirectoryLedger::open(root.path().to_owned());
        let head = ledger.head(&production()).unwrap().unwrap();
        for seq in greenroom::domain::history::wanted(&head.record) {
            ledger.read(&production(), seq).unwrap().unwrap();
        }
        counts.push(ledger.reads());
    }
    // Mark, newest record, one look for a newer one; then at most three more.
    assert!(counts.iter().all(|count| *count <= 6), "{counts:?}");
}

#[test]
fn a_flipped_bit_is_found_in_the_record_it_is_in() {
    let (root, _) = written(6);
    for seq in [0, 2, 5] {
        let path = record(root.path(), seq);
        let bytes = fs::read(&path).unwrap();
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << (place % 8);
            fs::write(&path, &damaged).unwrap();
            let found = audit(root.path(), None).findings;
            let places: Vec<_> = found.iter().map(|finding| finding.seq).collect();
            assert_eq!(places, [Some(seq)], "record {seq}, byte {place}: {found:?}");
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(audit(root.path(), None).is_whole());
}

/// What an audit finds in a ledger of eight records after `spoil`.
fn problems(spoil: impl Fn(&Path)) -> Vec<(u64, Problem)> {
    let (root, _) = written(8);
    spoil(root.path());
    let found = audit(root.path(), None).findings;
    found
        .into_iter()
        .map(|finding| (finding.seq.unwrap(), finding.what))
        .collect()
}

#[test]
fn removed_swapped_copied_and_cut_off_records_are_named() {
    let holds = |holds| Problem::Misplaced { holds };
    let removed = problems(|root| fs::remove_file(record(root, 3)).unwrap());
    assert_eq!(removed, [(3, Problem::Missing)]);
    let first = problems(|root| fs::remove_file(record(root, 0)).unwrap());
    assert_eq!(first, [(0, Problem::Missing)]);
    let swapped = problems(|root| {
        let other = record(root, 4).with_extension("aside");
        fs::rename(record(root, 4), &other).unwrap();
        fs::rename(record(root, 5), record(root, 4)).unwrap();
        fs::rename(&other, record(root, 5)).unwrap();
    });
    assert_eq!(swapped, [(4, holds(5)), (5, holds(4))]);
    let copied = problems(|root| assert!(fs::copy(record(root, 2), record(root, 4)).unwrap() > 0));
    assert_eq!(copied, [(4, holds(2))]);
    let cut = problems(|root| (6..8).for_each(|seq| fs::remove_file(record(root, seq)).unwrap()));
    assert_eq!(cut, [(6, Problem::Truncated { through: 7 })]);
    let closed_up =
        problems(|root| (3..7).for_each(|seq| fs::rename(record(root, seq + 1), record(root, seq)).unwrap()));
    assert_eq!(closed_up.len(), 5, "{closed_up:?}");
    assert_eq!(closed_up[0], (3, holds(4)));
    assert_eq!(closed_up[4], (7, Problem::Truncated { through: 7 }));
}

#[test]
fn an_edited_record_is_told_from_one_that_was_cut_short_and_one_with_a_new_heading() {
    let short = problems(|root| {
        let bytes = fs::read(record(root, 3)).unwrap();
        fs::write(record(root, 3), &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(
        matches!(short.as_slice(), [(3, Problem::Altered { detail: Some(_) })]),
        "{short:?}"
    );
    let heading = problems(|root| {
        let text = fs::read_to_string(record(root, 5)).unwrap();
        fs::write(record(root, 5), text.replace("\"seq\":5", "\"seq\":9")).unwrap();
    });
    assert_eq!(heading, [(5, Problem::HeadingAltered)]);
    let content = problems(|root| {
        let text = fs::read_to_string(record(root, 5)).unwrap();
        fs::write(record(root, 5), text.replace("number 5", "number 6")).unwrap();
    });
    assert_eq!(content, [(5, Problem::Altered { detail: None })]);
}

#[test]
fn a_ledger_that_was_rewritten_as_a_whole_is_found_by_a_hash_written_down_elsewhere() {
    let (honest, ledger) = written(6);
    let at = |seq| ledger.read(&production(), seq).unwrap().unwrap().hash;
    let (end, middle) = (at(5), at(3));
    assert_eq!(audit(honest.path(), Some(end.clone())).anchored, Some(5));
    let grown = audit(honest.path(), Some(middle));
    assert_eq!((grown.anchored, grown.is_whole()), (Some(3), true));
    let (forged, _) = written(6);
    assert!(audit(forged.path(), None).is_whole());
    let found = audit(forged.path(), Some(end.clone())).findings;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].what, Problem::AnchorNotFound { hash: end });
    // The same, cut short, with a mark that agrees.
    fs::remove_file(record(honest.path(), 5)).unwrap();
    fs::remove_file(honest.path().join("production/head")).unwrap();
    assert!(audit(honest.path(), None).is_whole());
    assert!(!audit(honest.path(), Some(at(4))).notes.is_empty());
}

#[test]
fn files_that_are_no_records_are_listed_and_do_no_harm() {
    let (root, ledger) = written(2);
    for name in ["7.json", ".stage-0011", "0000000000000000000x.json"] {
        fs::write(root.path().join("production").join(name), b"{}").unwrap();
    }
    let raw = ledger.raw(&production()).unwrap();
    assert_eq!(
        raw.strangers,
        [".stage-0011", "0000000000000000000x.json", "7.json"]
    );
    assert_eq!(raw.records.count(), 2);
    assert!(audit(root.path(), None).is_whole());
}

/// Takes the lease of its current directory and dies with it.
#[test]
#[ignore = "a process of the test below"]
fn one_leasing_process() {
    let lease = DirectoryLease::open(Path::new("."), Arc::new(FakeClock::default()));
    let holder = Holder {
        who: "the dead".to_owned(),
        run: None,
        purpose: "nothing".to_owned(),
    };
    lease
        .acquire(&production(), &holder, Period::from_secs(3_600))
        .unwrap();
}

#[test]
fn the_lease_of_a_process_that_died_on_this_machine_is_taken_over_at_once() {
    let root = tempfile::tempdir().unwrap();
    let status = own_test(module_path!(), "one_leasing_process")
        .current_dir(root.path())
        .status()
        .unwrap();
    assert!(status.success());
    let lease = DirectoryLease::open(root.path(), Arc::new(FakeClock::default()));
    assert_eq!(lease.holder(&production()).unwrap(), None);
    let holder = Holder {
        who: "the living".to_owned(),
        run: None,
        purpose: "more".to_owned(),
    };
    let held = lease
        .acquire(&production(), &holder, Period::from_secs(60))
        .unwrap();
    assert_eq!(held.epoch, 2);
}

#[test]
fn a_damaged_lease_blocks_until_a_person_empties_it_and_keeps_its_epoch() {
    let root = tempfile::tempdir().unwrap();
    let lease = DirectoryLease::open(root.path(), Arc::new(FakeClock::default()));
    let holder = Holder {
        who: "ann".to_owned(),
        run: None,
        purpose: "deploying".to_owned(),
    };
    let ttl = Period::from_secs(60);
    lease.acquire(&production(), &holder, ttl).unwrap();
    let file = root
        .path()
        .join(".locks/production")
        .join(format!("{:020}.json", 1));
    fs::write(&file, b"{\"v\":1,").unwrap();
    let error = lease.acquire(&production(), &holder, ttl).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("empty the file"), "{error}");
    fs::write(&file, b"").unwrap();
    assert_eq!(lease.acquire(&production(), &holder, ttl).unwrap().epoch, 2);
    assert!(!file.exists());
}

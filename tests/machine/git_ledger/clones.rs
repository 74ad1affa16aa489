//! Clones of every kind: fresh, shallow, partial.

use crate::git_ledger::races::write;
use crate::git_ledger::yard::{BRANCH, FULL, KNOWN, Yard, name};
use greenroom::ports::Ledger;
use greenroom::testing::ledger::draft;

#[test]
fn a_fresh_clone_sees_what_another_wrote_and_goes_on() {
    let yard = Yard::new();
    let production = name("production");
    let first = yard.clone("first");
    assert_eq!(first.head(&production).unwrap(), None);
    assert_eq!(first.environments().unwrap(), []);
    write(&first, &production, "first", 3);
    let second = yard.clone("second");
    let head = second.head(&production).unwrap();
    assert_eq!(head.as_ref().unwrap().record.seq, 2);
    let next = second
        .append(&production, head.as_ref(), &draft(1, "second"))
        .unwrap();
    // The first learns of it where it has not looked yet.
    assert_eq!(first.read(&production, 3).unwrap().unwrap(), next);
    let tree = yard.git("remote.git", &["ls-tree", "-r", "--name-only", BRANCH]);
    let files: Vec<String> = (0..4).map(|seq| format!("production/{seq:020}.json")).collect();
    assert_eq!(tree, format!("{}\nproduction/head", files.join("\n")));
}

#[test]
fn a_shallow_clone_works_and_a_full_one_stays_full() {
    let yard = Yard::new();
    let production = name("production");
    yard.clone_with("shallow", &["--depth=1"]);
    let cut = std::fs::read(yard.path("shallow/.git/shallow")).unwrap();
    write(&yard.ledger("shallow"), &production, "shallow", 2);
    write(&yard.clone("full"), &production, "full", 2);
    write(&yard.ledger("shallow"), &production, "again", 2);
    assert_eq!(std::fs::read(yard.path("shallow/.git/shallow")).unwrap(), cut);
    assert_eq!(yard.git("shallow", &["rev-list", "--count", "HEAD"]), "1");
    assert_eq!(
        yard.git("full", &["rev-parse", "--is-shallow-repository"]),
        "false"
    );
    // One that has the branch itself, cut off.
    yard.clone_with("cut", &["--depth=1", "--no-single-branch"]);
    assert_eq!(
        yard.git("cut", &["rev-list", "--count", "origin/greenroom-ledger"]),
        "1"
    );
    write(&yard.ledger("cut"), &production, "cut", 2);
    assert_eq!(
        yard.ledger("cut")
            .read(&production, 0)
            .unwrap()
            .unwrap()
            .record
            .body["a"],
        "shallow/0"
    );
    let audit = yard.audit(&production);
    assert_eq!((audit.length, audit.findings), (8, vec![]));
}

#[test]
fn a_clone_that_was_made_shallow_later_is_not_told_that_the_branch_was_rewritten() {
    let yard = Yard::new();
    let production = name("production");
    write(&yard.clone("other"), &production, "other", 3);
    let ledger = yard.clone("clone");
    ledger.head(&production).unwrap();
    write(&yard.ledger("other"), &production, "more", 4);
    yard.git(
        "clone",
        &["fetch", "--quiet", "--depth=1", "origin", "main", FULL],
    );
    assert_eq!(yard.newest("clone", &production), 6);
    let known = yard.git("clone", &["rev-parse", KNOWN]);
    assert_eq!(known, yard.git("remote.git", &["rev-parse", BRANCH]));
}

#[test]
fn a_partial_clone_gets_every_record_with_one_fetch() {
    let yard = Yard::new();
    let production = name("production");
    write(&yard.clone("other"), &production, "other", 5);
    yard.clone_with(
        "partial",
        &["--filter=blob:none", "--single-branch", "--branch=main"],
    );
    let ledger = yard.ledger("partial");
    assert_eq!(ledger.head(&production).unwrap().unwrap().record.seq, 4);
    // Without the remote, nothing more can be fetched.
    std::fs::rename(yard.path("remote.git"), yard.path("away.git")).unwrap();
    for seq in 0..5 {
        assert_eq!(ledger.read(&production, seq).unwrap().unwrap().record.seq, seq);
    }
    std::fs::rename(yard.path("away.git"), yard.path("remote.git")).unwrap();
    write(&ledger, &production, "partial", 2);
    assert!(yard.audit(&production).is_whole());
}

#[test]
fn a_clone_whose_one_remote_has_another_name_works_and_two_strange_ones_are_refused() {
    let yard = Yard::new();
    let production = name("production");
    yard.clone_with("clone", &["--origin=upstream"]);
    write(&yard.ledger("clone"), &production, "upstream", 1);
    assert_eq!(yard.commits(), 1);
    yard.git("clone", &["remote", "add", "fork", "/nowhere"]);
    let environment = greenroom::host::environment::ProcessEnvironment::of([("A", "b")], "/");
    let error = greenroom::host::git::Store::open(yard.path("clone"), &environment).unwrap_err();
    assert!(error.to_string().contains("none is called origin"), "{error}");
}

//! A branch that somebody changed: by force, or by a commit on top.

use crate::git_ledger::races::write;
use crate::git_ledger::yard::{BRANCH, FULL, KNOWN, Yard, audit, name};
use greenroom::adapters::ledger::RawLedger;
use greenroom::domain::history::Problem;
use greenroom::domain::model::ErrorKind;
use greenroom::ports::Ledger;
use greenroom::testing::ledger::draft;

/// A yard with five records, and a clone that has seen them.
fn seen() -> Yard {
    let yard = Yard::new();
    write(&yard.clone("clone"), &name("production"), "w", 5);
    yard
}

#[test]
fn a_branch_that_was_cut_back_or_replaced_is_not_built_upon_and_is_a_finding() {
    let yard = seen();
    let production = name("production");
    let tip = yard.git("remote.git", &["rev-parse", BRANCH]);
    // A record that was never in the branch, and a branch that is gone.
    let other = seen();
    let foreign = other.git("remote.git", &["rev-parse", BRANCH]);
    yard.git("remote.git", &["fetch", "--quiet", &other.url(), BRANCH]);
    for (what, to, length, truncated) in [
        ("cut back", format!("{tip}~2"), 3, true),
        ("replaced", foreign, 5, false),
        ("deleted", String::new(), 0, true),
    ] {
        let seed = |to: &str| match to {
            "" => yard.git("remote.git", &["update-ref", "-d", FULL]),
            to => yard.git("remote.git", &["update-ref", FULL, to]),
        };
        seed(&to);
        let ledger = yard.ledger("clone");
        let error = ledger.head(&production).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{what}: {error}");
        for part in ["git push --force origin", "greenroom audit verify", &tip] {
            assert!(error.to_string().contains(part), "{what}: {error}");
        }
        assert!(
            ledger.append(&production, None, &draft(9, "x")).is_err(),
            "{what}"
        );
        assert_eq!(
            ledger.environments().unwrap(),
            std::slice::from_ref(&production),
            "{what}"
        );
        let (found, rewritten) = audit(&ledger, &production);
        assert_eq!(found.length, length, "{what}");
        assert!(rewritten.unwrap().contains(&tip), "{what}");
        let cut = found
            .findings
            .iter()
            .any(|finding| matches!(finding.what, Problem::Truncated { through: 4 }));
        assert_eq!(cut, truncated, "{what}: {found:?}");
        assert!(!found.is_whole(), "{what}");
        // As the error says.
        yard.git(
            "clone",
            &["push", "--quiet", "--force", "origin", &format!("{tip}:{FULL}")],
        );
        assert_eq!(yard.newest("clone", &production), 4);
    }
    yard.git("remote.git", &["update-ref", FULL, &format!("{tip}~2")]);
    assert!(yard.ledger("clone").head(&production).is_err());
    yard.git("clone", &["update-ref", "-d", KNOWN]);
    assert_eq!(yard.newest("clone", &production), 2);
}

#[test]
fn a_process_that_saw_the_branch_refuses_to_append_to_a_rewritten_one() {
    let yard = seen();
    let production = name("production");
    let ledger = yard.ledger("clone");
    let head = ledger.head(&production).unwrap();
    let other = seen();
    yard.git("remote.git", &["fetch", "--quiet", &other.url(), BRANCH]);
    yard.git("remote.git", &["update-ref", FULL, "FETCH_HEAD"]);
    let error = ledger
        .append(&production, head.as_ref(), &draft(1, "next"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("was rewritten"), "{error}");
}

#[test]
fn a_record_that_a_later_commit_altered_or_removed_is_found() {
    let yard = seen();
    let production = name("production");
    yard.git(
        "",
        &["clone", "--quiet", "--branch", BRANCH, "remote.git", "forger"],
    );
    let path = format!("forger/production/{:020}.json", 2);
    let text = std::fs::read_to_string(yard.path(&path)).unwrap();
    let findings = |forged: &str| {
        yard.git("forger", &["add", "--all"]);
        yard.git("forger", &["commit", "--quiet", "--message", forged]);
        yard.git("forger", &["push", "--quiet", "origin", BRANCH]);
        let (found, rewritten) = audit(&yard.ledger("clone"), &production);
        assert_eq!(rewritten, None);
        let found = found.findings.into_iter();
        found
            .map(|finding| (finding.seq, finding.what))
            .collect::<Vec<_>>()
    };
    yard.write(&path, &text.replace("w/2", "w/7"));
    assert_eq!(findings("alter"), [(Some(2), Problem::Altered { detail: None })]);
    yard.write(&path, &text);
    yard.write("forger/production/notes.txt", "hello");
    assert_eq!(findings("put back"), []);
    let raw = yard.ledger("clone");
    assert_eq!(raw.raw(&production).unwrap().strangers, ["notes.txt"]);
    std::fs::remove_file(yard.path(&format!("forger/production/{:020}.json", 4))).unwrap();
    assert_eq!(findings("remove"), [(Some(4), Problem::Truncated { through: 4 })]);
    let error = yard.ledger("clone").head(&production).unwrap_err();
    assert!(
        error
            .why
            .message
            .starts_with("record 4 was the newest and is gone"),
        "{error}"
    );
}

#[test]
fn files_of_a_directory_ledger_are_a_ledger_on_a_branch_and_back() {
    use greenroom::adapters::ledger::DirectoryLedger;
    let yard = Yard::new();
    let production = name("production");
    let directory = DirectoryLedger::open(yard.path("plain"));
    let mut last = None;
    for number in 0..4 {
        let stored = directory
            .append(&production, last.as_ref(), &draft(1, &number.to_string()))
            .unwrap();
        last = Some(stored);
    }
    // As docs/ledger.md tells it.
    yard.clone_with("clone", &[]);
    let plain = yard.path("plain");
    let move_in = "export GIT_INDEX_FILE=$PWD/.git/greenroom-index GIT_WORK_TREE=$1\n\
                   git add --all --force -- . ':!.locks'\n\
                   commit=$(git commit-tree -m 'The ledger until now' \"$(git write-tree)\")\n\
                   rm \"$GIT_INDEX_FILE\"\n\
                   git push origin \"$commit:refs/heads/greenroom-ledger\"\n";
    let moved = std::process::Command::new("sh")
        .args(["-euc", move_in, "sh"])
        .arg(&plain)
        .current_dir(yard.path("clone"))
        .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@acme.test")])
        .envs([
            ("GIT_COMMITTER_NAME", "Ada"),
            ("GIT_COMMITTER_EMAIL", "ada@acme.test"),
        ])
        .output()
        .unwrap();
    assert!(
        moved.status.success(),
        "{}",
        String::from_utf8_lossy(&moved.stderr)
    );
    let ledger = yard.ledger("clone");
    assert_eq!(ledger.head(&production).unwrap(), last);
    let next = ledger
        .append(&production, last.as_ref(), &draft(1, "four"))
        .unwrap();
    std::fs::create_dir(yard.path("back")).unwrap();
    yard.git("clone", &["fetch", "--quiet", "origin", BRANCH]);
    let archive = yard.path("back.tar");
    yard.git(
        "clone",
        &["archive", "--output", archive.to_str().unwrap(), "FETCH_HEAD"],
    );
    let status = std::process::Command::new("tar")
        .args(["-xf", archive.to_str().unwrap(), "-C"])
        .arg(yard.path("back"))
        .status()
        .unwrap();
    assert!(status.success());
    let back = DirectoryLedger::open(yard.path("back"));
    assert_eq!(back.head(&production).unwrap(), Some(next));
}

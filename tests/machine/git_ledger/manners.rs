//! What is the user's stays as it is, and what the other side says is told.

use crate::git_ledger::races::write;
use crate::git_ledger::yard::{BRANCH, KNOWN, Yard, name};
use greenroom::domain::model::{ErrorKind, Holder, Period};
use greenroom::ports::{Lease, Ledger};
use greenroom::testing::FakeClock;
use greenroom::testing::ledger::draft;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn holder() -> Holder {
    Holder {
        who: "ann".to_owned(),
        run: None,
        purpose: "deploying".to_owned(),
    }
}

/// Every file below `directory` that is not an object or one of greenroom's refs.
fn files(directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if name.contains(".git/objects") || name.contains(".git/refs/greenroom") {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn nothing_of_the_users_is_touched_and_no_hook_runs() {
    let yard = Yard::new();
    yard.git("seed", &["tag", "--annotate", "--message", "x", "v1"]);
    yard.git("seed", &["push", "--quiet", "../remote.git", "v1"]);
    yard.clone_with("clone", &["--no-tags"]);
    for hook in [
        "pre-push",
        "reference-transaction",
        "post-checkout",
        "pre-commit",
        "post-commit",
        "post-rewrite",
    ] {
        yard.script(
            &format!("clone/.git/hooks/{hook}"),
            "#!/bin/sh\ntouch \"$GIT_DIR/../ran\" ran\nexit 1\n",
        );
    }
    for (key, value) in [
        ("fetch.prune", "true"),
        ("remote.origin.prune", "true"),
        ("remote.origin.push", "refs/heads/*"),
        ("remote.origin.receivepack", "git-receive-pack"),
        ("remote.origin.tagOpt", "--tags"),
        ("push.followTags", "true"),
        ("push.default", "matching"),
        ("push.recurseSubmodules", "check"),
        ("fetch.writeCommitGraph", "true"),
        ("commit.gpgSign", "true"),
        ("push.gpgSign", "true"),
        ("transfer.fsckObjects", "true"),
        ("core.logAllRefUpdates", "always"),
    ] {
        yard.git("clone", &["config", key, value]);
    }
    yard.write("clone/file", "changed");
    yard.write("clone/staged", "new");
    yard.git("clone", &["-c", "core.hooksPath=/dev/null", "add", "staged"]);
    yard.git(
        "clone",
        &[
            "-c",
            "core.hooksPath=/dev/null",
            "update-ref",
            "refs/remotes/origin/stale",
            "HEAD",
        ],
    );
    let state = || {
        let mut found = BTreeMap::new();
        files(&yard.path("clone"), &mut found);
        found.retain(|name, _| !name.contains("/logs/refs/greenroom"));
        found
    };
    let before = state();

    let production = name("production");
    let ledger = yard.ledger("clone");
    write(&ledger, &production, "w", 3);
    write(&yard.clone("other"), &production, "other", 2);
    let head = yard.ledger("clone").head(&production).unwrap();
    assert_eq!(head.unwrap().record.seq, 4);
    let lease = yard.lease("clone", Arc::new(FakeClock::default()));
    let held = lease
        .acquire(&production, &holder(), Period::from_secs(60))
        .unwrap();
    lease.renew(&production, &held, Period::from_secs(60)).unwrap();
    lease.holder(&production).unwrap();
    lease.release(&production, &held).unwrap();

    let after = state();
    let changed: Vec<_> = after
        .iter()
        .filter(|(name, bytes)| before.get(*name) != Some(bytes))
        .map(|(name, _)| name)
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
    assert_eq!(before.len(), after.len());
    let refs = yard.git(
        "clone",
        &["for-each-ref", "--format=%(refname)", "refs/greenroom"],
    );
    let copy = "refs/greenroom/remote/heads/greenroom-ledger";
    let copied = "refs/greenroom/remote/lease/production/greenroom-ledger";
    assert_eq!(refs.lines().collect::<Vec<_>>(), [KNOWN, copy, copied]);
    let theirs = yard.git("remote.git", &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(
        theirs.lines().collect::<Vec<_>>(),
        [
            "refs/greenroom/lease/production/greenroom-ledger",
            "refs/heads/greenroom-ledger",
            "refs/heads/main",
            "refs/tags/v1"
        ]
    );
    assert_eq!(
        yard.git(
            "remote.git",
            &["log", "-1", "--format=%an|%ct|%P|%s", &format!("{BRANCH}~4")]
        ),
        "greenroom|1795176000||production 0: note of 20261120-120000-1f0c9a2e"
    );
}

#[test]
fn a_remote_that_takes_no_push_says_so_and_what_is_missing() {
    let yard = Yard::new();
    let production = name("production");
    let ledger = yard.clone("clone");
    yard.script(
        "remote.git/hooks/pre-receive",
        "#!/bin/sh\necho 'policy 7: not on a \x1b[31mFriday, see https://u:s3cret@wiki.test/p' >&2\nexit 1\n",
    );
    let error = ledger.append(&production, None, &draft(1, "x")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    for part in [
        "policy 7: not on a",
        "https://wiki.test/p",
        "contents: write",
        "pre-receive hook declined",
    ] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    assert!(
        !error.to_string().contains("s3cret") && !error.to_string().contains('\x1b'),
        "{error}"
    );
    let lease = yard.lease("clone", Arc::new(FakeClock::default()));
    let error = lease
        .acquire(&production, &holder(), Period::from_secs(60))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("contents: write"), "{error}");
    // Reading is still possible, and so is writing later.
    assert_eq!(ledger.head(&production).unwrap(), None);
    std::fs::remove_file(yard.path("remote.git/hooks/pre-receive")).unwrap();
    ledger.append(&production, None, &draft(1, "x")).unwrap();
    assert_eq!(yard.commits(), 1);
}

#[test]
fn a_directory_that_is_no_repository_and_a_remote_that_is_away_are_named() {
    let yard = Yard::new();
    let production = name("production");
    std::fs::create_dir(yard.path("nothing")).unwrap();
    let error = yard.ledger("nothing").head(&production).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing, "{error}");
    let ledger = yard.clone("clone");
    write(&ledger, &production, "w", 1);
    let head = ledger.head(&production).unwrap();
    std::fs::rename(yard.path("remote.git"), yard.path("away.git")).unwrap();
    let error = yard.ledger("clone").head(&production).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing, "{error}");
    assert!(ledger.append(&production, head.as_ref(), &draft(1, "x")).is_err());
    // A record that is here is read without it.
    assert_eq!(ledger.read(&production, 0).unwrap(), head);
    std::fs::rename(yard.path("away.git"), yard.path("remote.git")).unwrap();
    ledger.append(&production, head.as_ref(), &draft(1, "x")).unwrap();
}

//! The record on a branch of the project's repository: what a run leaves there, and what others see.

use crate::support::address::free_port;
use crate::support::project::{PIPELINE, Project};
use crate::support::ran::Ran;
use crate::support::waiting::eventually;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const QUICK: &str = "  strategy: blue-green\n  rollback: { watch: 0s }";
const CI: &[(&str, &str)] = &[("CI", "true")];

/// What git said.
fn git(directory: &Path, args: &[&str]) -> String {
    let output = crate::support::git::git(directory).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A project in a repository, its remote, and room for clones.
struct Shared {
    project: Project,
    beside: TempDir,
}

impl Shared {
    /// `ledger` is what the pipeline says of it.
    fn new(ledger: &str) -> Self {
        let project = Project::new(QUICK);
        project.write("greenroom.yaml", format!("{PIPELINE}{ledger}"));
        project.write(".gitignore", ".greenroom\n");
        let shared = Self {
            project,
            beside: tempfile::tempdir().unwrap(),
        };
        let root = shared.project.path("");
        git(
            shared.beside.path(),
            &["init", "--quiet", "--bare", "--initial-branch=main", "remote.git"],
        );
        git(&root, &["init", "--quiet", "--initial-branch=main"]);
        git(&root, &["add", "--all"]);
        git(&root, &["commit", "--quiet", "--message", "one"]);
        git(
            &root,
            &[
                "remote",
                "add",
                "origin",
                &format!("file://{}", shared.remote().display()),
            ],
        );
        git(&root, &["push", "--quiet", "origin", "main"]);
        shared
    }

    fn remote(&self) -> PathBuf {
        self.beside.path().join("remote.git")
    }

    /// How many records there are.
    fn records(&self, branch: &str) -> usize {
        let refs = git(
            &self.remote(),
            &[
                "for-each-ref",
                "--format=%(objectname)",
                &format!("refs/heads/{branch}"),
            ],
        );
        match refs.as_str() {
            "" => 0,
            tip => git(&self.remote(), &["rev-list", "--count", tip])
                .parse()
                .unwrap(),
        }
    }

    /// greenroom in a fresh clone.
    fn elsewhere(&self, clone: &str, words: &[&str], variables: &[(&str, &str)]) -> Ran {
        let url = format!("file://{}", self.remote().display());
        git(
            self.beside.path(),
            &["clone", "--quiet", "--depth=1", &url, clone],
        );
        let mut command = self.project.command(words);
        command
            .current_dir(self.beside.path().join(clone))
            .envs(variables.iter().copied());
        self.project.wait(command.spawn().unwrap())
    }
}

#[test]
fn what_was_deployed_here_is_known_in_every_clone() {
    let shared = Shared::new("ledger: { gitBranch: record }\n");
    let project = &shared.project;
    project.must(&["run"]);
    project.version("1.1.0", "");
    project.must(&["deploy", "-e", "staging"]);
    assert!(!project.path(".greenroom/ledger").exists());
    let refs = git(&shared.remote(), &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(
        refs.lines().collect::<Vec<_>>(),
        [
            "refs/greenroom/lease/staging/record",
            "refs/heads/main",
            "refs/heads/record"
        ]
    );
    let lease = git(
        &shared.remote(),
        &["show", "refs/greenroom/lease/staging/record:lease.json"],
    );
    assert!(lease.contains("\"free\""), "{lease}");
    assert_eq!(
        git(&project.path(""), &["status", "--porcelain"]),
        "M VERSION\n?? app/mode"
    );

    let status = shared.elsewhere("one", &["status", "staging"], &[]);
    assert!(
        status.out.contains("staging: hello 1.1.0 since"),
        "{}{}",
        status.out,
        status.err
    );
    let history = shared.elsewhere("two", &["history", "staging"], &[]);
    assert!(
        history.out.contains("1.0.0") && history.out.contains("1.1.0"),
        "{}{}",
        history.out,
        history.err
    );
    let audit = shared.elsewhere("three", &["audit", "verify"], &[]);
    let records = shared.records("record");
    assert!(
        audit
            .out
            .starts_with(&format!("staging: {records} record(s), the chain is whole")),
        "{}",
        audit.out
    );

    // Cut back by force: who has seen it does not build on it.
    let cut = git(&shared.remote(), &["rev-parse", "record~3"]);
    git(&shared.remote(), &["update-ref", "refs/heads/record", &cut]);
    let audit = project.run(&["audit", "verify"]);
    assert_ne!(audit.status, 0);
    for part in [
        "the chain is broken",
        "branch record of origin was rewritten",
        "removed from the end",
    ] {
        assert!(audit.out.contains(part), "{part}: {}", audit.out);
    }
    project.version("1.2.0", "");
    let refused = project.run(&["deploy", "-e", "staging"]);
    assert_ne!(refused.status, 0);
    assert!(refused.err.contains("git push --force origin"), "{}", refused.err);
    assert_eq!(project.get("/"), (200, "hello from 1.1.0\n".to_owned()));
}

#[test]
fn in_ci_the_record_is_on_a_branch_where_nothing_else_is_said() {
    let shared = Shared::new("");
    let project = &shared.project;
    let ran = project.with(&["run"], CI);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(!project.path(".greenroom/ledger").exists());
    assert!(shared.records("greenroom-ledger") > 5);
    let status = shared.elsewhere("clone", &["status", "staging"], CI);
    assert!(
        status.out.contains("staging: hello 1.0.0 since"),
        "{}{}",
        status.out,
        status.err
    );
    let refs = git(&shared.remote(), &["for-each-ref"]);
    let doctor = project.with(&["doctor"], CI);
    assert!(
        doctor
            .out
            .contains("branch greenroom-ledger of origin takes pushes"),
        "{}{}",
        doctor.out,
        doctor.err
    );
    assert_eq!(git(&shared.remote(), &["for-each-ref"]), refs);
    // On a person's machine it is a directory, until the clone has seen the branch or the pipeline names it.
    let clone = shared.elsewhere("person", &["status"], &[]);
    assert!(
        clone.out.contains("staging: nothing is on record"),
        "{}{}",
        clone.out,
        clone.err
    );
    let branch = "+refs/heads/greenroom-ledger:refs/remotes/origin/greenroom-ledger";
    let person = shared.beside.path().join("person");
    git(&person, &["fetch", "--quiet", "origin", branch]);
    let mut status = project.command(&["status"]);
    let seen = project.wait(status.current_dir(&person).spawn().unwrap());
    assert!(
        seen.out.contains("staging: hello 1.0.0 since"),
        "{}{}",
        seen.out,
        seen.err
    );
    // A directory that is there already is not left behind.
    project.write(".greenroom/ledger/.keep", "");
    let status = project.with(&["status"], CI);
    assert!(
        status.out.contains("staging: nothing is on record"),
        "{}",
        status.out
    );
}

#[test]
fn a_job_that_may_not_push_is_told_before_anything_is_touched() {
    use std::os::unix::fs::PermissionsExt;
    let shared = Shared::new("");
    let hook = shared.remote().join("hooks/pre-receive");
    std::fs::write(
        &hook,
        "#!/bin/sh\necho 'Permission to acme/hello.git denied to github-actions[bot].' >&2\nexit 1\n",
    )
    .unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ran = shared.project.with(&["run"], CI);
    assert_ne!(ran.status, 0);
    for part in [
        "denied to github-actions[bot]",
        "permissions: contents: write",
        "ledger: { directory:",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert!(!ran.out.contains("start 1.0.0"), "{}", ran.out);
    assert_eq!(shared.project.processes(), [] as [u32; 0]);
    // Looking needs no permission.
    assert_eq!(shared.project.with(&["status"], CI).status, 0);
}

#[test]
fn looking_at_every_environment_takes_one_fetch_and_few_processes() {
    use std::os::unix::fs::PermissionsExt;
    let shared = Shared::new("ledger: { gitBranch: record }\n");
    let project = &shared.project;
    for name in ["acceptance", "production"] {
        project.environment(name, free_port(), QUICK);
    }
    project.must(&["run", "-e", "staging"]);
    // Writes down how git is called.
    let log = shared.beside.path().join("calls");
    let bin = shared.beside.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$*\" >> {}\nPATH={} exec git \"$@\"\n",
        log.display(),
        std::env!("PATH")
    );
    std::fs::write(bin.join("git"), script).unwrap();
    std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env!("PATH"));
    for (words, most) in [
        (&["status"][..], 4),
        (&["history", "staging"][..], 4),
        (&["audit", "verify"][..], 4),
    ] {
        let ran = project.with(words, &[("PATH", &path)]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let calls = std::fs::read_to_string(&log).unwrap();
        std::fs::remove_file(&log).unwrap();
        assert_eq!(
            calls.lines().filter(|line| line.contains(" fetch ")).count(),
            1,
            "{words:?}: {calls}"
        );
        assert!(calls.lines().count() <= most, "{words:?}: {calls}");
    }
}

#[test]
fn a_run_that_was_killed_is_taken_up_in_its_clone() {
    let shared = Shared::new("ledger: { gitBranch: record }\n");
    let project = &shared.project;
    project.must(&["run"]);
    for (records, version) in [(2, "1.1.0"), (9, "1.2.0")] {
        project.version(version, "");
        let before = shared.records("record");
        let mut child = project.command(&["deploy", "-e", "staging"]).spawn().unwrap();
        eventually("some records", || shared.records("record") >= before + records);
        child.kill().unwrap();
        child.wait().unwrap();
        let resumed = project.run(&["resume", "staging"]);
        assert_eq!(resumed.status, 0, "{}{}", resumed.out, resumed.err);
        assert_eq!(project.get("/"), (200, format!("hello from {version}\n")));
        let audit = project.must(&["audit", "verify"]);
        assert!(audit.out.contains("the chain is whole"), "{}", audit.out);
    }
}

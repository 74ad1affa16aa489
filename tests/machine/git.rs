//! The git repository port against real repositories made for each test.

use crate::support::git::git;
use greenroom::domain::model::{Ancestry, CommitId, ErrorKind};
use greenroom::host::git::Git;
use greenroom::ports::Repository;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory with repositories in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs git as nobody in particular and gives what it said.
    fn git(&self, directory: &str, args: &[&str]) -> String {
        let output = git(&self.path(directory))
            .args(args)
            .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
            .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
            .env_remove("GIT_DIR")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(&self, directory: &str, file: &str) -> CommitId {
        let path = self.path(directory).join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, file).unwrap();
        self.git(directory, &["add", "--all"]);
        self.git(directory, &["commit", "--quiet", "--message", file]);
        self.id(directory, "HEAD")
    }

    fn id(&self, directory: &str, revision: &str) -> CommitId {
        let id = self.git(directory, &["rev-parse", revision]);
        id.parse().unwrap()
    }

    fn ask(&self, directory: &str) -> Git {
        Git::new(self.path(directory))
    }

    /// `main`: one → two → three, with `side` grown from one.
    fn project(&self) -> [CommitId; 4] {
        self.git("", &["init", "--quiet", "--initial-branch=main", "project"]);
        let one = self.commit("project", "one");
        self.git("project", &["switch", "--quiet", "--create", "side"]);
        let side = self.commit("project", "side");
        self.git("project", &["switch", "--quiet", "main"]);
        let two = self.commit("project", "src/two");
        [one, two, self.commit("project", "three"), side]
    }
}

fn unknown() -> CommitId {
    "a".repeat(40).parse().unwrap()
}

fn head(git: &Git) -> Option<CommitId> {
    git.head().unwrap()
}

#[test]
fn the_head_is_found_however_git_keeps_it() {
    let place = Place::new();
    let [_, two, three, side] = place.project();
    let project = place.ask("project");
    assert_eq!(head(&project), Some(three.clone()), "a loose ref");
    assert_eq!(
        head(&place.ask("project/src")),
        Some(three.clone()),
        "from a directory below"
    );
    place.git("project", &["pack-refs", "--all"]);
    assert!(!place.path("project/.git/refs/heads/main").exists());
    assert_eq!(head(&project), Some(three.clone()), "a packed ref");
    place.git("project", &["worktree", "add", "--quiet", "../tree", "side"]);
    assert_eq!(head(&place.ask("tree")), Some(side.clone()), "a worktree");
    let newer = place.commit("tree", "more");
    assert_eq!(head(&place.ask("tree")), Some(newer), "a worktree that went on");
    place.git("project", &["checkout", "--quiet", "--detach", "main~1"]);
    assert_eq!(head(&project), Some(two), "a detached head");
    place.git(
        "project",
        &["symbolic-ref", "refs/heads/alias", "refs/heads/main"],
    );
    place.git("project", &["symbolic-ref", "HEAD", "refs/heads/alias"]);
    assert_eq!(head(&project), Some(three.clone()), "a symbolic branch");
    place.git("", &["clone", "--quiet", "--bare", "project", "bare"]);
    assert_eq!(head(&place.ask("bare")), Some(three), "a bare repository");
}

#[test]
fn there_is_no_head_before_the_first_commit_or_outside_a_repository() {
    let place = Place::new();
    assert_eq!(head(&place.ask("")), None);
    place.git("", &["init", "--quiet", "empty"]);
    assert_eq!(head(&place.ask("empty")), None);
    assert!(place.ask("nowhere").head().is_err());
    let broken = place.path("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join(".git"), "gitdir: ../../etc").unwrap();
    assert_eq!(Git::new(broken).head().unwrap_err().kind, ErrorKind::Missing);
}

#[test]
fn sha_256_repositories_work_alike() {
    let place = Place::new();
    place.git("", &["init", "--quiet", "--object-format=sha256", "project"]);
    let one = place.commit("project", "one");
    let two = place.commit("project", "two");
    let project = place.ask("project");
    assert_eq!(head(&project), Some(two.clone()));
    assert_eq!(one.as_str().len(), 64);
    assert_eq!(project.ancestry(&one, &two).unwrap(), Ancestry::Ancestor);
}

#[test]
fn branches_tags_and_ids_resolve_to_commits() {
    let place = Place::new();
    let [one, two, three, side] = place.project();
    place.git("project", &["tag", "v1", "main~2"]);
    place.git("project", &["tag", "--annotate", "--message=two", "v2", "main~1"]);
    place.git(
        "project",
        &["update-ref", "refs/remotes/origin/only-there", side.as_str()],
    );
    let project = place.ask("project");
    let unknown = unknown();
    let table = [
        ("main", Some(&three)),
        ("refs/heads/side", Some(&side)),
        ("heads/side", Some(&side)),
        ("v1", Some(&one)),
        ("v2", Some(&two)),
        ("refs/tags/v2", Some(&two)),
        ("origin/only-there", Some(&side)),
        ("only-there", Some(&side)),
        ("refs/heads/only-there", Some(&side)),
        ("HEAD", Some(&three)),
        (two.as_str(), Some(&two)),
        (&two.as_str()[..9], Some(&two)),
        ("refs/tags/only-there", None),
        ("nothing", None),
        (unknown.as_str(), None),
    ];
    for (reference, expected) in table {
        assert_eq!(
            project.resolve(reference).unwrap().as_ref(),
            expected,
            "{reference}"
        );
    }
    assert_eq!(
        place.ask("").resolve("main").unwrap_err().kind,
        ErrorKind::Missing
    );
}

#[test]
fn hostile_names_are_names_and_nothing_else() {
    let place = Place::new();
    let [.., three, _] = place.project();
    let names = [
        "--output=owned",
        "-h",
        "$(touch${IFS}owned)",
        "a;touch-owned",
        "é\"'`",
    ];
    for name in names {
        let made = format!("refs/heads/{name}");
        place.git("project", &["update-ref", &made, "main"]);
        assert_eq!(
            place.ask("project").resolve(name).unwrap(),
            Some(three.clone()),
            "{name}"
        );
    }
    let computed = [
        "",
        "main~1",
        "main^",
        ":/one",
        "main@{1}",
        "main..side",
        "^main",
        "side:one",
        "ma*",
        "a b",
        "a\nb",
        "a\0b",
        "--output=owned x",
    ];
    for name in computed {
        let error = place.ask("project").resolve(name).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{name:?}");
    }
    assert!(!place.path("project/owned").exists());
}

#[test]
fn ancestry_is_exact_in_a_complete_clone() {
    let place = Place::new();
    let [one, two, three, side] = place.project();
    let project = place.ask("project");
    let table = [
        (&one, &three, Ancestry::Ancestor),
        (&two, &two, Ancestry::Ancestor),
        (&three, &one, Ancestry::Unrelated),
        (&side, &three, Ancestry::Unrelated),
        (&two, &side, Ancestry::Unrelated),
    ];
    for (older, newer, expected) in table {
        assert_eq!(project.ancestry(older, newer).unwrap(), expected);
    }
    let error = project.ancestry(&unknown(), &three).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing, "{error}");
    assert_eq!(
        place.ask("").ancestry(&one, &two).unwrap_err().kind,
        ErrorKind::Missing
    );
}

#[test]
fn a_shallow_clone_says_so_instead_of_guessing() {
    let place = Place::new();
    let [one, two, three, side] = place.project();
    let address = format!("file://{}", place.path("project").display());
    let clone = [
        "clone",
        "--quiet",
        "--no-single-branch",
        "--depth=2",
        &address,
        "shallow",
    ];
    place.git("", &clone);
    let shallow = place.ask("shallow");
    assert_eq!(head(&shallow), Some(three.clone()));
    let table = [
        (&two, &three, Ancestry::Ancestor),
        // It comes after, so it cannot come before, however shallow the clone.
        (&three, &two, Ancestry::Unrelated),
        (&side, &three, Ancestry::Shallow),
        (&unknown(), &three, Ancestry::Shallow),
    ];
    for (older, newer, expected) in table {
        assert_eq!(
            shallow.ancestry(older, newer).unwrap(),
            expected,
            "{older} {newer}"
        );
    }
    place.git("", &["clone", "--quiet", "--depth=1", &address, "shallowest"]);
    let shallowest = place.ask("shallowest");
    assert_eq!(shallowest.ancestry(&one, &three).unwrap(), Ancestry::Shallow);
    assert_eq!(shallowest.changed(&two, &three).unwrap(), None);
    assert_eq!(shallowest.resolve(two.as_str()).unwrap(), None);
}

#[test]
fn changed_files_are_listed_with_their_names_unquoted() {
    let place = Place::new();
    let [one, _, three, side] = place.project();
    let project = place.ask("project");
    let changed = |from: &CommitId, to: &CommitId| project.changed(from, to).unwrap();
    assert_eq!(
        changed(&one, &three).unwrap(),
        ["src/two", "three"].map(str::to_owned)
    );
    assert_eq!(changed(&side, &three).unwrap().len(), 3);
    assert_eq!(changed(&three, &three), Some(Vec::new()));
    assert_eq!(changed(&unknown(), &three), None);
    let odd = place.commit("project", "é \"odd\"\nname");
    assert_eq!(changed(&three, &odd).unwrap(), ["é \"odd\"\nname".to_owned()]);
}

#[test]
fn tags_at_a_commit_and_its_time_are_known() {
    let place = Place::new();
    let [one, two, ..] = place.project();
    place.git("project", &["tag", "v1.0.0", one.as_str()]);
    place.git(
        "project",
        &["tag", "--annotate", "--message=a", "team/v1", one.as_str()],
    );
    let project = place.ask("project");
    assert_eq!(
        project.tags_at(&one).unwrap(),
        ["team/v1", "v1.0.0"].map(str::to_owned)
    );
    assert!(project.tags_at(&two).unwrap().is_empty());
    assert_eq!(
        project.committed_at(&one).unwrap().to_string(),
        "2026-01-02T03:04:05.000Z"
    );
    assert_eq!(
        project.committed_at(&unknown()).unwrap_err().kind,
        ErrorKind::Missing
    );
}

#[test]
fn nothing_in_the_repository_is_executed() {
    let place = Place::new();
    let [one, _, three, _] = place.project();
    let project: &Path = &place.path("project");
    let trap = format!("touch {}/owned", project.display());
    for key in [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.trap.textconv",
        "core.sshCommand",
        "alias.rev-parse",
    ] {
        place.git("project", &["config", key, &trap]);
    }
    std::fs::write(project.join(".gitattributes"), "* diff=trap\n").unwrap();
    let git = place.ask("project");
    git.changed(&one, &three).unwrap();
    git.ancestry(&three, &one).unwrap();
    git.resolve("side").unwrap();
    git.tags_at(&one).unwrap();
    git.committed_at(&one).unwrap();
    assert!(!project.join("owned").exists());
    // The traps do work: a command that looks at the files falls into the first.
    place.git("project", &["status"]);
    assert!(project.join("owned").exists());
}

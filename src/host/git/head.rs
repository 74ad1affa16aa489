//! The commit that is checked out, read from git's own files: starting git takes longer than all the
//! rest of `greenroom tag`. Whatever is not plain is left to git.
//!
//! Source: gitrepository-layout(5), git-pack-refs(1).

use crate::domain::model::CommitId;
use crate::host::files::read_bounded;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// What git's files say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// This commit is checked out.
    Commit(CommitId),
    /// There is no repository here.
    NoRepository,
    /// Git has to be asked: nothing was committed yet, a bare repository, another ref storage.
    Unclear,
}

/// Files of one line in a repository are shorter than this.
const LINE: u64 = 4096;
/// Packed refs beyond this are left to git.
const PACKED: u64 = 64 << 20;

/// Reads the head of the repository around `directory`.
pub(super) fn read(directory: &Path) -> Head {
    let Ok(directory) = directory.canonicalize() else {
        return Head::Unclear;
    };
    for place in directory.ancestors() {
        let dot_git = place.join(".git");
        if dot_git.symlink_metadata().is_ok() {
            return commit(place, &dot_git).map_or(Head::Unclear, Head::Commit);
        }
        if place.join("HEAD").exists() && place.join("objects").exists() {
            return Head::Unclear; // a bare repository
        }
    }
    Head::NoRepository
}

fn commit(place: &Path, dot_git: &Path) -> Option<CommitId> {
    let own = if dot_git.is_dir() {
        dot_git.to_owned()
    } else {
        // A worktree or submodule keeps its files elsewhere.
        place.join(line(dot_git)?.strip_prefix("gitdir: ")?)
    };
    let common = match line(&own.join("commondir")) {
        Some(path) => own.join(path),
        None => own.clone(),
    };
    let head = line(&own.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ") else {
        return head.parse().ok();
    };
    if !is_branch(name) {
        return None;
    }
    match line(&common.join(name)) {
        Some(id) => id.parse().ok(), // a symbolic ref does not parse, and goes to git
        None => packed(&common.join("packed-refs"), name),
    }
}

/// The one line of a small file.
fn line(path: &Path) -> Option<String> {
    let bytes = read_bounded(path, LINE).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let line = text.trim_end_matches(['\n', '\r']);
    (!line.contains('\n')).then(|| line.to_owned())
}

/// Whether `name` is a branch and as a path stays below the repository.
fn is_branch(name: &str) -> bool {
    name.starts_with("refs/heads/")
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']))
}

fn packed(path: &PathBuf, name: &str) -> Option<CommitId> {
    let mut lines = BufReader::new(File::open(path).ok()?.take(PACKED)).lines();
    lines.find_map(|line| {
        let line = line.ok()?;
        let (id, found) = line.split_once(' ')?;
        (found == name).then(|| id.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    /// A directory with these files.
    fn with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        place
    }

    #[test]
    fn plain_repositories_are_read_without_git() {
        let packed = format!(
            "# pack-refs with: peeled fully-peeled sorted\n{TWO} refs/heads/a/main\n{ONE} refs/heads/main\n^{TWO}\n"
        );
        let line = |id: &str| format!("{id}\n");
        let main = "ref: refs/heads/main\n";
        let table: [&[(&str, &str)]; 5] = [
            &[
                (".git/HEAD", main),
                (".git/refs/heads/main", &line(ONE)),
                (".git/packed-refs", &line(TWO)),
            ],
            &[(".git/HEAD", main), (".git/packed-refs", &packed)],
            &[(".git/HEAD", &line(ONE))],
            &[
                (".git", "gitdir: elsewhere/w\n"),
                ("elsewhere/w/HEAD", &line(ONE)),
            ],
            &[
                (".git", "gitdir: real/worktrees/w\n"),
                ("real/worktrees/w/HEAD", main),
                ("real/worktrees/w/commondir", "../..\n"),
                ("real/refs/heads/main", &line(ONE)),
            ],
        ];
        for files in table {
            let place = with(files);
            fs::create_dir_all(place.path().join("src/deep")).unwrap();
            for from in [".", "src/deep"] {
                let read = read(&place.path().join(from));
                assert_eq!(read, Head::Commit(ONE.parse().unwrap()), "{files:?}");
            }
        }
    }

    #[test]
    fn whatever_is_not_plain_is_left_to_git() {
        let table: [&[(&str, &str)]; 8] = [
            &[(".git/HEAD", "ref: refs/heads/main\n")],
            &[
                (".git/HEAD", "ref: refs/heads/.invalid\n"),
                (".git/refs/heads/.invalid", ONE),
            ],
            &[
                (".git/HEAD", "ref: refs/heads/../../secret\n"),
                (".git/secret", ONE),
            ],
            &[(".git/HEAD", "ref: /secret\n")],
            &[
                (".git/HEAD", "ref: refs/heads/a\n"),
                (".git/refs/heads/a", "ref: refs/heads/b\n"),
            ],
            &[(".git/HEAD", "")],
            &[(".git", "not a link")],
            &[("HEAD", ONE), ("objects/x", "")],
        ];
        for files in table {
            assert_eq!(read(with(files).path()), Head::Unclear, "{files:?}");
        }
        assert_eq!(read(with(&[("README.md", "")]).path()), Head::NoRepository);
    }
}

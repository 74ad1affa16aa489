//! Paths inside an unpacked image, as a process that is confined to it would see them.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// As many as Linux follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Where `path` leads when `root` is `/`: symbolic links are followed, absolute ones from `root`, and
/// `..` never leads above it. Parts that do not exist are kept.
pub(super) fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut pending: VecDeque<OsString> = parts(path);
    let mut inside = PathBuf::new();
    let mut links = 0;
    while let Some(part) = pending.pop_front() {
        if part == ".." {
            inside.pop();
            continue;
        }
        let candidate = root.join(&inside).join(&part);
        if !candidate.symlink_metadata().is_ok_and(|data| data.is_symlink()) {
            inside.push(part);
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} goes through too many symbolic links", path.display()),
            ));
        }
        let target = fs::read_link(&candidate)?;
        if target.is_absolute() {
            inside = PathBuf::new();
        }
        for part in parts(&target).into_iter().rev() {
            pending.push_front(part);
        }
    }
    Ok(root.join(inside))
}

/// The relative path that means, for a symbolic link `depth` directories below the root, what the
/// absolute `target` means in the image.
pub(super) fn relative(target: &Path, depth: usize) -> PathBuf {
    let mut normal: Vec<OsString> = Vec::new();
    for part in parts(target) {
        if part == ".." {
            normal.pop();
        } else {
            normal.push(part);
        }
    }
    let path: PathBuf = std::iter::repeat_n(OsString::from(".."), depth)
        .chain(normal)
        .collect();
    if path.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        path
    }
}

/// The names and `..` of a path.
fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_and_dots_stay_inside() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        symlink("usr/bin", root.join("bin")).unwrap();
        symlink("/usr", root.join("absolute")).unwrap();
        symlink("../../../../etc", root.join("escape")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        for (path, leads_to) in [
            ("/bin/sh", "usr/bin/sh"),
            ("absolute/bin/../lib", "usr/lib"),
            ("/escape/passwd", "etc/passwd"),
            ("../../x", "x"),
            ("/", ""),
        ] {
            assert_eq!(
                resolve(root, Path::new(path)).unwrap(),
                root.join(leads_to),
                "{path}"
            );
        }
        assert!(resolve(root, Path::new("loop")).is_err());
    }

    #[test]
    fn an_absolute_link_becomes_one_that_means_the_same() {
        for (target, depth, link) in [
            ("/usr/lib/x", 2, "../../usr/lib/x"),
            ("/a/../../b", 0, "b"),
            ("/", 0, "."),
        ] {
            assert_eq!(relative(Path::new(target), depth), Path::new(link));
        }
    }
}

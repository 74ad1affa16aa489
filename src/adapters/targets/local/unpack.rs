//! Applying layers to a directory (OCI image spec 1.1, "Image Layer Filesystem Changeset").
//!
//! Nobody else writes to the directory meanwhile. An archive is foreign input: what it names stays
//! inside, whatever links it brings along, and its size is bounded.

use super::inside;
use crate::domain::model::Digest;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use tar::{Entry, EntryType};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What an image may take up, over all its layers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Bytes, unpacked.
    pub(super) bytes: u64,
    /// Files, directories and links.
    pub(super) entries: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: 16 << 30,
            entries: 2_000_000,
        }
    }
}

fn spend(left: &mut u64, amount: u64, what: &str) -> io::Result<()> {
    *left = left
        .checked_sub(amount)
        .ok_or_else(|| bad(format!("the image unpacks to too many {what}")))?;
    Ok(())
}

fn bad(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// Applies one layer, given as its uncompressed archive, to `root`; the whole archive must have the
/// digest `diff`.
pub(super) fn apply(root: &Path, archive: impl Read, diff: &Digest, budget: &mut Budget) -> io::Result<()> {
    let mut stream = Counted {
        inner: archive,
        hasher: Sha256::new(),
        left: budget.bytes,
    };
    let mut layer = LayerOn {
        root,
        added: HashSet::new(),
    };
    let mut archive = tar::Archive::new(&mut stream);
    let mut unpacked = 0;
    for entry in archive.entries()? {
        let mut entry = entry?;
        spend(&mut budget.entries, 1, "files")?;
        unpacked += entry.size();
        if unpacked > budget.bytes {
            return Err(bad("the image unpacks to too many bytes"));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        layer
            .entry(&mut entry)
            .map_err(|e| io::Error::new(e.kind(), format!("{name}: {e}")))?;
    }
    // The archive's padding, and the end at which the blob's own digest is checked.
    io::copy(&mut stream, &mut io::sink())?;
    let found = Digest::from_sha256(stream.hasher.finalize().into());
    if found != *diff {
        return Err(bad(format!(
            "a layer unpacks to {found}, but the image's configuration says {diff}"
        )));
    }
    budget.bytes = stream.left.min(budget.bytes.saturating_sub(unpacked));
    Ok(())
}

struct LayerOn<'a> {
    root: &'a Path,
    /// What this layer brought, and the directories that lead there: whiteouts hide lower layers only.
    added: HashSet<PathBuf>,
}

impl LayerOn<'_> {
    fn entry(&mut self, entry: &mut Entry<'_, impl Read>) -> io::Result<()> {
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            return Ok(());
        }
        let path = confined(&entry.path()?)?;
        let Some(name) = path.file_name().map(OsStr::to_owned) else {
            return Ok(()); // the root itself
        };
        let parent = self.directory(path.parent().unwrap_or(Path::new("")))?;
        if name.as_bytes() == OPAQUE {
            return self.clear(&parent);
        }
        if let Some(hidden) = name.as_bytes().strip_prefix(WHITEOUT) {
            if matches!(hidden, b"" | b"." | b"..") {
                return Err(bad("a whiteout of nothing"));
            }
            let hidden = parent.join(OsStr::from_bytes(hidden));
            return if self.added.contains(&hidden) {
                Ok(())
            } else {
                remove(&hidden)
            };
        }
        let place = parent.join(name);
        self.create(entry, &place)?;
        self.added.insert(place);
        Ok(())
    }

    /// The real directory that a path means, made where it does not exist.
    fn directory(&mut self, path: &Path) -> io::Result<PathBuf> {
        let directory = inside::resolve(self.root, path)?;
        for part in directory
            .ancestors()
            .take_while(|part| *part != self.root && part.starts_with(self.root))
        {
            self.added.insert(part.to_owned());
        }
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    fn create(&self, entry: &mut Entry<'_, impl Read>, place: &Path) -> io::Result<()> {
        let mode = entry.header().mode()? & 0o777;
        let kind = entry.header().entry_type();
        let existing = place.symlink_metadata().ok();
        if existing.is_some() && !(kind.is_dir() && existing.is_some_and(|data| data.is_dir())) {
            remove(place)?;
        }
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(place)?;
                io::copy(entry, &mut file)?;
                file.set_permissions(Permissions::from_mode(mode | 0o400))
            }
            EntryType::Directory => {
                if !place.is_dir() {
                    fs::create_dir(place)?;
                }
                fs::set_permissions(place, Permissions::from_mode(mode | 0o700))
            }
            EntryType::Symlink => {
                let target = entry
                    .link_name()?
                    .ok_or_else(|| bad("a symbolic link to nothing"))?;
                symlink(self.link(place, &target)?, place)
            }
            EntryType::Link => {
                let target = entry.link_name()?.ok_or_else(|| bad("a hard link to nothing"))?;
                let target = confined(&target)?;
                let directory = inside::resolve(self.root, target.parent().unwrap_or(Path::new("")))?;
                let existing = directory.join(
                    target
                        .file_name()
                        .ok_or_else(|| bad("a hard link to a directory"))?,
                );
                fs::hard_link(existing, place)
            }
            _ => Err(bad(
                "a device, pipe or unknown kind of entry, which this target does not make",
            )),
        }
    }

    /// A link that means for everybody what the given one means in the image.
    fn link(&self, place: &Path, target: &Path) -> io::Result<PathBuf> {
        let mut depth = place
            .parent()
            .and_then(|parent| parent.strip_prefix(self.root).ok())
            .map_or(0, |inside| inside.components().count());
        if target.is_absolute() {
            return Ok(inside::relative(target, depth));
        }
        for part in target.components() {
            match part {
                Component::Normal(_) => depth += 1,
                Component::ParentDir => {
                    depth = depth.checked_sub(1).ok_or_else(|| {
                        bad(format!(
                            "a symbolic link that leads out of the image (to {})",
                            target.display()
                        ))
                    })?;
                }
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        Ok(target.to_owned())
    }

    /// Removes what lower layers put into a directory.
    fn clear(&self, directory: &Path) -> io::Result<()> {
        for child in fs::read_dir(directory)? {
            let child = child?.path();
            if !self.added.contains(&child) {
                remove(&child)?;
            } else if child.symlink_metadata()?.is_dir() {
                self.clear(&child)?;
            }
        }
        Ok(())
    }
}

/// The path without `.` parts; one that is absolute or holds `..` is refused.
fn confined(path: &Path) -> io::Result<PathBuf> {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| match part {
            Component::Normal(name) => Ok(name),
            _ => Err(bad("a path that leads out of the image")),
        })
        .collect()
}

fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Hashes what passes through, and ends in an error when it is too much.
struct Counted<R> {
    inner: R,
    hasher: Sha256,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        spend(&mut self.left, count as u64, "bytes")?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One entry: kind, name, and the content or link target.
    type Given<'a> = (EntryType, &'a str, &'a str);

    fn archive(entries: &[Given<'_>]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (kind, name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            // Written as bytes: the library refuses the names that are tested here.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            let body = if *kind == EntryType::Regular {
                header.set_size(content.len() as u64);
                content.as_bytes()
            } else {
                header.set_size(0);
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
                b""
            };
            header.set_cksum();
            builder.append(&header, body).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn unpack(root: &Path, entries: &[Given<'_>]) -> io::Result<()> {
        let archive = archive(entries);
        apply(root, &archive[..], &Digest::of(&archive), &mut Budget::default())
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_leads_out_is_refused_and_nothing_is_written_outside() {
        use EntryType::{Block, Char, Directory, Fifo, Link, Regular, Symlink};
        let around = tempfile::tempdir().unwrap();
        fs::write(around.path().join("victim"), "untouched").unwrap();
        let cases: [&[Given<'_>]; 11] = [
            &[(Regular, "../victim", "x")],
            &[(Regular, "/victim", "x")],
            &[(Regular, "a/../../victim", "x")],
            &[(Directory, "..", "")],
            &[(Symlink, "out", "../victim")],
            &[(Symlink, "a/out", "b/../../../victim")],
            &[(Link, "hard", "../victim")],
            &[(Link, "hard", "/victim")],
            &[(Char, "null", "")],
            &[(Block, "disk", "")],
            &[(Fifo, "pipe", "")],
        ];
        for entries in cases {
            let root = around.path().join("root");
            fs::create_dir(&root).unwrap();
            let error = unpack(&root, entries).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{entries:?}: {error}");
            fs::remove_dir_all(&root).unwrap();
        }
        assert_eq!(names(around.path()), ["victim"]);
        assert_eq!(
            fs::read_to_string(around.path().join("victim")).unwrap(),
            "untouched"
        );
    }

    #[test]
    fn writing_through_links_stays_inside() {
        use EntryType::{Regular, Symlink};
        let around = tempfile::tempdir().unwrap();
        let root = around.path().join("root");
        fs::create_dir(&root).unwrap();
        let outside = around.path().join("outside");
        fs::create_dir(&outside).unwrap();
        unpack(
            &root,
            &[
                (Symlink, "evil", outside.to_str().unwrap()),
                (Regular, "evil/file", "x"),
                (Symlink, "bin", "usr/bin"),
                (Regular, "bin/tool", "y"),
            ],
        )
        .unwrap();
        assert_eq!(names(&outside), Vec::<String>::new());
        assert_eq!(fs::read_to_string(root.join("usr/bin/tool")).unwrap(), "y");
        assert_eq!(fs::read_to_string(root.join("evil/file")).unwrap(), "x");
    }

    #[test]
    fn whiteouts_hide_lower_layers_only() {
        use EntryType::{Link, Regular};
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        unpack(
            root,
            &[
                (Regular, "gone", ""),
                (Regular, "kept", "1"),
                (Regular, "etc/old", ""),
                (Regular, "etc/deep/old", ""),
                (Regular, "folder/x", ""),
                (Link, "same", "kept"),
            ],
        )
        .unwrap();
        unpack(
            root,
            &[
                (Regular, "etc/new", ""),
                (Regular, "etc/deep/new", ""),
                (Regular, "etc/.wh..wh..opq", ""),
                (Regular, ".wh.gone", ""),
                (Regular, ".wh.folder", ""),
                (Regular, "again", "2"),
                (Regular, ".wh.again", ""),
            ],
        )
        .unwrap();
        assert_eq!(names(root), ["again", "etc", "kept", "same"]);
        assert_eq!(names(&root.join("etc")), ["deep", "new"]);
        assert_eq!(names(&root.join("etc/deep")), ["new"]);
        assert!(unpack(root, &[(Regular, ".wh...", "")]).is_err());
    }

    #[test]
    fn a_wrong_diff_id_and_too_much_content_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let archive = archive(&[(EntryType::Regular, "file", &"x".repeat(4096))]);
        let error = apply(
            root.path(),
            &archive[..],
            &Digest::of(b"other"),
            &mut Budget::default(),
        )
        .unwrap_err();
        assert!(error.to_string().contains("configuration says"), "{error}");
        for budget in [
            Budget {
                bytes: 2048,
                entries: 9,
            },
            Budget {
                bytes: 1 << 20,
                entries: 0,
            },
        ] {
            let mut budget = budget;
            assert!(apply(root.path(), &archive[..], &Digest::of(&archive), &mut budget).is_err());
        }
    }
}

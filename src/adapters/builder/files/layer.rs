//! One layer: a deterministic, compressed tar archive of a file or directory.

use super::LayerSource;
use crate::domain::model::{Digest, Explanation, Timestamp};
use crate::host::random;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A built layer.
pub(super) struct Layer {
    /// Digest of the compressed archive.
    pub(super) digest: Digest,
    /// Digest of the archive itself, the "diff id".
    pub(super) diff: Digest,
    /// Compressed size in bytes.
    pub(super) size: u64,
    /// The compressed archive. Its file has no name any more.
    content: Arc<File>,
}

type Archive = tar::Builder<Hashing<GzEncoder<Hashing<BufWriter<File>>>>>;

/// Reads a file from its beginning, whatever others that share it have read.
struct FromStart {
    file: Arc<File>,
    offset: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl Layer {
    /// The compressed archive from its beginning.
    pub(super) fn open(&self) -> Box<dyn Read + Send> {
        Box::new(FromStart {
            file: Arc::clone(&self.content),
            offset: 0,
        })
    }

    /// Archives `source`, with every time set to `created`; the error is a sentence.
    pub(super) fn build(
        source: &LayerSource,
        created: Timestamp,
        staging: &Path,
    ) -> Result<Self, Explanation> {
        let from = fs::canonicalize(&source.from).map_err(|e| about(&source.from, &e))?;
        let to = image_path(&source.to)?;
        let file = nameless(staging).map_err(|e| about(staging, &e))?;
        let compressed = Hashing::new(BufWriter::new(file));
        let archive = Hashing::new(GzEncoder::new(compressed, Compression::default()));
        let mut walk = Walk {
            archive: tar::Builder::new(archive),
            seconds: u64::try_from(created.unix_millis() / 1000).unwrap_or(0),
            root: from.clone(),
            files: 0,
        };
        if from.is_dir() {
            walk.parents(&to).map_err(|e| about(&from, &e))?;
            walk.directory(&from, &to)?;
            if walk.files == 0 {
                return Err(
                    Explanation::new(format!("{} holds no file", source.from.display())).fix(BUILD_FIRST),
                );
            }
        } else {
            let name = match source.from.file_name() {
                Some(name) if source.to.ends_with('/') => to.join(name),
                _ => to,
            };
            walk.parents(name.parent().unwrap_or(Path::new("")))
                .map_err(|e| about(&from, &e))?;
            walk.entry(&from, &name)?;
        }
        walk.finish().map_err(|e| about(&source.from, &e))
    }
}

/// What to do where there is nothing to put into an image.
const BUILD_FIRST: &str = "build it before the image";

fn about(path: &Path, error: &io::Error) -> Explanation {
    match error.kind() {
        io::ErrorKind::NotFound => {
            Explanation::new(format!("{} does not exist", path.display())).fix(BUILD_FIRST)
        }
        _ => Explanation::of(error).while_doing(&path.display().to_string()),
    }
}

/// A path in an image, without its leading slash and without `.` parts.
pub(super) fn image_path(text: &str) -> Result<PathBuf, Explanation> {
    let path = Path::new(text);
    let parts: Option<PathBuf> = path
        .components()
        .filter(|part| !matches!(part, Component::RootDir | Component::CurDir))
        .map(|part| matches!(part, Component::Normal(_)).then_some(part))
        .collect();
    match parts {
        Some(parts) if path.is_absolute() && !text.contains('\0') => Ok(parts),
        _ => Err(Explanation::new(format!("{text:?} is not a path in an image"))
            .fix("write an absolute one without '..', like /app")),
    }
}

/// A new file that vanishes when it is closed, even by a crash.
fn nameless(directory: &Path) -> io::Result<File> {
    fs::create_dir_all(directory)?;
    let path = directory.join(format!(".layer-{}", random::hex(8)?));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

struct Walk {
    archive: Archive,
    seconds: u64,
    root: PathBuf,
    files: usize,
}

impl Walk {
    fn header(&self, kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.seconds);
        header.set_size(size);
        header
    }

    /// The directories from the image's root down to `path`.
    fn parents(&mut self, path: &Path) -> io::Result<()> {
        let mut above: Vec<&Path> = path
            .ancestors()
            .filter(|part| !part.as_os_str().is_empty())
            .collect();
        above.reverse();
        for directory in above {
            let mut header = self.header(tar::EntryType::Directory, 0o755, 0);
            self.archive
                .append_data(&mut header, with_slash(directory), io::empty())?;
        }
        Ok(())
    }

    fn directory(&mut self, from: &Path, to: &Path) -> Result<(), Explanation> {
        let mut names = fs::read_dir(from)
            .and_then(|entries| {
                entries
                    .map(|entry| Ok(entry?.file_name()))
                    .collect::<io::Result<Vec<OsString>>>()
            })
            .map_err(|e| about(from, &e))?;
        names.sort();
        for name in names {
            self.entry(&from.join(&name), &to.join(&name))?;
        }
        Ok(())
    }

    fn entry(&mut self, from: &Path, to: &Path) -> Result<(), Explanation> {
        let failed = |error: io::Error| about(from, &error);
        let data = from.symlink_metadata().map_err(failed)?;
        if data.is_dir() {
            let mut header = self.header(tar::EntryType::Directory, 0o755, 0);
            self.archive
                .append_data(&mut header, with_slash(to), io::empty())
                .map_err(failed)?;
            return self.directory(from, to);
        }
        self.files += 1;
        if data.is_symlink() {
            let target = fs::read_link(from).map_err(failed)?;
            self.stays_inside(from, &target)?;
            let mut header = self.header(tar::EntryType::Symlink, 0o777, 0);
            self.archive.append_link(&mut header, to, &target).map_err(failed)
        } else if data.is_file() {
            let mode = if data.permissions().mode() & 0o111 == 0 {
                0o644
            } else {
                0o755
            };
            let mut header = self.header(tar::EntryType::Regular, mode, data.len());
            let content = Exactly {
                inner: File::open(from).map_err(failed)?,
                left: data.len(),
            };
            self.archive.append_data(&mut header, to, content).map_err(failed)
        } else {
            Err(format!(
                "{} is a device, socket or pipe, and an image holds files, directories and symbolic links",
                from.display()
            )
            .into())
        }
    }

    fn stays_inside(&self, link: &Path, target: &Path) -> Result<(), Explanation> {
        let mut depth = link
            .parent()
            .and_then(|p| p.strip_prefix(&self.root).ok())
            .map_or(0, |inside| inside.components().count());
        let stays = target.components().all(|part| match part {
            Component::Normal(_) => {
                depth += 1;
                true
            }
            Component::CurDir => true,
            Component::ParentDir => depth.checked_sub(1).map(|up| depth = up).is_some(),
            Component::RootDir | Component::Prefix(_) => false,
        });
        if stays {
            return Ok(());
        }
        Err(Explanation::new(format!(
            "the symbolic link {} leads out of {} (to {})",
            link.display(),
            self.root.display(),
            target.display()
        ))
        .fix("copy what it points at instead"))
    }

    fn finish(self) -> io::Result<Layer> {
        let (encoder, diff, _) = self.archive.into_inner()?.finish();
        let (writer, digest, size) = encoder.finish()?.finish();
        let content = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Layer {
            digest,
            diff,
            size,
            content: Arc::new(content),
        })
    }
}

/// Directories are written with a slash at the end, as every other tool does.
fn with_slash(path: &Path) -> PathBuf {
    path.join("")
}

/// Counts and hashes what passes through.
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
    size: u64,
}

impl<W: Write> Hashing<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            size: 0,
        }
    }

    fn finish(self) -> (W, Digest, u64) {
        (
            self.inner,
            Digest::from_sha256(self.hasher.finalize().into()),
            self.size,
        )
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Gives exactly as many bytes as the archive's header promises, or fails: the file may change while
/// it is read.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it became shorter while it was read",
            ));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_an_image_are_absolute_and_stay_in_it() {
        for (text, path) in [
            ("/", ""),
            ("/app", "app"),
            ("/app/./bin/", "app/bin"),
            ("//a", "a"),
        ] {
            assert_eq!(image_path(text).unwrap(), Path::new(path));
        }
        for text in ["", "app", "../x", "/app/../../etc", "/a\0b"] {
            assert!(image_path(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_file_that_shrinks_is_an_error_and_one_that_grows_is_cut() {
        let read = |content: &'static [u8]| {
            io::read_to_string(Exactly {
                inner: content,
                left: 4,
            })
        };
        assert_eq!(read(b"12345").unwrap(), "1234");
        assert_eq!(read(b"123").unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

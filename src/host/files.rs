//! Files that are either there in full or not at all.

use super::random;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Mode of a file that only its owner may read.
pub const PRIVATE: u32 = 0o600;
/// Mode of a file that everybody may read.
pub const PUBLIC: u32 = 0o644;

/// Replaces `path` by a file with these bytes: readers see the old content or the new, and after a
/// power cut one of the two is there.
///
/// # Errors
/// Those of the file system.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let staged = stage(path, bytes, mode)?;
    fs::rename(&staged, path).inspect_err(|_| {
        let _ = fs::remove_file(&staged);
    })?;
    sync_directory(path)
}

/// Creates `path` with these bytes, only if nothing is there: of several writers exactly one wins.
///
/// # Errors
/// `AlreadyExists` when something is there, else those of the file system.
pub fn create_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let staged = stage(path, bytes, mode)?;
    // A link fails when the name exists, on every POSIX file system; a rename would overwrite.
    let linked = fs::hard_link(&staged, path);
    let _ = fs::remove_file(&staged);
    linked?;
    sync_directory(path)
}

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// `InvalidData` when it is larger, else those of the file system.
pub fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("larger than {most} bytes"),
        ));
    }
    Ok(bytes)
}

/// Writes the bytes to a fresh file beside `path` and makes them durable.
fn stage(path: &Path, bytes: &[u8], mode: u32) -> io::Result<PathBuf> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let staged = directory.join(format!(".stage-{}", random::hex(8)?));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&staged)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .inspect_err(|_| {
            let _ = fs::remove_file(&staged);
        })?;
    Ok(staged)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(
        path.parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    )?
    .sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_creation_wins_and_nothing_staged_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        create_new(&path, b"first", PRIVATE).unwrap();
        let second = create_new(&path, b"second", PRIVATE).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AlreadyExists);
        replace(&path, b"third", PRIVATE).unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"third");
        assert_eq!(
            read_bounded(&path, 4).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

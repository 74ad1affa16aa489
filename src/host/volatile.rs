//! Files that may be lost in a power cut: those about processes, which are gone then too, and those
//! about what is under way, which is recorded elsewhere as well.

use super::files::PRIVATE;
use super::random;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Replaces `path` by a file with these bytes: readers see the old content or the new. Nothing waits
/// for the disk, which takes milliseconds each time; after a power cut the file may be [lost](is_lost).
///
/// # Errors
/// Those of the file system.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let staged = path.with_file_name(format!(".stage-{}", random::hex(8)?));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(&staged)?;
    file.write_all(bytes)
        .and_then(|()| fs::rename(&staged, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&staged);
        })
}

/// Whether this is what a power cut left of such a file.
pub fn is_lost(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_staged_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        for content in ["first", "second"] {
            replace(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(is_lost(b"") && is_lost(&[0; 9]) && !is_lost(b"x\0"));
    }
}

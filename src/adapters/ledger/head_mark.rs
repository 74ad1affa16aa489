//! The head mark: which record was appended last, so that the head is found without listing.
//!
//! In a directory it is written after the record and without waiting for the disk, so after a crash it
//! may be behind or missing; on a git branch it comes with the record. It is never ahead: a mark that names a record that is not there, or one with
//! another content, shows that records were removed or altered.

use crate::domain::model::Digest;
use crate::host::random;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::{fs, io};

/// Name of the file.
pub(super) const FILE: &str = "head";

/// The place and hash of the record that was appended last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeadMark {
    /// Its sequence number.
    pub(super) seq: u64,
    /// sha256 of its stored bytes.
    pub(super) hash: Digest,
}

#[derive(Serialize, Deserialize)]
struct Checked {
    #[serde(flatten)]
    mark: HeadMark,
    /// Tells a mark that was damaged by accident, which is ignored, from one that is ahead.
    check: String,
}

impl HeadMark {
    fn check(&self) -> String {
        Digest::of(format!("{} {}", self.seq, self.hash).as_bytes())
            .short()
            .to_owned()
    }

    /// The mark in `bytes`; `None` when they are damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let checked: Checked = serde_json::from_slice(bytes).ok()?;
        (checked.check == checked.mark.check()).then_some(checked.mark)
    }

    /// The bytes that are stored.
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        let checked = Checked {
            mark: self.clone(),
            check: self.check(),
        };
        Ok(serde_json::to_vec(&checked)?)
    }

    /// Replaces the mark in `directory`; readers see the old one or the new one.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let staged = directory.join(format!(".stage-{}", random::hex(8)?));
        fs::write(&staged, self.encode()?)
            .and_then(|()| fs::rename(&staged, directory.join(FILE)))
            .inspect_err(|_| {
                let _ = fs::remove_file(&staged);
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_with_any_bit_flipped_is_no_mark() {
        let directory = tempfile::tempdir().unwrap();
        let mark = HeadMark {
            seq: 41,
            hash: Digest::of(b"record"),
        };
        mark.write(directory.path()).unwrap();
        let bytes = fs::read(directory.path().join(FILE)).unwrap();
        assert_eq!(HeadMark::decode(&bytes), Some(mark));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(HeadMark::decode(&damaged), None, "bit {bit}");
        }
        assert_eq!(HeadMark::decode(b""), None);
    }
}

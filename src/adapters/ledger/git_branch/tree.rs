//! Directories as git stores them, and the chain that one of them is.

use crate::adapters::ledger::directory::seq_of;
use crate::adapters::ledger::head_mark;
use crate::host::git::Object;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) directory: bool,
    /// The id of its content.
    pub(super) id: String,
}

/// What stands in a directory; `None` when it is none. Each entry is `<mode> <name>\0<id>`, the id in
/// bytes (git's Documentation/user-manual, "Tree object"; gitformat-pack(5)).
pub(super) fn entries(object: &Object) -> Option<Vec<Entry>> {
    if object.kind != "tree" {
        return None;
    }
    // As long as the directory's own: SHA-1 or SHA-256.
    let length = object.id.len() / 2;
    let mut rest = object.bytes.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let heading = String::from_utf8_lossy(&rest[..end]).into_owned();
        let (mode, name) = heading.split_once(' ')?;
        let id = rest.get(end + 1..end + 1 + length)?;
        found.push(Entry {
            name: name.to_owned(),
            directory: mode == "40000",
            id: id
                .iter()
                .fold(String::with_capacity(length * 2), |mut text, byte| {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "{byte:02x}");
                    text
                }),
        });
        rest = &rest[end + 1 + length..];
    }
    Some(found)
}

/// One environment's directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The id of each record's content, by its place.
    pub(super) records: BTreeMap<u64, String>,
    /// The id of the head mark.
    pub(super) mark: Option<String>,
    /// Names that are no part of a ledger, sorted.
    pub(super) strangers: Vec<String>,
}

impl Chain {
    pub(super) fn of(entries: Vec<Entry>) -> Self {
        let mut chain = Self::default();
        for entry in entries {
            match seq_of(&entry.name) {
                Some(seq) => {
                    chain.records.insert(seq, entry.id);
                }
                None if entry.name == head_mark::FILE => chain.mark = Some(entry.id),
                None => chain.strangers.push(entry.name),
            }
        }
        chain
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.mark.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_read_and_a_damaged_one_is_none() {
        let mut bytes = Vec::new();
        for (mode, name, byte) in [
            ("100644", "00000000000000000007.json", 1),
            ("100644", "head", 2),
            ("40000", "x", 3),
        ] {
            bytes.extend(format!("{mode} {name}\0").bytes());
            bytes.extend([byte; 20]);
        }
        let directory = |bytes: &[u8], kind: &str| Object {
            id: "a".repeat(40),
            kind: kind.to_owned(),
            bytes: bytes.to_vec(),
        };
        let found = entries(&directory(&bytes, "tree")).unwrap();
        assert_eq!(
            found.iter().map(|entry| entry.directory).collect::<Vec<_>>(),
            [false, false, true]
        );
        let chain = Chain::of(found);
        assert_eq!(chain.records, [(7, "01".repeat(20))].into());
        assert_eq!(chain.mark, Some("02".repeat(20)));
        assert_eq!(chain.strangers, ["x"]);
        assert_eq!(entries(&directory(&bytes[..bytes.len() - 1], "tree")), None);
        assert_eq!(entries(&directory(&bytes, "blob")), None);
        assert_eq!(entries(&directory(b"nonsense", "tree")), None);
    }
}

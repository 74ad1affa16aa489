//! What storages answer with.

use crate::adapters::proxmox::decode::{maybe_count, maybe_id, maybe_number, maybe_words, switch, words};
use serde::Deserialize;

/// A storage, as its node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Storage {
    /// Its name; missing where one storage was asked for.
    #[serde(default, deserialize_with = "maybe_words")]
    pub storage: Option<String>,
    /// What it is: `dir`, `zfspool`, `lvmthin`, `pbs`.
    #[serde(default, rename = "type", deserialize_with = "maybe_words")]
    pub kind: Option<String>,
    /// What it holds: `images,rootdir`.
    #[serde(default, deserialize_with = "words")]
    pub content: String,
    /// Whether it can be reached.
    #[serde(default, deserialize_with = "switch")]
    pub active: bool,
    /// Bytes in all.
    #[serde(default, deserialize_with = "maybe_count")]
    pub total: Option<u64>,
    /// Bytes that are free.
    #[serde(default, deserialize_with = "maybe_count")]
    pub avail: Option<u64>,
}

impl Storage {
    /// Whether it holds this kind of content.
    pub fn holds(&self, content: &str) -> bool {
        self.content.split(',').any(|held| held.trim() == content)
    }
}

/// Something in a storage.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Volume {
    /// Its name: `local:backup/vzdump-qemu-101-….vma.zst`.
    pub volid: String,
    /// The kind of content.
    #[serde(default, deserialize_with = "maybe_words")]
    pub content: Option<String>,
    /// The guest that it belongs to.
    #[serde(default, deserialize_with = "maybe_id")]
    pub vmid: Option<u32>,
    /// Bytes.
    #[serde(default, deserialize_with = "maybe_count")]
    pub size: Option<u64>,
    /// When it was made, in seconds since 1970.
    #[serde(default, deserialize_with = "maybe_number")]
    pub ctime: Option<i64>,
    /// What is written beside it.
    #[serde(default, deserialize_with = "maybe_words")]
    pub notes: Option<String>,
    /// Whether it is shielded from being pruned.
    #[serde(default, deserialize_with = "switch")]
    pub protected: bool,
}

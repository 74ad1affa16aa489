//! Values of what is left out.

use crate::domain::model::Period;
use std::path::PathBuf;

pub(crate) fn one() -> u32 {
    1
}

pub(crate) fn yes() -> bool {
    true
}

pub(crate) fn memory() -> u32 {
    2048
}

/// Of a container that is a guest, in MiB.
pub(crate) fn container_memory() -> u32 {
    512
}

/// Root disk of a container that is a guest, in GiB.
pub(crate) fn container_disk() -> u32 {
    4
}

pub(crate) fn bridge() -> String {
    "vmbr0".into()
}

/// Storage of container templates.
pub(crate) fn template_storage() -> String {
    "local".into()
}

/// Of making one guest: ten minutes.
pub(crate) fn guest_timeout() -> Period {
    Period::from_secs(600)
}

/// Clones of one template at a time.
pub(crate) fn clones() -> u32 {
    2
}

pub(crate) fn namespace() -> String {
    "default".into()
}

pub(crate) fn compose_file() -> PathBuf {
    "compose.yaml".into()
}

/// Of a command: five minutes.
pub(crate) fn command_timeout() -> Period {
    Period::from_secs(300)
}

/// Of a scanner, which may have to fetch its database and the image: ten minutes.
pub(crate) fn scan_timeout() -> Period {
    Period::from_secs(600)
}

/// Longest command line of the restricted runner, in bytes.
pub(crate) fn command_length() -> u32 {
    2048
}

pub(crate) fn parallelism() -> u32 {
    4
}

pub(crate) fn keep_last() -> u32 {
    10
}

pub(crate) fn keep_for() -> Period {
    Period::from_secs(30 * 86_400)
}

pub(crate) fn grace() -> Period {
    Period::from_secs(48 * 3_600)
}

pub(crate) fn acceptance_prefix() -> String {
    "acceptance-test".into()
}

/// Of an acceptance suite as a whole: half an hour.
pub(crate) fn acceptance_timeout() -> Period {
    Period::from_secs(1_800)
}

/// Of an acceptance deployment: two hours.
pub(crate) fn acceptance_ttl() -> Period {
    Period::from_secs(2 * 3_600)
}

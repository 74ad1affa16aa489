//! Values of what is left out.

use crate::model::Period;
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

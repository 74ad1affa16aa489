//! The processes of a project, as the kernel knows them.

use greenroom::host::process::ProcessIdentity;
use rustix::process::{Pid, WaitOptions, waitpid};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Everything that runs for the project in this directory: by its arguments, its environment, or where
/// it stands.
pub(crate) fn of_project(root: &Path) -> Vec<ProcessIdentity> {
    let text = root.display().to_string();
    let own = std::process::id();
    all()
        .into_iter()
        .filter(|pid| *pid != own)
        .filter(|pid| {
            arguments(*pid).iter().any(|word| word.contains(&text))
                || variables(*pid)
                    .is_some_and(|variables| variables.values().any(|value| value.contains(&text)))
                || fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|at| at.starts_with(root))
        })
        .filter_map(|pid| ProcessIdentity::of(pid).ok())
        .filter(ProcessIdentity::is_alive)
        .collect()
}

/// Buries the dead among this process's children, and gives those that live. To be called while no
/// [`std::process::Child`] is held, whose exit status would be lost.
pub(crate) fn reap() -> Vec<u32> {
    let own = std::process::id().to_string();
    let mut alive = Vec::new();
    for pid in all() {
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        let mut fields = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace();
        let (state, parent) = (fields.next(), fields.next());
        if parent != Some(&own) {
            continue;
        }
        if state == Some("Z") {
            let _ = waitpid(
                i32::try_from(pid).ok().and_then(Pid::from_raw),
                WaitOptions::NOHANG,
            );
        } else {
            alive.push(pid);
        }
    }
    alive
}

pub(super) fn all() -> Vec<u32> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

pub(super) fn arguments(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0);
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

pub(super) fn variables(pid: u32) -> Option<BTreeMap<String, String>> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let variables = text.split('\0').filter_map(|line| line.split_once('='));
    Some(
        variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

//! Finding the processes of an instance by the token in their environment (`/proc/PID/environ`,
//! proc(5)): it is inherited by whatever a service starts, and survives a crash of greenroom.

use crate::host::process::ProcessIdentity;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The variable that holds the instance's token.
pub(super) const INSTANCE: &str = "GREENROOM_INSTANCE";
/// The variable that holds the state directory.
pub(super) const STATE: &str = "GREENROOM_STATE";
/// More than the kernel lets an environment be by default (a quarter of an 8 MiB stack).
const LARGEST_ENVIRONMENT: u64 = 4 << 20;

/// Every running process of the instance with this token.
pub(super) fn of_instance(token: &str) -> Vec<ProcessIdentity> {
    let wanted = format!("{INSTANCE}={token}");
    scan(|variables| {
        variables
            .split(|b| *b == 0)
            .any(|v| v == wanted.as_bytes())
            .then_some(())
    })
    .into_iter()
    .map(|(process, ())| process)
    .collect()
}

/// Every running process of any instance of this state directory, with its token.
pub(super) fn of_state(state: &Path) -> Vec<(ProcessIdentity, String)> {
    let wanted = format!("{STATE}={}", state.display());
    let token = format!("{INSTANCE}=");
    scan(|variables| {
        let mut variables = variables.split(|b| *b == 0);
        if !variables.clone().any(|v| v == wanted.as_bytes()) {
            return None;
        }
        variables
            .find_map(|v| v.strip_prefix(token.as_bytes()))
            .map(|token| String::from_utf8_lossy(token).into_owned())
    })
}

/// The running processes in whose environment `find` finds something. Those of other users cannot be
/// read, and are not greenroom's.
fn scan<T>(find: impl Fn(&[u8]) -> Option<T>) -> Vec<(ProcessIdentity, T)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let look = || environment(pid).ok().and_then(|variables| find(&variables));
        if look().is_none() {
            continue;
        }
        // Again, now between two looks at its identity: the id may be another process's by now.
        let Ok(process) = ProcessIdentity::of(pid) else {
            continue;
        };
        if let Some(value) = look()
            && process.is_alive()
        {
            found.push((process, value));
        }
    }
    found
}

fn environment(pid: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(format!("/proc/{pid}/environ"))?
        .take(LARGEST_ENVIRONMENT)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

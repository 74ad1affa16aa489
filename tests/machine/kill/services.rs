//! Services and routers, told apart by what the kernel knows about them.

use super::processes::{all, arguments, variables};
use greenroom::host::process::ProcessIdentity;
use rustix::process::{Signal, getpid, set_child_subreaper};
use std::path::Path;

/// Has what greenroom leaves behind become a child of this process, so that nothing gets away unseen
/// and the dead are buried here.
pub(crate) fn adopt_orphans() {
    set_child_subreaper(Some(getpid())).unwrap();
}

/// A service that greenroom started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) pid: u32,
    pub(crate) unit: String,
    pub(crate) token: String,
}

/// The services of this state directory.
pub(crate) fn services(state: &Path) -> Vec<Service> {
    let wanted = state.display().to_string();
    let mut found: Vec<Service> = all()
        .into_iter()
        .filter_map(|pid| {
            let variables = variables(pid)?;
            (variables.get("GREENROOM_STATE") == Some(&wanted)).then(|| Service {
                pid,
                unit: variables["GREENROOM_UNIT"].clone(),
                token: variables["GREENROOM_INSTANCE"].clone(),
            })
        })
        .collect();
    found.sort_by(|a, b| a.unit.cmp(&b.unit));
    found
}

/// The routers with this state directory.
pub(crate) fn routers(state: &Path) -> Vec<u32> {
    let state = state.display().to_string();
    all()
        .into_iter()
        .filter(|pid| {
            let arguments = arguments(*pid);
            arguments.get(1).is_some_and(|word| word == "router") && arguments.contains(&state)
        })
        .collect()
}

/// Kills the routers with this state directory.
pub(crate) fn kill_routers(state: &Path) {
    for pid in routers(state) {
        if let Ok(router) = ProcessIdentity::of(pid) {
            router.signal(Signal::KILL);
        }
    }
}

//! Facts about the real Proxmox that are not part of this repository.

use std::path::PathBuf;

/// A file of them: from `GREENROOM_PROXMOX_DATA`, or from `shared/data/proxmox` beside the repository.
/// Without it the test says that it was skipped.
pub(crate) fn read(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the tests have no other way to be told")]
    let given = std::env::var_os("GREENROOM_PROXMOX_DATA").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/proxmox");
    let path = given.unwrap_or(beside).join(name);
    if !path.exists() {
        #[expect(
            clippy::print_stdout,
            reason = "a skipped test must not look like one that ran"
        )]
        {
            println!("skipped: there is no {}", path.display());
        }
        return None;
    }
    Some(std::fs::read_to_string(path).unwrap())
}

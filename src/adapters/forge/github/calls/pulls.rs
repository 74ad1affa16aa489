//! Pull requests.

use super::{Call, segment};

/// How a pull request stands.
pub fn pull(number: u64) -> Call {
    Call::get("pull-requests: read", format!("pulls/{number}"))
}

/// Takes a label off.
pub fn remove_label(number: u64, label: &str) -> Call {
    let label = segment(label);
    Call::delete("pull-requests: write", format!("issues/{number}/labels/{label}"))
}

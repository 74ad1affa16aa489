//! Repositories.

use super::Call;

/// The repository of this number, whatever it is called now: where a redirect leads to. It is the one request
/// that GitHub's description does not have.
pub fn numbered(number: u64) -> Call {
    Call::get("contents: read", format!("/repositories/{number}"))
}

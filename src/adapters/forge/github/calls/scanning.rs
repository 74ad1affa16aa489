//! Code scanning.

use super::{Call, segment};
use crate::ports::SarifUpload;
use serde_json::json;

/// What the requests about code scanning need.
pub const NEEDS: &str = "security-events: write";

/// Hands results in; `packed` is the SARIF of the upload, compressed and in base64.
pub fn upload(upload: &SarifUpload, packed: &str) -> Call {
    let body = json!({
        "commit_sha": upload.commit.as_str(),
        "ref": upload.reference,
        "sarif": packed,
        "tool_name": upload.tool,
        "started_at": upload.started.to_string(),
    });
    Call::post(NEEDS, "code-scanning/sarifs".to_owned(), body)
}

/// What became of an upload.
pub fn status(id: &str) -> Call {
    Call::get(NEEDS, format!("code-scanning/sarifs/{}", segment(id)))
}

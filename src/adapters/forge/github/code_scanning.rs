//! Results of scans: handed in, and followed until GitHub has read them.

use super::GitHub;
use super::calls::scanning as calls;
use super::talk::Talk;
use crate::domain::model::{ErrorKind, PortError, one_line};
use crate::ports::SarifUpload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use octocrab::models::code_scannings::SarifReceipt;
use serde::Deserialize;
use std::io::{self, Write as _};
use std::time::Duration;

/// The largest SARIF that GitHub takes, compressed, in bytes (code scanning, "SARIF support").
const LARGEST_SARIF: usize = 10 << 20;
/// The waits before each look at what became of an upload, in seconds; after the last it is left to GitHub.
const LOOKS: [u64; 5] = [1, 2, 4, 8, 15];

#[derive(Deserialize)]
struct Processing {
    #[serde(default)]
    processing_status: Option<String>,
    #[serde(default)]
    errors: Option<Vec<String>>,
}

/// See [`crate::ports::CodeScanning::upload_sarif`].
pub(super) fn upload(github: &GitHub, upload: &SarifUpload) -> Result<String, PortError> {
    let talk = github.talk("uploading the findings");
    let packed = packed(&upload.sarif).map_err(|error| talk.error(ErrorKind::Invalid, &error))?;
    if packed.len() > LARGEST_SARIF {
        let message = format!(
            "they are {} bytes compressed, and GitHub takes {LARGEST_SARIF}: show fewer with `scan.severity`",
            packed.len()
        );
        return Err(talk.error(ErrorKind::Invalid, message));
    }
    let reply = talk.send(&calls::upload(upload, &STANDARD.encode(&packed)))?;
    let status = reply.status;
    let Ok(receipt) = talk.read::<SarifReceipt>(reply) else {
        let message =
            format!("GitHub answered {status} without an id: look at the repository's code scanning alerts");
        return Err(talk.error(ErrorKind::Ambiguous, message));
    };
    follow(&talk, &receipt.id)?;
    Ok(one_line(&receipt.id, 100))
}

/// Looks a few times whether GitHub could read what it took.
fn follow(talk: &Talk<'_>, id: &str) -> Result<(), PortError> {
    for wait in LOOKS {
        talk.rest(Duration::from_secs(wait))?;
        let found: Processing = match talk.find(&calls::status(id)) {
            Ok(Some(found)) => found,
            // Not known yet.
            Ok(None) => continue,
            // It was taken: that nothing more can be learned about it does not take that back.
            Err(_) => return Ok(()),
        };
        match found.processing_status.as_deref() {
            Some("complete") => return Ok(()),
            Some("failed") => {
                let errors = found.errors.unwrap_or_default().join("; ");
                let message = format!(
                    "GitHub took them and could not read them: {}",
                    one_line(&errors, 300)
                );
                return Err(talk.error(ErrorKind::Invalid, message));
            }
            _ => {}
        }
    }
    Ok(())
}

fn packed(sarif: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(sarif.as_bytes())?;
    encoder.finish()
}

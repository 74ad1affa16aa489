//! Code scanning.

use super::act::{Asking, Outcome};
use super::state::{Processing, State, Upload};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::json;
use std::io::Read as _;

pub(super) fn done(state: &mut State, asking: &Asking<'_>) -> Outcome {
    if asking.operation == "code-scanning/get-sarif" {
        return status(state, &asking.names["sarif_id"]);
    }
    let sha = asking.text("commit_sha");
    if !state.has(sha) {
        return Outcome::of(400, json!(null));
    }
    let Some(sarif) = unpacked(asking.text("sarif")) else {
        return Outcome::of(400, json!(null));
    };
    let id = format!("47177e22-5596-11eb-80a1-{:012}", state.next());
    state.uploads.push(Upload {
        id: id.clone(),
        sent: asking.body.clone(),
        sarif,
    });
    let url = format!("{}/sarifs/{id}", asking.url);
    Outcome::of(202, json!({"id": id, "url": url}))
}

fn status(state: &mut State, id: &str) -> Outcome {
    let plan = &state.repository.processing;
    let processing = plan.get(state.looked).or(plan.last()).cloned();
    state.looked += 1;
    if !state.uploads.iter().any(|upload| upload.id == id) || processing == Some(Processing::Unknown) {
        return Outcome::of(404, json!(null));
    }
    let (word, errors) = match processing {
        Some(Processing::Pending) => ("pending", None),
        Some(Processing::Failed(errors)) => ("failed", Some(errors)),
        _ => ("complete", None),
    };
    Outcome::of(200, json!({"processing_status": word, "errors": errors}))
}

/// The SARIF in what was sent: base64 of gzip of JSON.
fn unpacked(sent: &str) -> Option<String> {
    let bytes = STANDARD.decode(sent).ok()?;
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).ok()?;
    serde_json::from_str::<serde_json::Value>(&text).ok()?;
    Some(text)
}

//! The names by which a scanner may know an image.

use crate::app::workspace::Workspace;
use crate::domain::model::{Artifact, Digest};
use crate::domain::scan::ScanSubject;
use crate::ports::Registry;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most images of an index that are looked at.
const MOST_IMAGES: usize = 64;

/// The digest of `image` with those of its parts, as far as the registry can be asked: fewer names make
/// fewer reports fit, and never a wrong one.
pub(super) fn subject(workspace: &Workspace, image: &Artifact) -> ScanSubject {
    let registry = workspace.registry();
    let mut subject = ScanSubject::of(image.digest.clone());
    let Some(top) = manifest(registry.as_ref(), image, &image.digest) else {
        return subject;
    };
    subject.parts.extend(config(&top));
    let children = children(&top);
    if !children.is_empty() {
        subject.images = children.len();
    }
    for child in children.into_iter().take(MOST_IMAGES) {
        let configured = manifest(registry.as_ref(), image, &child).and_then(|child| config(&child));
        subject.parts.extend(configured);
        subject.parts.insert(child);
    }
    subject
}

fn manifest(registry: &dyn Registry, image: &Artifact, digest: &Digest) -> Option<Value> {
    let bytes = registry.manifest(&image.repository, digest).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn config(manifest: &Value) -> Option<Digest> {
    manifest.pointer("/config/digest")?.as_str()?.parse().ok()
}

/// The images of an index; attestations beside them (`unknown/unknown`) are none.
fn children(index: &Value) -> BTreeSet<Digest> {
    let all = index.get("manifests").and_then(Value::as_array);
    all.into_iter()
        .flatten()
        .filter(|child| child.pointer("/platform/os").and_then(Value::as_str) != Some("unknown"))
        .filter_map(|child| child.get("digest")?.as_str()?.parse().ok())
        .collect()
}

//! The entries of a layout's `index.json`: manifests, and their tags.

use crate::domain::model::Tag;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The annotation that holds a tag in `index.json`.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

pub(super) fn ref_name(descriptor: &Value) -> Option<&str> {
    descriptor["annotations"][REF_NAME].as_str()
}

/// Points the tags at the manifest. What a tag pointed at before stays, without that tag.
pub(super) fn point(manifests: &mut Vec<Value>, plain: &Value, tags: &[Tag]) {
    let digest = plain["digest"].clone();
    let moved = |descriptor: &Value| {
        ref_name(descriptor).is_some_and(|name| tags.iter().any(|tag| tag.as_str() == name))
    };
    for descriptor in manifests.iter_mut().filter(|d| moved(d)) {
        if let Some(annotations) = descriptor["annotations"].as_object_mut() {
            annotations.remove(REF_NAME);
        }
    }
    for tag in tags {
        let mut descriptor = plain.clone();
        descriptor["annotations"] = json!({ REF_NAME: tag });
        manifests.push(descriptor);
    }
    if !manifests.iter().any(|d| d["digest"] == digest) {
        manifests.push(plain.clone());
    }
    // One descriptor without a tag is enough, and none is needed beside one with a tag.
    let tagged: BTreeSet<String> = manifests
        .iter()
        .filter(|d| ref_name(d).is_some())
        .map(|d| d["digest"].to_string())
        .collect();
    let mut untagged = BTreeSet::new();
    manifests.retain(|d| {
        let digest = d["digest"].to_string();
        ref_name(d).is_some() || (!tagged.contains(&digest) && untagged.insert(digest))
    });
}

/// Takes the tag away; what it named stays, without it.
pub(super) fn untag(manifests: &mut Vec<Value>, tag: &Tag) {
    let Some(entry) = manifests
        .iter()
        .find(|entry| ref_name(entry) == Some(tag.as_str()))
    else {
        return;
    };
    let mut plain = entry.clone();
    plain["annotations"] = json!({});
    manifests.retain(|entry| ref_name(entry) != Some(tag.as_str()));
    point(manifests, &plain, &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_tag_leaves_the_old_manifest_untagged() {
        let tags: Vec<Tag> = vec!["1.0".parse().unwrap(), "latest".parse().unwrap()];
        let (old, new) = (
            json!({"digest": "sha256:old", "size": 1}),
            json!({"digest": "sha256:new", "size": 2}),
        );
        let mut manifests = Vec::new();
        point(&mut manifests, &old, &tags);
        point(&mut manifests, &new, &tags);
        point(&mut manifests, &new, &[]);
        assert_eq!(
            Value::from(manifests),
            json!([
                {"digest": "sha256:old", "size": 1, "annotations": {}},
                {"digest": "sha256:new", "size": 2, "annotations": {REF_NAME: "1.0"}},
                {"digest": "sha256:new", "size": 2, "annotations": {REF_NAME: "latest"}},
            ])
        );
    }
}

//! What an image from files says about itself: configuration, manifest, index.

use super::super::index::annotations;
use super::FilesImage;
use super::base::{BaseImage, Kind};
use super::layer::Layer;
use crate::ports::BuildRequest;
use serde_json::{Map, Value, json};

/// The configuration: the base's, with what the files add and replace.
pub(super) fn config(
    image: &FilesImage,
    request: &BuildRequest,
    base: &BaseImage,
    layers: &[Layer],
) -> Value {
    let mut config = base.config.clone();
    // What the daemon that made the base remembers of that; it is not true of this image.
    for gone in ["container", "container_config", "docker_version", "id", "parent"] {
        config.remove(gone);
    }
    config.insert("created".to_owned(), json!(request.created));
    let run = run(image, request, config.get("config"));
    config.insert("config".to_owned(), Value::Object(run));
    let mut diffs = config
        .get("rootfs")
        .map(|rootfs| list(&rootfs["diff_ids"]))
        .unwrap_or_default();
    diffs.extend(layers.iter().map(|layer| json!(layer.diff)));
    config.insert(
        "rootfs".to_owned(),
        json!({ "type": "layers", "diff_ids": diffs }),
    );
    let mut history = config.get("history").map(list).unwrap_or_default();
    history.extend(image.layers.iter().map(|layer| {
        json!({"created": request.created, "created_by": format!("greenroom: files to {}", layer.to)})
    }));
    config.insert("history".to_owned(), json!(history));
    Value::Object(config)
}

/// How it is run (OCI image spec, "config").
fn run(image: &FilesImage, request: &BuildRequest, base: Option<&Value>) -> Map<String, Value> {
    let mut run = base.and_then(Value::as_object).cloned().unwrap_or_default();
    // The base's arguments were meant for the base's entry point.
    run.remove("Cmd");
    let mut env: Vec<String> = list(&json!(run.get("Env")))
        .iter()
        .filter_map(|line| Some(line.as_str()?.to_owned()))
        .filter(|line| {
            let name = line.split('=').next().unwrap_or_default();
            !image.env.contains_key(name)
        })
        .collect();
    env.extend(image.env.iter().map(|(name, value)| format!("{name}={value}")));
    let mut ports = object(run.get("ExposedPorts"));
    ports.extend(image.ports.iter().map(|port| (format!("{port}/tcp"), json!({}))));
    let mut labels = object(run.get("Labels"));
    labels.extend(
        request
            .labels
            .iter()
            .map(|(name, value)| (name.clone(), json!(value))),
    );
    let mut set = |key: &str, value: Value| {
        let empty = match &value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(items) => items.is_empty(),
            _ => false,
        };
        if !empty {
            run.insert(key.to_owned(), value);
        }
    };
    set("User", json!(image.user));
    set("ExposedPorts", Value::Object(ports));
    set("Env", json!(env));
    set("Entrypoint", json!(image.entrypoint));
    set("Cmd", json!(image.command));
    set("WorkingDir", json!(image.working_directory));
    set("Labels", Value::Object(labels));
    run
}

/// The manifest, in the words of the base.
pub(super) fn manifest(request: &BuildRequest, base: &BaseImage, config: &[u8], layers: &[Layer]) -> Value {
    let mut descriptors: Vec<Value> = base.layers.iter().map(|layer| json!(layer)).collect();
    descriptors.extend(
        layers.iter().map(
            |layer| json!({ "mediaType": base.kind.layer(), "digest": layer.digest, "size": layer.size }),
        ),
    );
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": base.kind.manifest(),
        "config": {
            "mediaType": base.kind.config(),
            "digest": crate::domain::model::Digest::of(config),
            "size": config.len(),
        },
        "layers": descriptors,
    });
    let mut annotations = annotations(request);
    if let Some((name, digest)) = &base.origin {
        annotations.insert("org.opencontainers.image.base.name".to_owned(), name.to_string());
        annotations.insert(
            "org.opencontainers.image.base.digest".to_owned(),
            digest.to_string(),
        );
    }
    // Docker's manifests have none.
    if base.kind == Kind::Oci && !annotations.is_empty() {
        manifest["annotations"] = json!(annotations);
    }
    manifest
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn object(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

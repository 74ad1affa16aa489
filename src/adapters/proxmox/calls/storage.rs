//! Storages and what lies in them.

use crate::adapters::proxmox::{ApiRequest, Upload};

/// The storages of a node that are enabled; only those that hold this kind of content, where one is
/// given: `vztmpl`, `backup`, `images`, `rootdir`.
pub fn list(node: &str, content: Option<&str>) -> ApiRequest {
    ApiRequest::get(format!("/nodes/{node}/storage"))
        .switch("enabled", true)
        .maybe("content", content)
}

/// How much room a storage has.
pub fn status(node: &str, storage: &str) -> ApiRequest {
    ApiRequest::get(format!("/nodes/{node}/storage/{storage}/status"))
}

/// What lies in a storage, of one kind and about one guest where that is given. Backups of a guest
/// are shown only to those who may back it up.
pub fn content(node: &str, storage: &str, content: Option<&str>, guest: Option<u32>) -> ApiRequest {
    ApiRequest::get(format!("/nodes/{node}/storage/{storage}/content"))
        .maybe("content", content)
        .maybe("vmid", guest)
}

/// Puts a container's template into a storage: a task. `sha256` is that of the file, in hex.
pub fn upload_template(node: &str, storage: &str, file: Upload, sha256: &str) -> ApiRequest {
    let mut request = ApiRequest::post(format!("/nodes/{node}/storage/{storage}/upload"))
        .with("content", "vztmpl")
        .with("checksum-algorithm", "sha256")
        .with("checksum", sha256);
    request.upload = Some(file);
    request
}

/// Lets the node fetch an image from its registry (PVE 9.1): a task. `reference` ends with a tag, a
/// digest is refused; `filename` gets `.tar` appended.
pub fn pull(node: &str, storage: &str, reference: &str, filename: &str) -> ApiRequest {
    ApiRequest::post(format!("/nodes/{node}/storage/{storage}/oci-registry-pull"))
        .with("reference", reference)
        .with("filename", filename)
}

/// The tags of an image in its registry, as the node sees it (PVE 9.1).
pub fn image_tags(node: &str, reference: &str) -> ApiRequest {
    ApiRequest::get(format!("/nodes/{node}/query-oci-repo-tags")).with("reference", reference)
}

/// What is known about one volume: `local:backup/vzdump-qemu-101-….vma.zst`.
pub fn volume(node: &str, storage: &str, volume: &str) -> ApiRequest {
    ApiRequest::get(volume_path(node, storage, volume))
}

/// Changes whether a backup is shielded from being pruned.
pub fn protect(node: &str, storage: &str, volume: &str, protected: bool) -> ApiRequest {
    ApiRequest::put(volume_path(node, storage, volume)).switch("protected", protected)
}

/// Removes a volume: a task, or nothing when it took only a moment.
pub fn delete(node: &str, storage: &str, volume: &str) -> ApiRequest {
    ApiRequest::delete(volume_path(node, storage, volume))
}

fn volume_path(node: &str, storage: &str, volume: &str) -> String {
    format!("/nodes/{node}/storage/{storage}/content/{volume}")
}

//! What the cluster is and holds.

use crate::adapters::proxmox::ApiRequest;

/// The version. Anyone with a valid token may ask.
pub fn version() -> ApiRequest {
    ApiRequest::get("/version")
}

/// What the token may do, by path; `path` asks about one.
pub fn permissions(path: Option<&str>) -> ApiRequest {
    ApiRequest::get("/access/permissions").maybe("path", path)
}

/// The next id that is free; with `id`, that one, or a refusal when it is taken. It is not reserved.
pub fn next_id(id: Option<u32>) -> ApiRequest {
    ApiRequest::get("/cluster/nextid").maybe("vmid", id)
}

/// Every guest that the token may see. What it may not see is missing, so that an absent id need not
/// be free; state and name are up to ten seconds old.
pub fn guests() -> ApiRequest {
    ApiRequest::get("/cluster/resources").with("type", "vm")
}

/// Every storage on every node that the token may see.
pub fn storages() -> ApiRequest {
    ApiRequest::get("/cluster/resources").with("type", "storage")
}

/// The nodes.
pub fn nodes() -> ApiRequest {
    ApiRequest::get("/nodes")
}

/// The bridges of a node, those of the software-defined network among them.
pub fn bridges(node: &str) -> ApiRequest {
    ApiRequest::get(format!("/nodes/{node}/network")).with("type", "any_bridge")
}

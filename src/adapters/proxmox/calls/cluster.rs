//! What the cluster is and holds.

use crate::adapters::proxmox::Request;

/// The version. Anyone with a valid token may ask.
pub fn version() -> Request {
    Request::get("/version")
}

/// What the token may do, by path; `path` asks about one.
pub fn permissions(path: Option<&str>) -> Request {
    Request::get("/access/permissions").maybe("path", path)
}

/// The next id that is free; with `id`, that one, or a refusal when it is taken. It is not reserved.
pub fn next_id(id: Option<u32>) -> Request {
    Request::get("/cluster/nextid").maybe("vmid", id)
}

/// Every guest that the token may see. What it may not see is missing, so that an absent id need not
/// be free; state and name are up to ten seconds old.
pub fn guests() -> Request {
    Request::get("/cluster/resources").with("type", "vm")
}

/// Every storage on every node that the token may see.
pub fn storages() -> Request {
    Request::get("/cluster/resources").with("type", "storage")
}

/// The nodes.
pub fn nodes() -> Request {
    Request::get("/nodes")
}

/// The bridges of a node, those of the software-defined network among them.
pub fn bridges(node: &str) -> Request {
    Request::get(format!("/nodes/{node}/network")).with("type", "any_bridge")
}

//! Pools: the one thing that the rights of an environment can hang on.

use crate::adapters::proxmox::ApiRequest;

/// Every pool that the token may see.
pub fn list() -> ApiRequest {
    ApiRequest::get("/pools")
}

/// One pool with its members.
pub fn show(pool: &str) -> ApiRequest {
    ApiRequest::get("/pools").with("poolid", pool)
}

/// Makes a pool.
pub fn create(pool: &str, comment: &str) -> ApiRequest {
    ApiRequest::post("/pools")
        .with("poolid", pool)
        .with("comment", comment)
}

/// Puts a guest into a pool.
pub fn add(pool: &str, guest: u32) -> ApiRequest {
    ApiRequest::put("/pools").with("poolid", pool).with("vms", guest)
}

/// Removes a pool, which has to be empty.
pub fn delete(pool: &str) -> ApiRequest {
    ApiRequest::delete("/pools").with("poolid", pool)
}

//! Pools: the one thing that the rights of an environment can hang on.

use crate::adapters::proxmox::Request;

/// Every pool that the token may see.
pub fn list() -> Request {
    Request::get("/pools")
}

/// One pool with its members.
pub fn show(pool: &str) -> Request {
    Request::get("/pools").with("poolid", pool)
}

/// Makes a pool.
pub fn create(pool: &str, comment: &str) -> Request {
    Request::post("/pools")
        .with("poolid", pool)
        .with("comment", comment)
}

/// Puts a guest into a pool.
pub fn add(pool: &str, guest: u32) -> Request {
    Request::put("/pools").with("poolid", pool).with("vms", guest)
}

/// Removes a pool, which has to be empty.
pub fn delete(pool: &str) -> Request {
    Request::delete("/pools").with("poolid", pool)
}

//! Packages of images.

use super::{Call, segment};
use crate::ports::Package;

const READ: &str = "packages: read";
const WRITE: &str = "packages: write";

/// Versions of a page, GitHub's most.
pub const PAGE: u64 = 100;

/// What kind of account a package belongs to: each has addresses of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Of many people.
    Organization,
    /// Of one.
    User,
}

/// Whoever has this login.
pub fn account(login: &str) -> Call {
    Call::get(READ, format!("/users/{}", segment(login)))
}

/// One page of the versions of a package that were not deleted, from 1, newest first. That pages can be asked
/// for is written down for organizations only, and holds for people, too.
pub fn versions(of: Account, package: &Package, page: u64) -> Call {
    let path = path(of, package, "versions");
    Call::get(READ, format!("{path}?per_page={PAGE}&page={page}"))
}

/// One version of a package.
pub fn version(of: Account, package: &Package, number: u64) -> Call {
    Call::get(READ, path(of, package, &format!("versions/{number}")))
}

/// Deletes a version of a package.
pub fn delete(of: Account, package: &Package, number: u64) -> Call {
    Call::delete(WRITE, path(of, package, &format!("versions/{number}")))
}

fn path(of: Account, package: &Package, rest: &str) -> String {
    let accounts = match of {
        Account::Organization => "orgs",
        Account::User => "users",
    };
    // The name is one segment, whatever it holds.
    let (owner, name) = (segment(&package.owner), segment(&package.name));
    format!("/{accounts}/{owner}/packages/container/{name}/{rest}")
}

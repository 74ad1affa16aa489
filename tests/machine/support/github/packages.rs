//! Packages of images with their versions, and whose they are.

use super::act::{Asking, Outcome};
use super::description::Description;
use super::state::{Package, PackageVersion, State};
use serde_json::{Value, json};

/// A public version with more downloads than this stays.
const MOST_DOWNLOADS: u64 = 5_000;

pub(super) fn done(description: &Description, state: &mut State, asking: &Asking<'_>) -> Outcome {
    if asking.operation == "users/get-by-username" {
        return account(description, state, &asking.names["username"]);
    }
    let owner = asking.names.get("org").or_else(|| asking.names.get("username"));
    let is_of = |package: &&mut Package| {
        Some(&package.owner) == owner
            && package.organization == asking.names.contains_key("org")
            && asking.names["package_type"] == "container"
            && package.name == asking.names["package_name"]
    };
    let Some(package) = state.repository.packages.iter_mut().find(is_of) else {
        return Outcome::refusal(404, "Not Found");
    };
    if asking.operation.starts_with("packages/get-all") {
        let deleted = asking.query.get("state").is_some_and(|state| state == "deleted");
        let versions = package.versions.iter().rev();
        let shown = versions
            .filter(|version| version.deleted == deleted)
            .map(|version| shown(description, version))
            .collect();
        return asking.page(shown, Value::Array);
    }
    let number = asking.number("package_version_id");
    let mut versions = package.versions.iter();
    let place = versions.position(|version| version.id == number && !version.deleted);
    let Some(place) = place else {
        return Outcome::refusal(404, "Not Found");
    };
    if asking.operation.starts_with("packages/get-package-version") {
        return Outcome::of(200, shown(description, &package.versions[place]));
    }
    if let Some(refusal) = kept(package, place) {
        return refusal;
    }
    package.versions[place].deleted = true;
    if let Some(told) = &state.on_delete {
        told(&package.versions[place].digest);
    }
    Outcome::of(204, Value::Null)
}

/// Why a version stays.
fn kept(package: &Package, place: usize) -> Option<Outcome> {
    let version = &package.versions[place];
    if !package.admin {
        // What may not be deleted is shown as absent.
        return Some(Outcome::refusal(404, "Not Found"));
    }
    if version.downloads > MOST_DOWNLOADS {
        let message = "Publicly visible package versions with more than 5000 downloads cannot be deleted";
        return Some(Outcome::refusal(400, message));
    }
    let others = package.versions.iter().enumerate();
    let mut tagged = others.filter(|(at, one)| *at != place && !one.deleted && !one.tags.is_empty());
    (!version.tags.is_empty() && tagged.next().is_none()).then(|| {
        let message =
            "You cannot delete the last tagged version of a package. You must delete the package instead.";
        Outcome::refusal(400, message)
    })
}

fn account(description: &Description, state: &State, login: &str) -> Outcome {
    let mut packages = state.repository.packages.iter();
    let Some(package) = packages.find(|package| package.owner == login) else {
        return Outcome::refusal(404, "Not Found");
    };
    let kind = if package.organization {
        "Organization"
    } else {
        "User"
    };
    let known = json!({"login": login, "type": kind, "user_view_type": "public"});
    Outcome::of(200, description.sample("public-user", known))
}

fn shown(description: &Description, version: &PackageVersion) -> Value {
    description.sample(
        "package-version",
        json!({
            "id": version.id,
            "name": version.digest,
            "created_at": version.created,
            "updated_at": version.updated,
            "metadata": {"package_type": "container", "container": {"tags": version.tags}},
        }),
    )
}

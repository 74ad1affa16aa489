//! Packages of images: listed whole or not at all, deleted once.

use crate::forge::yard::{Yard, connected, refused};
use crate::support::github::{self, Fault, PackageVersion, Repository};
use greenroom::adapters::forge::github::{Connection, GitHubPackages};
use greenroom::domain::model::{Digest, ErrorKind};
use greenroom::ports::{Clock, Package, Packages, Reviews as _};
use serde_json::json;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

const LIST: &str = "packages/get-all-package-versions-for-package-owned-by-org";
const LOOK: &str = "packages/get-package-version-for-organization";
const DELETE: &str = "packages/delete-package-version-for-org";
/// The numbers of versions begin here.
const FIRST: u64 = 1000;

pub(crate) fn package(owner: &str, name: &str) -> Package {
    Package {
        owner: owner.to_owned(),
        name: name.to_owned(),
    }
}

fn version(number: u64) -> PackageVersion {
    let tag = format!("1.0.{number}");
    let digest = Digest::of(tag.as_bytes()).to_string();
    PackageVersion::new(number, &digest, &[&tag], "2026-01-02T03:04:05Z")
}

/// The package `shop/app` of `acme` with so many versions.
fn held(versions: u64) -> github::Package {
    github::Package {
        owner: "acme".to_owned(),
        organization: true,
        name: "shop/app".to_owned(),
        admin: true,
        versions: (FIRST..FIRST + versions).map(version).collect(),
    }
}

/// The adapter over `acme/shop/app`.
struct Store {
    yard: Yard,
    packages: GitHubPackages,
    app: Package,
}

impl Store {
    fn of(repository: Repository) -> Self {
        let yard = Yard::of(repository);
        Self {
            packages: GitHubPackages::new(Arc::clone(&yard.connection)),
            app: package("acme", "shop/app"),
            yard,
        }
    }

    fn new(versions: u64) -> Self {
        Self::holding(held(versions))
    }

    fn holding(package: github::Package) -> Self {
        Self::of(Repository {
            packages: vec![package],
            ..Repository::default()
        })
    }

    fn delete(&self, number: u64) -> Result<(), greenroom::domain::model::PortError> {
        self.packages.delete_version(&self.app, number)
    }

    /// The numbers that are left.
    fn left(&self) -> Vec<u64> {
        self.yard
            .fake
            .versions()
            .iter()
            .map(|version| version.id)
            .collect()
    }
}

#[test]
fn versions_are_listed_to_the_last_page_and_the_owner_is_asked_for_once() {
    let store = Store::new(250);
    for _ in 0..2 {
        let mut listed = store.packages.versions(&store.app).unwrap();
        listed.sort_by_key(|version| version.number);
        assert_eq!(listed.len(), 250);
        let (own, theirs) = (&listed[0], version(FIRST));
        assert_eq!((own.number, own.digest.to_string()), (theirs.id, theirs.digest));
        assert_eq!(own.tags, theirs.tags);
        assert_eq!(own.created, "2026-01-02T03:04:05Z".parse().unwrap());
        assert_eq!(own.updated, Some(own.created));
    }
    assert_eq!(store.yard.fake.count("users/get-by-username"), 1);
    assert_eq!(store.yard.fake.count(LIST), 6);
    let asked = store.yard.fake.requests();
    let path = "/orgs/acme/packages/container/shop%2Fapp/versions";
    assert!(
        asked
            .iter()
            .filter(|one| one.operation == LIST)
            .all(|one| one.path == path)
    );
}

#[test]
fn a_package_of_a_person_and_a_server_of_ones_own_have_other_addresses() {
    let store = Store::of(Repository {
        prefix: "/api/v3".to_owned(),
        packages: vec![github::Package {
            organization: false,
            ..held(2)
        }],
        ..Repository::default()
    });
    assert_eq!(store.packages.versions(&store.app).unwrap().len(), 2);
    store.delete(FIRST).unwrap();
    assert_eq!(store.left(), [FIRST + 1]);
    assert_eq!(
        store.yard.fake.count("packages/delete-package-version-for-user"),
        1
    );
}

#[test]
fn a_deletion_whose_answer_was_lost_is_repeated_and_found_done() {
    for fault in [Fault::LostAfter, Fault::CutAfter] {
        let store = Store::new(2);
        store.yard.fails(DELETE, &[fault]);
        store.delete(FIRST).unwrap();
        assert_eq!(store.left(), [FIRST + 1]);
        assert_eq!(store.yard.fake.count(DELETE), 2);
        assert_eq!(store.yard.fake.count(LOOK), 1);
    }
    for fault in [Fault::Page(502), Fault::CutBefore] {
        let store = Store::new(2);
        store.yard.fails(DELETE, &[fault]);
        store.delete(FIRST).unwrap();
        assert_eq!((store.left(), store.yard.fake.count(LOOK)), (vec![FIRST + 1], 0));
    }
}

#[test]
fn one_that_is_gone_already_is_no_error_and_one_that_may_not_go_is() {
    let store = Store::new(2);
    for _ in 0..2 {
        store.delete(FIRST).unwrap();
    }
    store.delete(7).unwrap();
    // GitHub says of what may not be deleted that it is not there.
    let guarded = Store::holding(github::Package {
        admin: false,
        ..held(2)
    });
    let parts = [
        "deleting version 1000 of acme/shop/app",
        "404",
        "no such package, or the token may not see or delete it",
        "the role Admin on the package",
    ];
    refused(guarded.delete(FIRST), ErrorKind::Denied, &parts);
    assert_eq!(guarded.left(), [FIRST, FIRST + 1]);
    // Whether it is gone cannot be seen: then it is not taken for gone.
    guarded.yard.fails(LOOK, &[const { Fault::Page(503) }; 4]);
    refused(guarded.delete(FIRST), ErrorKind::Transient, &["503"]);
}

#[test]
fn a_missing_permission_is_named_with_the_other_things_that_are_asked_for() {
    let allowed = |permissions: &[&str]| {
        Store::of(Repository {
            permissions: Some(permissions.iter().map(|one| (*one).to_owned()).collect()),
            packages: vec![held(2)],
            ..Repository::default()
        })
    };
    let parts = [
        "403",
        "Resource not accessible by integration",
        "read:packages and delete:packages",
        "single sign-on",
        "`permissions: { packages: write }`",
        "the role Admin on the package",
    ];
    let none = allowed(&["contents: write"]);
    refused(none.packages.versions(&none.app), ErrorKind::Denied, &parts);
    let reader = allowed(&["packages: read"]);
    assert_eq!(reader.packages.versions(&reader.app).unwrap().len(), 2);
    refused(
        reader.delete(FIRST),
        ErrorKind::Denied,
        &[&parts[..], &["GitHub accepts packages=write"]].concat(),
    );
    assert_eq!(reader.left().len(), 2);
    let writer = allowed(&["packages: write"]);
    writer.delete(FIRST).unwrap();
}

#[test]
fn what_is_not_shown_is_never_an_empty_list() {
    let store = Store::new(2);
    for (owner, name) in [("acme", "other"), ("nobody", "app")] {
        refused(
            store.packages.versions(&package(owner, name)),
            ErrorKind::Denied,
            &["no such package, or the token may not see"],
        );
    }
    store
        .yard
        .fake
        .with(|state| state.repository.token = "ghs_another".to_owned());
    refused(
        store.packages.versions(&store.app),
        ErrorKind::Denied,
        &["401", "Bad credentials", "GREENROOM_REGISTRY_TOKEN"],
    );
}

#[test]
fn github_keeps_the_last_tagged_version_and_what_many_have_pulled() {
    let store = Store::new(1);
    refused(
        store.delete(FIRST),
        ErrorKind::Invalid,
        &["400", "last tagged version", "delete the package itself"],
    );
    let mut popular = held(2);
    popular.versions[0].downloads = 5_001;
    let store = Store::holding(popular);
    refused(store.delete(FIRST), ErrorKind::Invalid, &["5,000 downloads"]);
    assert_eq!(store.left().len(), 2);
}

#[test]
fn a_page_elsewhere_is_not_shown_the_token_and_not_taken_for_the_last_one() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let address = format!("http://{}/x?page=3", elsewhere.local_addr().unwrap());
    let store = Store::new(250);
    let link = ("link".to_owned(), format!("<{address}>; rel=\"next\""));
    store
        .yard
        .fails(LIST, &[Fault::Answer(200, vec![link], json!([]))]);
    refused(
        store.packages.versions(&store.app),
        ErrorKind::Invalid,
        &["page 1 led to http://127.0.0.1:", "not the page after it"],
    );
    assert!(elsewhere.accept().is_err());
}

#[test]
fn a_renamed_owner_is_told_and_nothing_is_taken_for_gone_or_sent_to_its_new_place() {
    let store = Store::new(2);
    let location = (
        "location".to_owned(),
        format!("{}/orgs/new", store.yard.fake.url()),
    );
    for operation in [LIST, DELETE, LOOK] {
        let moved = Fault::Answer(301, vec![location.clone()], json!({"message": "Moved"}));
        store.yard.fails(operation, &[moved]);
    }
    let parts = ["301", "was renamed or moved"];
    refused(store.packages.versions(&store.app), ErrorKind::Invalid, &parts);
    refused(store.delete(FIRST), ErrorKind::Invalid, &parts);
    assert_eq!(store.left().len(), 2);
    assert_eq!(store.yard.fake.requests().len(), 3);
}

#[test]
fn deletions_keep_a_pace_and_wait_longer_for_limits_than_what_somebody_waits_for() {
    let store = Store::new(4);
    for number in FIRST..FIRST + 3 {
        store.delete(number).unwrap();
    }
    assert_eq!(store.yard.waited(), Duration::from_millis(2 * 340));
    let store = Store::new(2);
    store.yard.fails(DELETE, &[Fault::SecondaryLimit(Some(14 * 60))]);
    store.delete(FIRST).unwrap();
    assert_eq!(store.yard.waited(), Duration::from_secs(14 * 60));
    let now = u64::try_from(store.yard.clock.now().unix_millis() / 1000).unwrap();
    store.yard.fails(LIST, &[Fault::PrimaryLimit(now + 3_600)]);
    refused(
        store.packages.versions(&store.app),
        ErrorKind::Transient,
        &[
            "API rate limit exceeded",
            "waits 900 seconds at most; try again then",
        ],
    );
}

#[test]
fn a_limit_that_packages_met_holds_for_the_repository_too() {
    let store = Store::new(2);
    store.yard.fails(DELETE, &[Fault::SecondaryLimit(Some(1_000))]);
    refused(
        store.delete(FIRST),
        ErrorKind::Transient,
        &["secondary rate limit"],
    );
    let asked = store.yard.fake.requests().len();
    refused(
        store.yard.github.of_run(42),
        ErrorKind::Transient,
        &["is used up until"],
    );
    assert_eq!(store.yard.fake.requests().len(), asked);
    // One with another token knows nothing of it.
    let other: Arc<Connection> = connected(&store.yard.fake.url(), store.yard.clock.clone()).unwrap();
    GitHubPackages::new(other)
        .delete_version(&store.app, FIRST)
        .unwrap();
}

#[test]
fn a_signal_ends_the_wait_before_a_deletion() {
    let store = Store::new(3);
    store.delete(FIRST).unwrap();
    store
        .yard
        .clock
        .interrupt_after(Duration::from_millis(100), "SIGTERM");
    refused(
        store.delete(FIRST + 1),
        ErrorKind::Transient,
        &["interrupted by SIGTERM"],
    );
    assert_eq!(store.left(), [FIRST + 1, FIRST + 2]);
}

//! GitHub's registry: listed and deleted as packages, over a GitHub that is stricter than the real one.

use crate::retention::project::Project;
use crate::retention::repository::Repository;
use crate::support::github::{FakeGitHub, Fault, Package, PackageVersion, Repository as Place};
use greenroom::adapters::forge::github::{Connection, GitHubPackages};
use greenroom::adapters::registry::ghcr;
use greenroom::adapters::registry::ghcr::Ghcr;
use greenroom::adapters::registry::layout::LayoutRegistry;
use greenroom::app::{Context, Workspace};
use greenroom::domain::model::{Digest, ErrorKind, Period, PortError, Secret, Timestamp};
use greenroom::domain::retention::{Needed, Rules};
use greenroom::host::environment::ProcessEnvironment;
use greenroom::host::http::{Client, HttpSettings};
use greenroom::images::{ImageSurvey, Sweep};
use greenroom::ports::{Catalog, Clock, Discard, Packages};
use greenroom::testing::FakeClock;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "ghcr.io/acme/shop/app";
const PACKAGE: &str = "/orgs/acme/packages/container/shop%2Fapp";
const LIST: &str = "packages/get-all-package-versions-for-package-owned-by-org";
const DELETE: &str = "packages/delete-package-version-for-org";

/// The images of an image directory as versions, pushed long ago.
fn versions(registry: &LayoutRegistry, clock: &FakeClock) -> Vec<PackageVersion> {
    let long = Period::from_secs(300 * 86_400).as_millis() as i64;
    let old = Timestamp::from_unix_millis(clock.now().unix_millis() - long).to_string();
    let images = registry.images(NAME).unwrap();
    let numbered = images.iter().zip(1000..);
    numbered
        .map(|(image, number)| {
            let tags: Vec<&str> = image
                .tags
                .iter()
                .map(greenroom::domain::model::Tag::as_str)
                .collect();
            PackageVersion::new(number, image.digest.as_str(), &tags, &old)
        })
        .collect()
}

struct Scene {
    root: tempfile::TempDir,
    clock: Arc<FakeClock>,
    repository: Repository,
    github: FakeGitHub,
}

impl Scene {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::default());
        let mut repository = Repository::new(clock.now(), 30, 5);
        let registry = LayoutRegistry::open(root.path().to_owned());
        repository.push(&registry, NAME);
        let github = FakeGitHub::start(Place {
            packages: vec![Package {
                owner: "acme".to_owned(),
                organization: true,
                name: "shop/app".to_owned(),
                admin: true,
                versions: versions(&registry, &clock),
            }],
            ..Place::default()
        });
        // A version that is deleted is an image less.
        github.with(|state| {
            state.on_delete = Some(Box::new(move |digest| {
                let image = Discard::Manifest(digest.parse().unwrap());
                registry.discard(NAME, &image).unwrap();
            }));
        });
        Self {
            root,
            clock,
            repository,
            github,
        }
    }

    fn layout(&self) -> LayoutRegistry {
        LayoutRegistry::open(self.root.path().to_owned())
    }

    fn registry(&self, token: Option<&str>) -> Ghcr<LayoutRegistry> {
        let variables: BTreeMap<String, String> = token
            .map(|token| ("GITHUB_TOKEN".to_owned(), token.to_owned()))
            .into_iter()
            .collect();
        let (api, clock) = (self.github.url(), Arc::clone(&self.clock));
        let reach = move || -> Result<Arc<dyn Packages>, PortError> {
            let token: Secret = ghcr::token(&variables, None)?;
            let client = Client::new(&HttpSettings::default()).unwrap();
            let connection = Connection::new(client, &api, token, clock.clone())?;
            Ok(Arc::new(GitHubPackages::new(Arc::new(connection))))
        };
        Ghcr::new(self.layout(), Box::new(reach))
    }
}

#[test]
fn versions_are_listed_page_by_page_and_deleted_by_number_within_the_limits() {
    let scene = Scene::new();
    let now = u64::try_from(scene.clock.now().unix_millis() / 1000).unwrap();
    // The primary limit, the secondary one, and a server that stumbles, once before it did something and once
    // after.
    for (operation, fault) in [
        (LIST, Fault::PrimaryLimit(now + 50)),
        (LIST, Fault::SecondaryLimit(Some(7))),
        (LIST, Fault::Page(502)),
        (DELETE, Fault::Page(502)),
        (DELETE, Fault::LostAfter),
    ] {
        scene.github.fail_next(operation, fault);
    }
    let unwanted = scene.repository.those(false);
    let undeletable = unwanted.iter().next().unwrap().to_string();
    scene.github.with(|state| {
        let mut versions = state.repository.packages[0].versions.iter_mut();
        versions
            .find(|version| version.digest == undeletable)
            .unwrap()
            .downloads = 5_001;
    });
    let registry = scene.registry(Some("ghs_swordfish"));
    let rules = Rules {
        keep_last: 10,
        keep_for: "5d".parse().unwrap(),
        grace: "48h".parse().unwrap(),
        environments: vec!["staging".parse().unwrap()],
    };
    let needed: Vec<Needed> = scene
        .repository
        .needed
        .iter()
        .chain(&scene.repository.in_flight)
        .map(|digest| Needed {
            digest: digest.clone(),
            why: "live".to_owned(),
        })
        .collect();
    let needs = || Ok(needed.clone());
    let survey = ImageSurvey::new(Sweep {
        registry: &registry,
        repository: NAME,
        rules: &rules,
        clock: scene.clock.as_ref(),
        connections: 4,
        needed: &needs,
        held: &|| true,
        progress: &|_| (),
    })
    .unwrap();
    assert!(scene.clock.monotonic() >= Duration::from_secs(50 + 7));
    let doomed: Vec<Digest> = survey
        .plan()
        .delete
        .iter()
        .map(|doomed| doomed.digest.clone())
        .collect();
    assert_eq!(
        doomed.iter().cloned().collect::<std::collections::BTreeSet<_>>(),
        scene.repository.those(false)
    );
    let before = scene.clock.monotonic();
    let swept = survey.apply();
    assert!(
        swept.stopped.is_none() && swept.broken.is_empty(),
        "{:?}",
        swept.stopped
    );
    assert_eq!(swept.failed.len(), 1);
    assert!(
        swept.failed[0].why.contains("5,000 downloads"),
        "{}",
        swept.failed[0].why
    );
    assert_eq!(swept.deleted.len() + swept.skipped.len() + 1, doomed.len());
    for left in swept.skipped.iter().chain(&swept.failed) {
        assert!(scene.layout().manifest_is_there(&left.image.digest));
    }
    let took = scene.clock.monotonic() - before;
    assert!(
        took >= Duration::from_millis(340) * (swept.deleted.len() as u32),
        "{took:?}"
    );
    let seen = scene.github.requests();
    assert_eq!(seen[0].path, "/users/acme");
    assert!(
        seen.iter()
            .any(|asked| asked.path == format!("{PACKAGE}/versions") && asked.query["page"] == "2")
    );
}

trait IsThere {
    fn manifest_is_there(&self, digest: &Digest) -> bool;
}

impl IsThere for LayoutRegistry {
    fn manifest_is_there(&self, digest: &Digest) -> bool {
        use greenroom::ports::{Content, Registry as _};
        self.has(NAME, Content::Manifest, digest).unwrap()
    }
}

#[test]
fn refusals_say_what_is_missing() {
    let scene = Scene::new();
    let without = scene.registry(None).images(NAME).unwrap_err();
    assert!(
        without.kind == ErrorKind::Denied && without.to_string().contains("GITHUB_TOKEN"),
        "{without}"
    );
    assert_eq!(without.doing, format!("listing {NAME}"));
    let wrong = scene.registry(Some("wr0ng")).images(NAME).unwrap_err();
    assert!(
        wrong.kind == ErrorKind::Denied && !wrong.to_string().contains("wr0ng"),
        "{wrong}"
    );
    let registry = scene.registry(Some("ghs_swordfish"));
    let absent = registry.images("ghcr.io/nobody/app").unwrap_err();
    assert!(absent.to_string().contains("read:packages"), "{absent}");
    let digest = scene.repository.needed[0].clone();
    // Nothing else has a tag any more.
    scene.github.with(|state| {
        let others = state.repository.packages[0].versions.iter_mut();
        let others = others.filter(|version| version.digest != digest.as_str());
        others.for_each(|version| version.tags.clear());
    });
    let last = registry
        .discard(NAME, &Discard::Manifest(digest.clone()))
        .unwrap_err();
    assert!(
        last.kind == ErrorKind::Invalid && last.to_string().contains("delete the package itself"),
        "{last}"
    );
    assert_eq!(last.doing, format!("deleting {digest} from {NAME}"));
    let tag = Discard::Tag("1.0".parse().unwrap());
    assert_eq!(
        registry.discard(NAME, &tag).unwrap_err().kind,
        ErrorKind::Unsupported
    );
    registry
        .discard(NAME, &Discard::Manifest(Digest::of(b"never there")))
        .unwrap();
}

#[test]
fn a_page_elsewhere_is_not_shown_the_token_and_a_long_limit_is_told() {
    let scene = Scene::new();
    let elsewhere = (
        "link".to_owned(),
        "<http://127.0.0.1:9/x>; rel=\"next\"".to_owned(),
    );
    let answer = Fault::Answer(200, vec![elsewhere], json!([]));
    scene.github.fail_next(LIST, answer);
    let registry = scene.registry(Some("ghs_swordfish"));
    let error = registry.images(NAME).unwrap_err();
    assert!(error.to_string().contains("led to http://127.0.0.1:9"), "{error}");

    let now = u64::try_from(scene.clock.now().unix_millis() / 1000).unwrap();
    scene.github.fail_next(LIST, Fault::PrimaryLimit(now + 3_600));
    let error = registry.images(NAME).unwrap_err();
    let until = scene.clock.now().plus(Period::from_secs(3_601)).to_string();
    assert!(
        error.kind == ErrorKind::Transient && error.to_string().contains(&until),
        "{error}"
    );
}

#[test]
fn a_project_reaches_its_packages_where_the_environment_says_and_tells_what_a_token_lacks() {
    let github = FakeGitHub::start(Place {
        prefix: "/api/v3".to_owned(),
        packages: vec![Package {
            owner: "acme".to_owned(),
            organization: true,
            name: "shop/app".to_owned(),
            admin: true,
            versions: vec![PackageVersion::new(
                1000,
                Digest::of(b"1.0").as_str(),
                &["1.0"],
                "2026-01-02T03:04:05Z",
            )],
        }],
        ..Place::default()
    });
    let project = Project::new(NAME, 5);
    let url = github.url();
    let api = ("GITHUB_API_URL", url.as_str());
    let images = |variables: &[(&str, &str)]| {
        let environment = ProcessEnvironment::of(variables.iter().copied(), "/nowhere");
        let context = Context::new(environment, Arc::new(FakeClock::default()), "greenroom".into());
        let workspace = Workspace::load(&context, Some(&project.path("greenroom.yaml"))).unwrap();
        workspace.registry().images(NAME)
    };
    for token in ["GITHUB_TOKEN", "GREENROOM_REGISTRY_TOKEN"] {
        assert_eq!(images(&[api, (token, "ghs_swordfish")]).unwrap().len(), 1);
    }
    assert_eq!(github.count(LIST), 2);
    let refused = |variables: &[(&str, &str)]| {
        let error = images(variables).unwrap_err();
        assert_eq!(error.doing, format!("listing {NAME}"));
        assert!(!error.to_string().contains("swordfish"), "{error}");
        error.why.to_string()
    };
    assert!(refused(&[api]).contains("set GITHUB_TOKEN or GREENROOM_REGISTRY_TOKEN"));
    github.with(|state| state.repository.permissions = Some(Vec::new()));
    let told = refused(&[api, ("GITHUB_TOKEN", "ghs_swordfish")]);
    assert!(told.contains("`permissions: { packages: write }`"), "{told}");
    let clear = ("GITHUB_API_URL", "http://ghe.test/api/v3");
    assert!(refused(&[clear, ("GITHUB_TOKEN", "ghs_swordfish")]).contains("unencrypted"));
    // Certificates are read when they are needed, and those of GitHub's API have a variable of their own.
    let authority = ("GREENROOM_GITHUB_CA_FILE", "/no/such/file");
    assert!(refused(&[api, authority, ("GITHUB_TOKEN", "ghs_swordfish")]).contains("/no/such/file"));
}

//! GitHub's registry: listed and deleted by its package API, which a server on this machine plays.

use crate::repository::Repository;
use greenroom::images::{Survey, Sweep};
use greenroom::model::{Digest, Period, Secret, Tag};
use greenroom::ports::{Catalog, Clock, Discard, ErrorKind};
use greenroom::registry::ghcr::{Ghcr, GhcrSettings};
use greenroom::registry::layout::LayoutRegistry;
use greenroom::retention::{Needed, Rules};
use greenroom::testing::FakeClock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const NAME: &str = "ghcr.io/acme/shop/app";
const PACKAGE: &str = "/orgs/acme/packages/container/shop%2Fapp";

/// What one request is answered with: status, further headers, body.
type Reply = (u16, Vec<(String, String)>, Value);
type Fault = dyn FnMut(&str, usize) -> Option<Reply> + Send;

/// The API over an image directory.
struct GitHub {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl GitHub {
    /// Starts it. `fault` may answer in its place, given the request and how many came before.
    fn start(root: PathBuf, clock: Arc<FakeClock>, mut fault: Box<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&seen);
        let base = url.clone();
        let thread = std::thread::spawn(move || {
            let mut numbers: BTreeMap<Digest, u64> = BTreeMap::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let Some((request, authorization)) = read(&stream) else {
                    break;
                };
                let count = log.lock().unwrap().len();
                log.lock().unwrap().push(request.clone());
                let reply = if authorization == "Bearer s3cret" {
                    fault(&request, count)
                        .unwrap_or_else(|| answer(&request, &root, &base, clock.as_ref(), &mut numbers))
                } else {
                    (401, Vec::new(), json!({ "message": "Bad credentials" }))
                };
                write(stream, &reply);
            }
        });
        Self {
            url,
            seen,
            thread: Some(thread),
        }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        // A connection without a request ends it.
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(stream: &TcpStream) -> Option<(String, String)> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut authorization = String::new();
    for line in lines.map_while(Result::ok) {
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            value.clone_into(&mut authorization);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut words = first.split(' ');
    Some((format!("{} {}", words.next()?, words.next()?), authorization))
}

fn write(mut stream: TcpStream, (status, headers, body): &Reply) {
    let body = if *status == 204 {
        String::new()
    } else {
        body.to_string()
    };
    let mut text = format!(
        "HTTP/1.1 {status} Status\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
}

fn answer(
    request: &str,
    root: &Path,
    base: &str,
    clock: &dyn Clock,
    numbers: &mut BTreeMap<Digest, u64>,
) -> Reply {
    let registry = LayoutRegistry::open(root.to_owned());
    let not_found = (404, Vec::new(), json!({ "message": "Not Found" }));
    if request == "GET /users/acme" {
        return (
            200,
            Vec::new(),
            json!({ "login": "acme", "type": "Organization" }),
        );
    }
    let images = registry.images(NAME).unwrap();
    for image in &images {
        let next = numbers.len() as u64 + 1000;
        numbers.entry(image.digest.clone()).or_insert(next);
    }
    let versions = format!("{PACKAGE}/versions");
    if let Some(number) = request
        .split_once(&format!("{versions}/"))
        .map(|(_, number)| number)
    {
        let found = images
            .iter()
            .find(|image| numbers[&image.digest].to_string() == number);
        return match (found, request.starts_with("DELETE ")) {
            (Some(image), true) => {
                registry
                    .discard(NAME, &Discard::Manifest(image.digest.clone()))
                    .unwrap();
                (204, Vec::new(), Value::Null)
            }
            (Some(_), false) => (200, Vec::new(), json!({})),
            (None, _) => not_found,
        };
    }
    let Some(page) = request.strip_prefix(&format!("GET {versions}?per_page=100&page=")) else {
        return not_found;
    };
    let page: usize = page.parse().unwrap();
    let old = Timestamps::of(clock);
    let listed: Vec<Value> = images
        .iter()
        .skip(100 * (page - 1))
        .take(100)
        .map(|image| version(numbers[&image.digest], &image.digest, &image.tags, &old))
        .collect();
    let mut headers = Vec::new();
    if images.len() > 100 * page {
        let next = format!("<{base}{versions}?per_page=100&page={}>; rel=\"next\"", page + 1);
        headers.push((
            "Link".to_owned(),
            format!("<{base}/first>; rel=\"first\", {next}"),
        ));
    }
    (200, headers, Value::from(listed))
}

struct Timestamps {
    old: String,
}

impl Timestamps {
    fn of(clock: &dyn Clock) -> Self {
        let long = Period::from_secs(300 * 86_400).as_millis() as i64;
        let old = greenroom::model::Timestamp::from_unix_millis(clock.now().unix_millis() - long);
        Self { old: old.to_string() }
    }
}

/// A version as GitHub's schema has it.
fn version(id: u64, digest: &Digest, tags: &[Tag], times: &Timestamps) -> Value {
    let version = json!({
        "id": id, "name": digest, "url": "https://api.github.com/x", "package_html_url": "https://github.com/x",
        "created_at": times.old, "updated_at": times.old,
        "metadata": { "package_type": "container", "container": { "tags": tags } },
    });
    let schema: Value = serde_json::from_str(include_str!("../fixtures/github/packages.json")).unwrap();
    let schema = &schema["schema"];
    for required in schema["required"].as_array().unwrap() {
        assert!(version.get(required.as_str().unwrap()).is_some(), "{required}");
    }
    for (key, value) in version.as_object().unwrap() {
        let kind = schema["properties"][key]["type"]
            .as_str()
            .unwrap_or_else(|| panic!("{key} is unknown"));
        let fits = match kind {
            "integer" => value.is_u64(),
            "string" => value.is_string(),
            "object" => value.is_object(),
            _ => false,
        };
        assert!(fits, "{key} is no {kind}");
    }
    version
}

struct Scene {
    root: tempfile::TempDir,
    clock: Arc<FakeClock>,
    repository: Repository,
}

impl Scene {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::default());
        let mut repository = Repository::new(clock.now(), 30, 5);
        repository.push(&LayoutRegistry::open(root.path().to_owned()), NAME);
        Self {
            root,
            clock,
            repository,
        }
    }

    fn github(&self, fault: Box<Fault>) -> GitHub {
        GitHub::start(self.root.path().to_owned(), Arc::clone(&self.clock), fault)
    }

    fn layout(&self) -> LayoutRegistry {
        LayoutRegistry::open(self.root.path().to_owned())
    }

    fn registry(&self, github: &GitHub, token: Option<&str>) -> Ghcr<LayoutRegistry> {
        let settings = GhcrSettings {
            api: Some(github.url.clone()),
            token: token.map(|token| Secret::new(token.to_owned())),
            ..GhcrSettings::default()
        };
        Ghcr::new(self.layout(), settings, Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }
}

#[test]
fn versions_are_listed_page_by_page_and_deleted_by_number_within_the_limits() {
    let scene = Scene::new();
    let now = scene.clock.now().unix_millis() / 1000;
    let mut undeletable = None;
    let github = scene.github(Box::new(move |request, count| {
        let limited = |headers: [(&str, String); 2], message: &str| {
            let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
            Some((403, headers, json!({ "message": message })))
        };
        match count {
            // The primary limit, the secondary one, and a server that stumbles.
            1 => limited(
                [
                    ("x-ratelimit-remaining", "0".to_owned()),
                    ("x-ratelimit-reset", (now + 50).to_string()),
                ],
                "API rate limit exceeded",
            ),
            3 => limited(
                [("retry-after", "7".to_owned()), ("x-a", String::new())],
                "You have exceeded a secondary rate limit",
            ),
            5 => Some((502, Vec::new(), json!({ "message": "Server Error" }))),
            _ if request.starts_with("DELETE ") => {
                let first: &String = undeletable.get_or_insert(request.to_owned());
                let message =
                    "Publicly visible package versions with more than 5000 downloads cannot be deleted";
                (first == request).then(|| (400, Vec::new(), json!({ "message": message })))
            }
            _ => None,
        }
    }));
    let registry = scene.registry(&github, Some("s3cret"));
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
    let survey = Survey::new(Sweep {
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
    let seen = github.seen();
    assert_eq!(seen[0], "GET /users/acme");
    assert!(
        seen.contains(&format!("GET {PACKAGE}/versions?per_page=100&page=2")),
        "{seen:?}"
    );
    let described: Value = serde_json::from_str(include_str!("../fixtures/github/packages.json")).unwrap();
    let paths = described["paths"].as_object().unwrap();
    assert!(
        paths["/orgs/{org}/packages/{package_type}/{package_name}/versions"]
            .get("get")
            .is_some()
    );
    let one = "/orgs/{org}/packages/{package_type}/{package_name}/versions/{package_version_id}";
    assert!(paths[one].get("delete").is_some());
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
    let github = scene.github(Box::new(|request, _| {
        let refused = |message: &str| Some((400, Vec::new(), json!({ "message": message })));
        match request {
            request if request.contains("/users/nobody") => {
                Some((404, Vec::new(), json!({ "message": "Not Found" })))
            }
            request if request.starts_with("DELETE ") => {
                refused("You cannot delete the last tagged version of a package.")
            }
            _ => None,
        }
    }));
    let without = scene.registry(&github, None).images(NAME).unwrap_err();
    assert!(
        without.kind == ErrorKind::Denied && without.message.contains("GITHUB_TOKEN"),
        "{without}"
    );
    let wrong = scene.registry(&github, Some("wr0ng")).images(NAME).unwrap_err();
    assert!(
        wrong.kind == ErrorKind::Denied && !wrong.to_string().contains("wr0ng"),
        "{wrong}"
    );
    let registry = scene.registry(&github, Some("s3cret"));
    let absent = registry.images("ghcr.io/nobody/app").unwrap_err();
    assert!(absent.message.contains("read:packages"), "{absent}");
    let digest = scene.repository.needed[0].clone();
    let last = registry.discard(NAME, &Discard::Manifest(digest)).unwrap_err();
    assert!(
        last.kind == ErrorKind::Invalid && last.message.contains("delete the package itself"),
        "{last}"
    );
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
    let github = scene.github(Box::new(|request, _| {
        let link = (
            "Link".to_owned(),
            "<http://127.0.0.1:9/steal>; rel=\"next\"".to_owned(),
        );
        request
            .contains("/versions?")
            .then(|| (200, vec![link], json!([])))
    }));
    let error = scene.registry(&github, Some("s3cret")).images(NAME).unwrap_err();
    assert!(error.message.contains("led to http://127.0.0.1:9"), "{error}");

    let now = scene.clock.now().unix_millis() / 1000;
    let github = scene.github(Box::new(move |request, _| {
        let remaining = ("x-ratelimit-remaining".to_owned(), "0".to_owned());
        let reset = ("x-ratelimit-reset".to_owned(), (now + 3_600).to_string());
        let body = json!({ "message": "API rate limit exceeded" });
        request
            .contains("/versions?")
            .then(|| (429, vec![remaining, reset], body))
    }));
    let error = scene.registry(&github, Some("s3cret")).images(NAME).unwrap_err();
    assert!(
        error.kind == ErrorKind::Transient && error.message.contains("3601 seconds"),
        "{error}"
    );
}

//! docker, with a daemon and a registry of its own for each test.

use super::services::{Dockerd, asked};
use super::yard::{CONTAINERFILE, Yard, interrupt};
use crate::support::daemon::Daemon;
use crate::support::ran::Ran;
use crate::support::waiting::eventually;
use serde_json::Value;

const SECRET: &str = "swordfish-of-the-daemon";

/// A project whose image goes to the registry, with `programs` on the path.
fn yard(daemon: Option<&Dockerd>, registry: &Daemon, more: &str, programs: &[&str]) -> Yard {
    let mut yard = Yard::new(
        &format!("repository: {}/acme/app\n{more}", registry.address),
        programs,
    );
    if let Some(daemon) = daemon {
        yard.variables.push(("DOCKER_HOST".into(), daemon.socket()));
    }
    yard.commit();
    yard
}

/// What skopeo reads of an image in the registry.
fn inspect(yard: &Yard, registry: &Daemon, what: &[&str], reference: &str) -> Value {
    let reference = format!("docker://{}/acme/app{reference}", registry.address);
    yard.skopeo(&[&["inspect", "--tls-verify=false"], what, &[&reference]].concat())
}

/// The tags in the registry, but for the one that docker needs to push at all.
fn tags(registry: &Daemon) -> Vec<String> {
    let mut all = asked(registry, "/v2/acme/app/tags/list");
    let list = all["tags"].take();
    let list = list.as_array().cloned().unwrap_or_default();
    let list = list.iter().filter_map(Value::as_str);
    list.filter(|tag| !tag.starts_with("greenroom-"))
        .map(str::to_owned)
        .collect()
}

const SMOKE: &str = "smoke: { port: 8080, startup: 20s }";

#[test]
fn docker_builds_pushes_tries_out_and_tags() {
    let (daemon, registry) = (Dockerd::start(), Daemon::open());
    let more = format!(
        "build: {{ dockerfile: {{ args: {{ GREETING: hello-from-args }}, secrets: {{ npm: {{ env: NPM_TOKEN }} }} }} }}\n{SMOKE}"
    );
    let mut yard = yard(Some(&daemon), &registry, &more, &["docker"]);
    yard.variables.push(("NPM_TOKEN".into(), SECRET.into()));
    let secret = "RUN --mount=type=secret,id=npm [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox wc -c < /run/secrets/npm > /www/size\"]\nEXPOSE";
    yard.write("Containerfile", CONTAINERFILE.replace("EXPOSE", secret));
    let built = yard.must();
    assert_eq!(built["made"]["builder"], "docker");
    assert!(built["made"]["startup"].is_string(), "{built}");
    let digest = built["image"]["digest"].as_str().unwrap();
    for tag in built["tags"].as_array().unwrap() {
        let seen = inspect(&yard, &registry, &[], &format!(":{}", tag.as_str().unwrap()));
        assert_eq!(seen["Digest"], digest);
        assert_eq!(seen["Labels"]["org.opencontainers.image.title"], "app");
        assert_eq!(
            seen["Labels"]["org.opencontainers.image.created"],
            "2026-11-20T23:50:19.000Z"
        );
    }
    let config = inspect(&yard, &registry, &["--config"], &format!("@{digest}"));
    assert!(config["history"].as_array().unwrap().len() > 3 && !config.to_string().contains(SECRET));
    let words = yard.words();
    assert!(words.contains("<--build-arg> <GREETING>"), "{words}");
    assert!(
        !words.contains(SECRET) && !words.contains("hello-from-args"),
        "{words}"
    );
    // This registry takes out no single tags, which is said.
    assert!(
        built["made"]["note"]
            .as_str()
            .unwrap()
            .contains("docker cannot push without a tag")
    );
    // No tag that is wanted was ever given to docker, and nothing of it is left there.
    for tag in built["tags"].as_array().unwrap() {
        assert!(!words.contains(tag.as_str().unwrap()), "{words}");
    }
    assert_eq!(daemon.docker(&["ps", "-aq"]).0, "");
    assert!(!daemon.docker(&["images"]).0.contains("greenroom-"));
    yard.is_clean();
}

#[test]
fn what_does_not_answer_gets_no_tag() {
    let (daemon, registry) = (Dockerd::start(), Daemon::open());
    let smoke = "smoke: { port: 8080, path: /nowhere, startup: 1s }";
    let slow = yard(Some(&daemon), &registry, smoke, &["docker"]);
    let done = slow.build(&[]);
    assert_eq!(done.status, 9, "{}", done.err);
    assert!(
        done.err.contains("answered 404") && done.err.contains("  started"),
        "{}",
        done.err
    );
    assert_eq!(tags(&registry), Vec::<String>::new());
    assert_eq!(daemon.docker(&["ps", "-aq"]).0, "");

    let ends = yard(Some(&daemon), &registry, SMOKE, &["docker"]);
    let ending = "CMD [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox echo no licence; exit 12\"]\n";
    let (before, _) = CONTAINERFILE.split_once("CMD").unwrap();
    ends.write("Containerfile", format!("{before}{ending}"));
    let done = ends.build(&[]);
    assert_eq!(done.status, 9, "{}", done.err);
    assert!(
        done.err.contains("it exited with 12") && done.err.contains("  no licence"),
        "{}",
        done.err
    );
    assert_eq!(tags(&registry), Vec::<String>::new());
    assert_eq!(daemon.docker(&["ps", "-aq"]).0, "");
    ends.is_clean();
}

#[test]
fn ctrl_c_during_the_smoke_test_removes_the_container() {
    let (daemon, registry) = (Dockerd::start(), Daemon::open());
    let smoke = "smoke: { port: 8080, path: /nowhere, startup: 5m }";
    let yard = yard(Some(&daemon), &registry, smoke, &["docker"]);
    let child = yard.command(&["build", "-e", "staging"]).spawn().unwrap();
    eventually("the container", || !daemon.docker(&["ps", "-q"]).0.is_empty());
    interrupt(&child);
    let done = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(done.status, 130, "{}", done.err);
    assert_eq!(daemon.docker(&["ps", "-aq"]).0, "");
    assert_eq!(tags(&registry), Vec::<String>::new());
    yard.is_clean();
}

#[test]
fn a_registry_that_asks_who_it_is_is_told() {
    let (daemon, registry) = (Dockerd::start(), Daemon::with_htpasswd());
    let mut yard = yard(Some(&daemon), &registry, SMOKE, &["docker"]);
    let refused = yard.build(&[]);
    assert_ne!(refused.status, 0);
    for (name, value) in [("USERNAME", "ci"), ("PASSWORD", "s3cret")] {
        yard.variables
            .push((format!("GREENROOM_REGISTRY_{name}"), value.to_owned()));
    }
    let built = yard.must();
    let credentials = ["--creds", "ci:s3cret"];
    let digest = built["image"]["digest"].as_str().unwrap();
    let seen = inspect(
        &yard,
        &registry,
        &credentials,
        &format!(":{}", built["tags"][0].as_str().unwrap()),
    );
    assert_eq!(seen["Digest"], digest);
    assert!(!yard.words().contains("s3cret"));
    assert!(
        !yard.root(".docker/config.json").exists(),
        "a login was left behind"
    );
    yard.is_clean();
}

#[test]
fn buildah_stores_in_a_registry_without_a_tag_that_nobody_wants() {
    let registry = Daemon::open();
    let yard = yard(None, &registry, "", &["buildah"]);
    let built = yard.must();
    let digest = built["image"]["digest"].as_str().unwrap();
    let list = asked(&registry, "/v2/acme/app/tags/list");
    let mut found: Vec<&str> = list["tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut wanted: Vec<&str> = built["tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    assert_eq!(
        inspect(&yard, &registry, &[], &format!(":{}", wanted[0]))["Digest"],
        digest
    );
    // Again: there already, and the same.
    assert_eq!(yard.must()["image"]["digest"], digest);
    yard.is_clean();
}

#[test]
fn without_docker_and_podman_there_is_no_smoke_test_and_no_tag() {
    let registry = Daemon::open();
    let yard = yard(None, &registry, SMOKE, &["buildah"]);
    let done = yard.build(&[]);
    assert_eq!(done.status, 3, "{}", done.err);
    assert!(done.err.contains("needs docker or podman"), "{}", done.err);
    assert_eq!(tags(&registry), Vec::<String>::new());
}

#[test]
fn files_on_an_image_of_dockers_stay_in_its_words() {
    let (daemon, registry) = (Dockerd::start(), Daemon::open());
    let yard = yard(Some(&daemon), &registry, "", &["docker"]);
    let base = yard.must();
    let files = format!(
        "repository: {0}/acme/app\n  build: {{ files: {{ base: \"{1}@{2}\", layers: [{{ from: staging.yaml, to: /app/ }}], entrypoint: [/bin/busybox, httpd, -f, -p, \"8080\", -h, /www], ports: [8080] }} }}\n  {SMOKE}",
        registry.address,
        base["image"]["repository"].as_str().unwrap(),
        base["image"]["digest"].as_str().unwrap(),
    );
    yard.write(
        "greenroom.yaml",
        format!(
            "service: app\nversion: {{ value: 1.3.0 }}\nimage:\n  {files}\nenvironments: [staging.yaml]\n"
        ),
    );
    let built = yard.must();
    let digest = built["image"]["digest"].as_str().unwrap();
    let manifest = inspect(&yard, &registry, &["--raw"], &format!("@{digest}"));
    assert_eq!(
        manifest["mediaType"],
        "application/vnd.docker.distribution.manifest.v2+json"
    );
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 3);
    assert!(
        built["made"]["startup"].is_string(),
        "the daemon runs what was put together: {built}"
    );
}

#[test]
fn files_on_a_base_of_the_same_registry() {
    let registry = Daemon::open();
    let yard = yard(None, &registry, "", &["buildah"]);
    let base = yard.must();
    let pipeline = format!(
        "service: app\nversion: {{ value: 1.2.3 }}\nimage:\n  repository: {0}/acme/other\n  build: {{ files: {{ base: \"{0}/acme/app:{1}\", layers: [{{ from: staging.yaml, to: /app/ }}], entrypoint: [/bin/busybox, sh] }} }}\nenvironments: [staging.yaml]\n",
        registry.address,
        base["tags"][0].as_str().unwrap(),
    );
    yard.write("greenroom.yaml", pipeline);
    let built = yard.must();
    let reference = format!(
        "docker://{}/acme/other@{}",
        registry.address,
        built["image"]["digest"].as_str().unwrap()
    );
    let manifest = yard.skopeo(&["inspect", "--tls-verify=false", "--raw", &reference]);
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 2);
    assert_eq!(
        manifest["annotations"]["org.opencontainers.image.base.digest"],
        base["image"]["digest"]
    );
    let copy = yard.root("copy").display().to_string();
    yard.skopeo(&[
        "copy",
        "--src-tls-verify=false",
        &reference,
        &format!("dir:{copy}"),
    ]);
}

#[test]
fn a_commands_push_to_a_registry_is_checked_there() {
    let registry = Daemon::open();
    let mut yard = yard(None, &registry, "", &["buildah"]);
    let made = yard.must();
    let digest = made["image"]["digest"].as_str().unwrap();
    for (written, status) in [(digest.to_owned(), 0), (format!("sha256:{}", "0".repeat(64)), 3)] {
        let pipeline = format!(
            "service: app\nversion: {{ value: 1.2.4 }}\nimage:\n  repository: {}/acme/app\n  build: {{ command: {{ run: [/bin/sh, -c, \"mkdir -p out; echo {written} > out/digest\"], digestFile: out/digest }} }}\nenvironments: [staging.yaml]\n",
            registry.address
        );
        yard.write("greenroom.yaml", pipeline);
        yard.variables.push(("PATH".into(), super::yard::SYSTEM.into()));
        let done = yard.build(&[]);
        assert_eq!(done.status, status, "{}", done.err);
        if status != 0 {
            assert!(
                done.err.contains("its digest is not in the registry"),
                "{}",
                done.err
            );
        }
    }
}

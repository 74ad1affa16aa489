//! buildah and podman, into the project's own store.

use super::yard::{CONTAINERFILE, Yard, interrupt};
use crate::support::ran::Ran;
use crate::support::waiting::eventually;
use std::fs;

const SECRET: &str = "swordfish-of-the-registry";

fn dockerfile(more: &str) -> String {
    format!("repository: acme/app\nbuild: {{ dockerfile: {{ {more} }} }}")
}

/// A Containerfile that reads a secret, and writes down how long it is.
fn with_secret() -> String {
    CONTAINERFILE.replace(
        "EXPOSE",
        "RUN --mount=type=secret,id=npm [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox wc -c < /run/secrets/npm > /www/size\"]\nEXPOSE",
    )
}

#[test]
fn buildah_builds_with_arguments_labels_and_secrets_that_stay_out_of_sight() {
    let more = "args: { GREETING: hello-from-args }, secrets: { npm: { env: NPM_TOKEN } }";
    let mut yard = Yard::new(&dockerfile(more), &["buildah"]);
    yard.variables.push(("NPM_TOKEN".into(), SECRET.into()));
    yard.write("Containerfile", with_secret());
    yard.commit();
    let built = yard.must();
    assert_eq!(built["made"]["builder"], "buildah");
    let tag = built["tags"][0].as_str().unwrap();
    let reference = yard.store("acme/app", tag);
    let image = built["image"]["digest"].as_str().unwrap();
    let seen = yard.skopeo(&["inspect", &reference]);
    assert_eq!(seen["Digest"], image);
    let label = |name: &str| seen["Labels"][format!("org.opencontainers.image.{name}")].clone();
    assert_eq!(label("title"), "app");
    assert_eq!(label("version"), "1.2.3");
    assert_eq!(label("created"), "2026-11-20T23:50:19.000Z");
    assert_eq!(label("revision").as_str().unwrap().len(), 40);
    assert_eq!(seen["Created"], "2026-11-20T23:50:19Z");

    // The secret was there, and is nowhere.
    let config = yard.skopeo(&["inspect", "--config", &reference]);
    assert!(config["history"].as_array().unwrap().len() > 3);
    assert!(!config.to_string().contains(SECRET));
    let words = yard.words();
    assert!(
        words.contains("<--build-arg> <GREETING>") && words.contains("<--secret> <id=npm,env="),
        "{words}"
    );
    assert!(
        !words.contains(SECRET) && !words.contains("hello-from-args"),
        "{words}"
    );
    let unpacked = yard.root("unpacked");
    yard.skopeo(&["copy", &reference, &format!("dir:{}", unpacked.display())]);
    let mut files = std::collections::BTreeMap::new();
    for entry in fs::read_dir(&unpacked).unwrap().flatten() {
        let bytes = fs::read(entry.path()).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        for file in archive.entries().into_iter().flatten().flatten() {
            let path = file.path().unwrap().display().to_string();
            files.insert(path, std::io::read_to_string(file).unwrap_or_default());
        }
    }
    assert_eq!(files["www/health"], "hello-from-args\n");
    assert_eq!(files["www/size"].trim(), SECRET.len().to_string());
    assert!(!files.values().any(|content| content.contains(SECRET)));
    yard.is_clean();
    assert_eq!(yard.images(), "");
}

#[test]
fn the_same_commit_gives_the_same_digest_by_buildah() {
    let digest = || {
        let yard = Yard::new(&dockerfile("args: { GREETING: same }"), &["buildah"]);
        yard.commit();
        yard.must()["image"]["digest"].clone()
    };
    let first = digest();
    let second = digest();
    assert_eq!(first, second);
}

#[test]
fn podman_builds_where_it_is_asked_for() {
    let yard = Yard::new(&dockerfile("builder: podman"), &["buildah", "podman"]);
    let built = yard.must();
    assert_eq!(built["made"]["builder"], "podman");
    assert!(!yard.words().contains("buildah <build>"), "{}", yard.words());
    assert_eq!(
        yard.tags("acme/app").len(),
        built["tags"].as_array().unwrap().len()
    );
    yard.is_clean();
}

#[test]
fn several_platforms_make_an_index() {
    let yard = Yard::new(&dockerfile("platforms: [linux/amd64, linux/arm64]"), &["buildah"]);
    yard.write(
        "Containerfile",
        "FROM scratch\nCOPY busybox /bin/busybox\nCMD [\"/bin/busybox\"]\n",
    );
    let built = yard.must();
    let reference = yard.store("acme/app", built["tags"][0].as_str().unwrap());
    let index = yard.skopeo(&["inspect", "--raw", &reference]);
    let platforms: Vec<&str> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|child| child["platform"]["architecture"].as_str())
        .collect();
    assert_eq!(platforms, ["amd64", "arm64"]);
    let copy = yard.root("copy");
    yard.skopeo(&["copy", "--all", &reference, &format!("dir:{}", copy.display())]);
    yard.is_clean();
    assert_eq!(yard.images(), "");
}

#[test]
fn a_build_that_fails_shows_its_last_lines_and_leaves_no_tag() {
    let yard = Yard::new(&dockerfile(""), &["buildah"]);
    let failing =
        "RUN [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox echo the disk is purple; exit 7\"]\nEXPOSE";
    yard.write("Containerfile", CONTAINERFILE.replace("EXPOSE", failing));
    let done = yard.build(&[]);
    assert_eq!(done.status, 3, "{}", done.err);
    assert!(done.err.contains("the disk is purple"), "{}", done.err);
    assert!(done.err.contains("buildah build exited with"), "{}", done.err);
    assert_eq!(yard.tags("acme/app"), Vec::<String>::new());
    yard.is_clean();
    // What the builder writes is shown as it comes only where it is wanted.
    let quiet = Yard::new(&dockerfile(""), &["buildah"]);
    assert!(!quiet.build(&[]).err.contains("STEP"));
    let verbose = Yard::new(&dockerfile(""), &["buildah"]);
    assert!(verbose.build(&["-v"]).err.contains("  build | STEP 1"));
}

#[test]
fn without_a_builder_it_says_what_was_looked_for() {
    let yard = Yard::new(&dockerfile(""), &[]);
    let done = yard.build(&[]);
    assert_eq!(done.status, 3);
    for program in ["docker buildx: ", "docker: ", "buildah: ", "podman: "] {
        assert!(done.err.contains(program), "{program}\n{}", done.err);
    }
    assert!(done.err.contains("is not in PATH"), "{}", done.err);
    let asked = Yard::new(&dockerfile("builder: podman"), &["buildah"]);
    let done = asked.build(&[]);
    assert!(
        done.err.contains("podman is not in PATH") && !done.err.contains("buildah:"),
        "{}",
        done.err
    );
    let missing = Yard::new(&dockerfile("file: deploy/Containerfile"), &["buildah"]);
    let done = missing.build(&[]);
    assert!(
        done.err.contains("deploy/Containerfile does not exist"),
        "{}",
        done.err
    );
}

#[test]
fn a_docker_without_a_daemon_is_no_docker() {
    let mut yard = Yard::new(&dockerfile(""), &["docker", "buildah"]);
    let socket = yard.root("no.sock").display().to_string();
    yard.variables
        .push(("DOCKER_HOST".into(), format!("unix://{socket}")));
    assert_eq!(yard.must()["made"]["builder"], "buildah");
    let asked = yard.path("greenroom.yaml");
    let text = fs::read_to_string(&asked)
        .unwrap()
        .replace("dockerfile: {", "dockerfile: { builder: docker");
    fs::write(&asked, text).unwrap();
    let done = yard.build(&[]);
    assert_eq!(done.status, 3);
    assert!(
        done.err.contains("Cannot connect") && done.err.contains(&socket),
        "{}",
        done.err
    );
}

#[test]
fn what_no_builder_here_can_do_is_refused_before_anything_runs() {
    let yard = Yard::new(&dockerfile("provenance: min"), &["buildah"]);
    let done = yard.build(&[]);
    assert_eq!(done.status, 3);
    assert!(
        done.err.contains("it makes no attestations (provenance, sbom)"),
        "{}",
        done.err
    );
    assert!(!yard.words().contains("<build>"));
}

#[test]
fn ctrl_c_ends_the_builder_and_leaves_nothing() {
    let yard = Yard::new(&dockerfile(""), &["buildah"]);
    // No other process sleeps for just as long.
    let sleep = format!("3600.{}", std::process::id());
    let waiting = format!("RUN [\"/bin/busybox\", \"sleep\", \"{sleep}\"]\nEXPOSE");
    yard.write("Containerfile", CONTAINERFILE.replace("EXPOSE", &waiting));
    let child = yard.command(&["build", "-e", "staging"]).spawn().unwrap();
    eventually("the sleep of the build", || sleeps(&sleep));
    interrupt(&child);
    let done = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(done.status, 130, "{}", done.err);
    assert!(
        done.err.contains("interrupted by SIGINT") && !done.err.contains("greenroom resume"),
        "no rollout had begun: {}",
        done.err
    );
    eventually("the end of its processes", || {
        yard.processes().is_empty() && !sleeps(&sleep)
    });
    let containers = yard.run("buildah", &["containers", "--noheading"]);
    assert_eq!((containers.out.trim(), yard.images().as_str()), ("", ""));
    assert_eq!(yard.tags("acme/app"), Vec::<String>::new());
    yard.is_clean();
}

/// Whether a process runs that was told to sleep for so long.
fn sleeps(long: &str) -> bool {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let mut words = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    words.any(|words| String::from_utf8_lossy(&words) == format!("/bin/busybox\0sleep\0{long}\0"))
}

#[test]
fn a_build_that_takes_too_long_is_ended() {
    let yard = Yard::new(&dockerfile("timeout: 2s"), &["buildah"]);
    let waiting = "RUN [\"/bin/busybox\", \"sleep\", \"300\"]\nEXPOSE";
    yard.write("Containerfile", CONTAINERFILE.replace("EXPOSE", waiting));
    let done = yard.build(&[]);
    assert_eq!(done.status, 3);
    assert!(done.err.contains("did not end within 2s"), "{}", done.err);
    eventually("the end of its processes", || yard.processes().is_empty());
    yard.is_clean();
}

#[test]
fn an_image_of_the_own_store_is_tried_out_as_a_process() {
    let smoke = "smoke: { port: 8080, startup: 20s, variables: { ROOT: www } }";
    let yard = Yard::new(&format!("{}\n{smoke}", dockerfile("")), &["buildah"]);
    let built = yard.must();
    assert!(
        built["made"]["startup"].as_str().is_some() || built["made"]["startup"].is_number(),
        "{built}"
    );
    assert_eq!(
        yard.tags("acme/app").len(),
        built["tags"].as_array().unwrap().len()
    );
    yard.is_clean();

    let sick = Yard::new(
        &format!(
            "{}\n{}",
            dockerfile(""),
            smoke.replace("20s", "1s").replace("www", "nowhere")
        ),
        &["buildah"],
    );
    let done = sick.build(&[]);
    assert_eq!(done.status, 9, "{}", done.err);
    assert!(
        done.err.contains("failed, so it got no tag") && done.err.contains("  started"),
        "{}",
        done.err
    );
    assert_eq!(sick.tags("acme/app"), Vec::<String>::new());
    sick.is_clean();
}

#[test]
fn the_smoke_tests_command_decides_too() {
    let smoke = |command: &str| {
        format!(
            "{}\nsmoke: {{ port: 8080, variables: {{ ROOT: www }}, command: {command} }}",
            dockerfile("")
        )
    };
    let good = Yard::new(
        &smoke("[sh, -c, 'busybox wget -qO- $GREENROOM_URL/health | busybox grep none']"),
        &["buildah"],
    );
    std::os::unix::fs::symlink("/bin/sh", good.root("bin/sh")).unwrap();
    std::os::unix::fs::symlink(good.path("busybox"), good.root("bin/busybox")).unwrap();
    good.must();
    let bad = Yard::new(&smoke("[sh, -c, 'echo it lacks salt; exit 3']"), &["buildah"]);
    std::os::unix::fs::symlink("/bin/sh", bad.root("bin/sh")).unwrap();
    let done = bad.build(&[]);
    assert_eq!(done.status, 9, "{}", done.err);
    assert!(done.err.contains("it lacks salt"), "{}", done.err);
    assert_eq!(bad.tags("acme/app"), Vec::<String>::new());
    bad.is_clean();
}

//! docker buildx, which Debian does not have: a program that answers as buildx does, checks its words,
//! and gives out an image that buildah made.

use super::services::asked;
use super::yard::{SYSTEM, Yard};
use crate::support::daemon::Daemon;

/// `docker` with the plugin: version, inspect and build of buildx 0.11 with the driver `$DRIVER`.
fn pretend(yard: &Yard, driver: &str, version: &str) {
    let log = yard.root("words");
    let script = format!(
        r#"#!/bin/sh
PATH={SYSTEM}
case "$1 $2" in
"buildx version") echo "github.com/docker/buildx {version} 9872040"; exit 0;;
"buildx inspect") printf 'Name: b\nDriver: {driver}\n'; exit 0;;
"buildx build") ;;
*) echo "Cannot connect to the Docker daemon" >&2; exit 1;;
esac
{{ printf 'docker'; for word; do printf ' <%s>' "$word"; done; echo; }} >> {log}
while [ $# -gt 0 ]; do
  case "$1" in
  --output) dest=$(echo "$2" | tr ',' '\n' | sed -n 's/^dest=//p'); name=$(echo "$2" | tr ',' '\n' | sed -n 's/^name=//p');;
  --metadata-file) metadata=$2;;
  esac
  shift
done
test "$GREETING" = hello && test "$SOURCE_DATE_EPOCH" -gt 0 || {{ echo "the variables are missing" >&2; exit 1; }}
echo "exporting to oci"
to="oci:$dest:x"
[ -z "$name" ] || to="docker://$name:pushed"
skopeo copy -q --dest-tls-verify=false --digestfile "$metadata.digest" "oci:{made}" "$to" || exit 1
[ ! -e {lie} ] || cp {lie} "$metadata.digest"
printf '{{"buildx.build.ref":"b/b0/x","containerimage.config.digest":"sha256:0","containerimage.digest":"%s"}}' "$(cat "$metadata.digest")" > "$metadata"
"#,
        log = log.display(),
        made = yard.root("made").display(),
        lie = yard.root("lie").display(),
    );
    yard.program("bin/docker", script);
}

fn yard(more: &str) -> Yard {
    yard_for("acme/app", more)
}

fn yard_for(repository: &str, more: &str) -> Yard {
    let image = format!(
        "repository: {repository}\nbuild: {{ dockerfile: {{ args: {{ GREETING: hello }} {more} }} }}"
    );
    let yard = Yard::new(&image, &[]);
    yard.commit();
    let built = yard.run("buildah", &["build", "--tag", "localhost/made", "."]);
    assert_eq!(built.status, 0, "{}", built.err);
    let made = format!("oci:{}", yard.root("made").display());
    let pushed = yard.run("buildah", &["push", "localhost/made", &made]);
    assert_eq!(pushed.status, 0, "{}", pushed.err);
    yard
}

#[test]
fn buildx_comes_first_and_is_told_what_it_may_not_add() {
    let yard = yard("");
    pretend(&yard, "docker-container", "v0.11.2");
    let built = yard.must();
    assert_eq!(built["made"]["builder"], "docker buildx");
    let words = yard.words();
    for expected in [
        "<--provenance=false>",
        "<--sbom=false>",
        "<--build-arg> <GREETING>",
        "<--progress=plain>",
        "<--label> <org.opencontainers.image.version=1.2.3>",
    ] {
        assert!(words.contains(expected), "{expected}\n{words}");
    }
    for tag in built["tags"].as_array().unwrap() {
        assert!(
            !words.contains(tag.as_str().unwrap()),
            "a wanted tag was given away\n{words}"
        );
    }
    yard.is_clean();
}

#[test]
fn buildx_pushes_by_digest_and_is_not_believed() {
    let registry = Daemon::open();
    let yard = yard_for(&format!("{}/acme/app", registry.address), "");
    pretend(&yard, "docker-container", "v0.11.2");
    yard.must();
    let output = format!(
        "<--output> <type=image,name={}/acme/app,push=true,push-by-digest=true,name-canonical=true,oci-mediatypes=true,",
        registry.address
    );
    assert!(yard.words().contains(&output), "{}", yard.words());
    let before = asked(&registry, "/v2/acme/app/tags/list");
    std::fs::write(yard.root("lie"), format!("sha256:{}", "0".repeat(64))).unwrap();
    let done = yard.build(&[]);
    assert_eq!(done.status, 3);
    assert!(
        done.err.contains("its digest is not in the registry"),
        "{}",
        done.err
    );
    assert_eq!(asked(&registry, "/v2/acme/app/tags/list"), before);
}

#[test]
fn buildx_is_asked_for_attestations_by_name() {
    let yard = yard(", provenance: max, sbom: true, platforms: [linux/amd64, linux/arm64]");
    pretend(&yard, "docker-container", "v0.11.2");
    yard.must();
    let words = yard.words();
    for expected in [
        "<--provenance=mode=max>",
        "<--sbom=true>",
        "<--platform> <linux/amd64,linux/arm64>",
    ] {
        assert!(words.contains(expected), "{expected}\n{words}");
    }
}

#[test]
fn a_buildx_that_cannot_push_by_digest_or_is_too_old_is_passed_over() {
    for (driver, version, reason) in [
        ("docker", "v0.11.2", "docker buildx create --use"),
        ("docker-container", "v0.9.1", "v0.9.1 is too old"),
    ] {
        let yard = yard(", builder: buildx");
        pretend(&yard, driver, version);
        let done = yard.build(&[]);
        assert_eq!(done.status, 3);
        assert!(done.err.contains(reason), "{}", done.err);
        assert!(!yard.words().contains("<buildx>"));
    }
}

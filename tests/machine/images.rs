//! Images: built from files, kept in OCI layouts, read and written by skopeo as well.

use greenroom::adapters::builder::files::{Base, FilesBuilder, FilesImage, LayerSource};
use greenroom::adapters::registry::layout::LayoutRegistry;
use greenroom::domain::model::{Artifact, Digest, ErrorKind, Tag, Timestamp};
use greenroom::host::platform::Platform;
use greenroom::ports::{BuildRequest, Builder, Catalog, Registry};
use greenroom::testing::registry::registry_contract;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn request(tags: &[&str]) -> BuildRequest {
    BuildRequest {
        repository: "acme/app".into(),
        tags: tags.iter().map(|text| tag(text)).collect(),
        labels: BTreeMap::from([
            ("org.opencontainers.image.version".to_owned(), "1.2.3".to_owned()),
            ("team".to_owned(), "green".to_owned()),
        ]),
        created: "2026-11-20T23:50:19Z".parse().unwrap(),
    }
}

/// A directory with a program, a file, a link and an empty directory, made in the given order.
fn dist(root: &Path, names: [&str; 2]) -> PathBuf {
    let dist = root.join("dist");
    fs::create_dir_all(dist.join("empty")).unwrap();
    fs::create_dir_all(dist.join("bin")).unwrap();
    for name in names {
        fs::write(dist.join(name), format!("#!/bin/sh\n# {name}\n")).unwrap();
    }
    fs::set_permissions(dist.join("bin/server"), fs::Permissions::from_mode(0o700)).unwrap();
    symlink("../readme", dist.join("bin/readme")).unwrap();
    dist
}

fn image(from: PathBuf) -> FilesImage {
    FilesImage {
        base: Base::Scratch,
        layers: vec![LayerSource {
            from,
            to: "/app".into(),
        }],
        entrypoint: vec!["/app/bin/server".into()],
        command: vec!["--quiet".into()],
        env: BTreeMap::from([("LEVEL".to_owned(), "info".to_owned())]),
        working_directory: Some("/app".into()),
        ports: vec![8080],
        user: Some("1000".into()),
        platforms: Vec::new(),
    }
}

fn build(root: &Path, image: FilesImage, tags: &[&str]) -> Artifact {
    let registry = Arc::new(LayoutRegistry::open(root.join("images")));
    FilesBuilder::new(image, registry, root.join("staging"))
        .build(&request(tags))
        .unwrap()
}

/// The usual image with these tags, in a directory of its own.
fn built(tags: &[&str]) -> (TempDir, Artifact) {
    let root = tempfile::tempdir().unwrap();
    let built = build(
        root.path(),
        image(dist(root.path(), ["readme", "bin/server"])),
        tags,
    );
    (root, built)
}

fn skopeo(arguments: &[&str]) -> String {
    let output = Command::new("skopeo")
        .args(arguments)
        .output()
        .expect("skopeo is needed: apt-get install skopeo");
    assert!(
        output.status.success(),
        "skopeo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_layout_keeps_the_contract_of_a_registry() {
    let root = tempfile::tempdir().unwrap();
    let registry = LayoutRegistry::open(root.path().join("images"));
    for repository in ["app", "ghcr.io:443/acme/app"] {
        registry_contract(&registry, repository).unwrap();
    }
}

#[test]
fn skopeo_reads_what_was_built() {
    let (root, built) = built(&["1.2.3", "latest"]);
    let layout = root.path().join("images/acme/app");
    let reference = format!("oci:{}:1.2.3", layout.display());

    let seen: Value = serde_json::from_str(&skopeo(&["inspect", &reference])).unwrap();
    assert_eq!(seen["Digest"], built.digest.as_str());
    assert_eq!(seen["Created"], "2026-11-20T23:50:19Z");
    assert_eq!(seen["Labels"]["team"], "green");
    assert_eq!(seen["Architecture"], Platform::host().architecture.as_str());
    let config: Value = serde_json::from_str(&skopeo(&["inspect", "--config", &reference])).unwrap();
    insta::assert_snapshot!(config["config"], @r#"{"Cmd":["--quiet"],"Entrypoint":["/app/bin/server"],"Env":["LEVEL=info"],"ExposedPorts":{"8080/tcp":{}},"Labels":{"org.opencontainers.image.version":"1.2.3","team":"green"},"User":"1000","WorkingDir":"/app"}"#);

    // A copy checks every digest, and the format by a second implementation.
    let copy = root.path().join("copy");
    skopeo(&["copy", &reference, &format!("dir:{}", copy.display())]);
    let manifest = fs::read(copy.join("manifest.json")).unwrap();
    assert_eq!(Digest::of(&manifest), built.digest);
}

#[test]
fn what_skopeo_writes_is_read() {
    let (root, built) = built(&["one"]);
    let from = format!("oci:{}:one", root.path().join("images/acme/app").display());
    for name in ["copied", "again"] {
        let to = format!("oci:{}:{name}", root.path().join("images/other").display());
        skopeo(&["copy", &from, &to]);
    }
    let registry = LayoutRegistry::open(root.path().join("images"));
    assert_eq!(registry.tags("other").unwrap(), [tag("again"), tag("copied")]);
    let digest = registry.resolve("other", &tag("copied")).unwrap().unwrap();
    assert_eq!(digest, built.digest);
    let manifest: Value = serde_json::from_slice(&registry.manifest("other", &digest).unwrap()).unwrap();
    let layer: Digest = manifest["layers"][0]["digest"].as_str().unwrap().parse().unwrap();
    let mut content = Vec::new();
    registry
        .blob("other", &layer)
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    assert_eq!(manifest["layers"][0]["size"], content.len());

    // And a tag of greenroom's is added to skopeo's layout.
    let bytes = registry.manifest("other", &digest).unwrap();
    registry.push_manifest("other", &bytes, &[tag("third")]).unwrap();
    let third = format!("oci:{}:third", root.path().join("images/other").display());
    assert!(skopeo(&["inspect", &third]).contains(built.digest.as_str()));
    assert_eq!(registry.tags("other").unwrap().len(), 3);
}

#[test]
fn the_same_input_gives_the_same_digest_and_another_time_another_one() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = build(one.path(), image(dist(one.path(), ["readme", "bin/server"])), &[]);
    let second = build(
        two.path(),
        image(dist(two.path(), ["bin/server", "readme"])),
        &["x"],
    );
    assert_eq!(first, second);
    let registry = Arc::new(LayoutRegistry::open(two.path().join("images")));
    let later = BuildRequest {
        created: Timestamp::from_unix_millis(0),
        ..request(&[])
    };
    let third = FilesBuilder::new(
        image(two.path().join("dist")),
        registry,
        two.path().join("staging"),
    )
    .build(&later)
    .unwrap();
    assert_ne!(third.digest, first.digest);
    assert_eq!(
        fs::read_dir(two.path().join("staging")).unwrap().count(),
        0,
        "nothing staged is left"
    );
}

#[test]
fn a_layer_holds_the_files_as_root_with_plain_modes() {
    let (root, built) = built(&["t"]);
    let registry = LayoutRegistry::open(root.path().join("images"));
    let manifest: Value =
        serde_json::from_slice(&registry.manifest("acme/app", &built.digest).unwrap()).unwrap();
    let layer: Digest = manifest["layers"][0]["digest"].as_str().unwrap().parse().unwrap();
    let blob = registry.blob("acme/app", &layer).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(blob));
    let listing: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), 1_795_218_619);
            format!("{:o} {}", header.mode().unwrap(), entry.path().unwrap().display())
        })
        .collect();
    insta::assert_snapshot!(listing.join("\n"), @r"
    755 app/
    755 app/bin/
    777 app/bin/readme
    755 app/bin/server
    755 app/empty/
    644 app/readme
    ");
}

#[test]
fn what_cannot_go_into_an_image_is_refused_with_the_reason() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    for folder in ["empty/inner", "escaping", "socket"] {
        fs::create_dir_all(path(folder)).unwrap();
    }
    symlink("../../secret", path("escaping/link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path("socket/s")).unwrap();
    fs::write(path("file"), "x").unwrap();
    let refused = |from: &str, to: &str| {
        let mut image = image(path(from));
        image.layers[0].to = to.into();
        let registry = Arc::new(LayoutRegistry::open(path("images")));
        let error = FilesBuilder::new(image, registry, path("staging"))
            .build(&request(&[]))
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        error.to_string().replace(root.path().to_str().unwrap(), "ROOT")
    };
    insta::assert_snapshot!(refused("absent", "/app"), @"building acme/app: ROOT/absent does not exist; build it before the image");
    insta::assert_snapshot!(refused("empty", "/app"), @"building acme/app: ROOT/empty holds no file; build it before the image");
    insta::assert_snapshot!(refused("escaping", "/app"), @"building acme/app: the symbolic link ROOT/escaping/link leads out of ROOT/escaping (to ../../secret); copy what it points at instead");
    insta::assert_snapshot!(refused("socket", "/app"), @"building acme/app: ROOT/socket/s is a device, socket or pipe, and an image holds files, directories and symbolic links");
    insta::assert_snapshot!(refused("file", "/app/../../etc"), @r#"building acme/app: "/app/../../etc" is not a path in an image; write an absolute one without '..', like /app"#);
    assert!(matches!("debian:12".parse::<Base>().unwrap(), Base::Image(name) if name.tag == Some(tag("12"))));
    assert!("Not An Image".parse::<Base>().is_err());
}

#[test]
fn a_damaged_blob_is_found_at_the_end_of_the_stream() {
    let (root, built) = built(&["t"]);
    let registry = LayoutRegistry::open(root.path().join("images"));
    let file = root
        .path()
        .join("images/acme/app/blobs/sha256")
        .join(built.digest.hex());
    let mut bytes = fs::read(&file).unwrap();
    bytes[10] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let mut stream = registry.blob("acme/app", &built.digest).unwrap();
    assert!(stream.read_to_end(&mut Vec::new()).is_err());
    let error = registry.manifest("acme/app", &built.digest).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn many_writers_lose_no_tag() {
    let (root, built) = built(&[]);
    let bytes = LayoutRegistry::open(root.path().join("images"))
        .manifest("acme/app", &built.digest)
        .unwrap();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (root, bytes) = (root.path(), &bytes);
            scope.spawn(move || {
                let registry = LayoutRegistry::open(root.join("images"));
                for number in 0..10 {
                    let tags = [tag(&format!("w{writer}-{number}"))];
                    registry.push_manifest("acme/app", bytes, &tags).unwrap();
                }
            });
        }
    });
    let registry = LayoutRegistry::open(root.path().join("images"));
    assert_eq!(registry.tags("acme/app").unwrap().len(), 80);
}

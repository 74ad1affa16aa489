//! Copies between real registries and the project's own store, and copies that are killed.

use super::image::{Writer, assert_whole, whole};
use crate::support::daemon::{Daemon, run};
use crate::support::ran::greenroom;
use greenroom::adapters::registry::layout::LayoutRegistry;
use greenroom::adapters::registry::oci::OciRegistry;
use greenroom::domain::model::{Digest, Tag};
use greenroom::domain::oci::Manifest;
use greenroom::ports::{Catalog, Content, Registry as _};
use serde_json::Value;
use std::io::Read as _;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

/// What it says, as JSON; it has to succeed.
fn must(directory: &Path, words: &[&str]) -> Value {
    let output = greenroom(directory, &[words, &["--format", "json"]].concat())
        .output()
        .unwrap();
    let (out, err) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "{words:?}: {}{err}",
        String::from_utf8_lossy(out)
    );
    serde_json::from_slice(out).unwrap()
}

/// The digest that skopeo computes from the raw bytes.
fn by_skopeo(reference: &str) -> Digest {
    let words = [
        "inspect",
        "--raw",
        "--tls-verify=false",
        &format!("docker://{reference}"),
    ];
    Digest::of(&run("skopeo", &words))
}

#[test]
fn an_image_goes_from_registry_to_registry_and_through_the_store_unchanged() {
    let (one, two) = (Daemon::open(), Daemon::open());
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (one.client(false), two.client(false));
    let source = one.repository("acme/app");
    let image = whole(&first, &source, &[tag("1.2.3")]);
    let from = format!("{source}:1.2.3");
    let store = LayoutRegistry::open(directory.path().join(".greenroom/images"));
    let [neighbour, other, back] = [
        one.repository("other/app"),
        two.repository("acme/app"),
        two.repository("from/store"),
    ];
    let route: [(&str, &str, &dyn Catalog); 4] = [
        (&from, &neighbour, &first),
        (&from, &other, &second),
        (&from, "acme/app", &store),
        ("acme/app:1.2.3", &back, &second),
    ];
    for (from, to, catalog) in route {
        let said = must(directory.path(), &["image", "copy", from, to]);
        assert_eq!(said["digest"], image.index.as_str(), "{said}");
        assert_eq!(said["attached"].as_array().unwrap().len(), 7, "{said}");
        assert_whole(catalog, to, &image);
        assert_eq!(
            catalog.resolve(to, &tag("1.2.3")).unwrap().as_ref(),
            Some(&image.index)
        );
        // Nothing of it is stored twice, nor asked for a tag that is right.
        let again = must(directory.path(), &["image", "copy", from, to]);
        assert_eq!(
            (&again["wasThere"], &again["manifestsStored"]),
            (&true.into(), &0.into()),
            "{again}"
        );
        assert_eq!(again["tagsUnmoved"][0], "1.2.3");
    }
    // Within a registry blobs are mounted, and not sent.
    let said = must(
        directory.path(),
        &["image", "copy", &from, &one.repository("third/app")],
    );
    assert_eq!(
        (&said["blobsSent"], &said["bytesSent"]),
        (&0.into(), &0.into()),
        "{said}"
    );
    for repository in [&neighbour, &other, &back] {
        assert_eq!(by_skopeo(&format!("{repository}:1.2.3")), image.index);
    }
}

#[test]
fn skopeo_copies_all_of_what_was_copied_and_the_other_way_round() {
    let (one, two) = (Daemon::open(), Daemon::open());
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (one.client(false), two.client(false));
    // An index without an index in it: that skopeo does not know.
    let (index, _) = many_layers(&first, &one.repository("flat"));
    let [flat, copied] = [two.repository("flat"), one.repository("skopeo")];
    must(
        directory.path(),
        &["image", "copy", &format!("{}:1", one.repository("flat")), &flat],
    );
    let words = [
        "copy",
        "--all",
        "--preserve-digests",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
    ];
    let ends = [format!("docker://{flat}:1"), format!("docker://{copied}:1")];
    run("skopeo", &[&words[..], &[&ends[0], &ends[1]]].concat());
    assert_eq!(by_skopeo(&format!("{copied}:1")), index);
    let returned = two.repository("returned");
    must(
        directory.path(),
        &["image", "copy", &format!("{copied}:1"), &returned],
    );
    read_all(&second, &returned, &index);
}

#[test]
fn tags_are_moved_listed_and_shown_without_a_project() {
    let one = Daemon::open();
    let directory = tempfile::tempdir().unwrap();
    let client = one.client(false);
    let repository = one.repository("acme/app");
    let image = whole(&client, &repository, &[tag("1.2.3")]);
    let named = format!("{repository}:1.2.3");
    let preview = must(
        directory.path(),
        &["image", "tag", &named, "1", "1.2", "1.2.3", "--dry-run"],
    );
    assert_eq!(preview["tags"][0]["now"], Value::Null);
    assert_eq!(
        client.resolve(&repository, &tag("1")).unwrap(),
        None,
        "a dry run touches nothing"
    );
    let said = must(
        directory.path(),
        &["image", "tag", &named, "1", "1.2", "1.2.3", "latest"],
    );
    assert_eq!(said["tagsMoved"], serde_json::json!(["1", "1.2", "latest"]));
    assert_eq!(said["tagsUnmoved"], serde_json::json!(["1.2.3"]));
    for name in ["1", "1.2", "latest"] {
        assert_eq!(
            client.resolve(&repository, &tag(name)).unwrap().as_ref(),
            Some(&image.index)
        );
    }
    let listed = must(directory.path(), &["image", "list", &repository, "--long"]);
    let latest = listed["images"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["tag"] == "latest")
        .unwrap();
    assert_eq!(latest["digest"], image.index.as_str());
    assert_eq!(latest["created"], "2026-11-21T10:00:00.000Z");
    let shown = must(directory.path(), &["image", "show", &named]);
    assert_eq!(shown["version"], "1.2.3");
    assert_eq!(shown["parts"].as_array().unwrap().len(), 4, "{shown}");
    let attached = shown["attached"].as_array().unwrap();
    assert!(
        attached
            .iter()
            .any(|one| one["artifactType"] == "application/spdx+json"),
        "{shown}"
    );
}

#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    for (words, status, says) in [
        (
            vec!["image", "show", "acme/app"],
            2,
            "names no image\n  fix: add a tag or a digest",
        ),
        (vec!["image", "list", "127.0.0.1:1/nothing"], 5, "127.0.0.1:1"),
        (vec!["image", "show", "nothing:1"], 3, "there is no such tag"),
    ] {
        let output = greenroom(directory.path(), &words).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{words:?}: {err}");
        assert!(err.contains(says), "{words:?}: {err}");
    }
}

/// Blobs of the image that is killed on its way.
const LAYERS: usize = 24;
/// How often copies are killed.
const KILLS: usize = 50;

#[test]
fn a_copy_that_is_killed_shows_no_wrong_tag_and_is_finished_by_the_next() {
    let (one, two) = (Daemon::open(), Daemon::open());
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (one.client(false), two.client(false));
    let source = one.repository("acme/app");
    let (index, layers) = many_layers(&first, &source);
    let from = format!("{source}:1");
    let begun = Instant::now();
    must(
        directory.path(),
        &["image", "copy", &from, &two.repository("measured")],
    );
    let whole = begun.elapsed();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut kills, mut finished, mut round) = (0, 0, 0);
    while kills < KILLS {
        round += 1;
        let repository = two.repository(&format!("round{round}"));
        let to = format!("{repository}:1");
        for _ in 0..5 {
            let child = greenroom(directory.path(), &["image", "copy", &from, &to])
                .spawn()
                .unwrap();
            let after = whole.mul_f64(f64::from(random.next()) / f64::from(u32::MAX));
            if !killed(child, after) {
                break;
            }
            kills += 1;
            if let Some(named) = second.resolve(&repository, &tag("1")).unwrap() {
                assert_eq!(named, index, "a tag leads to the right image or is not there");
                read_all(&second, &repository, &named);
            }
        }
        let lacks = |(digest, _): &&(Digest, u64)| !second.has(&repository, Content::Blob, digest).unwrap();
        let missing: u64 = layers.iter().filter(lacks).map(|(_, size)| size).sum();
        let said = must(directory.path(), &["image", "copy", &from, &to]);
        assert_eq!(said["digest"], index.as_str());
        // What is tiny is sent without asking first.
        let sent = said["bytesSent"].as_u64().unwrap();
        assert!(
            (missing..missing + 10_000).contains(&sent),
            "what is there is not sent again: {missing} {said}"
        );
        assert_eq!(
            second.resolve(&repository, &tag("1")).unwrap().as_ref(),
            Some(&index)
        );
        read_all(&second, &repository, &index);
        finished += 1;
    }
    assert!(finished >= KILLS / 5);
}

/// An index of two images with many layers each, some of them shared; the layers with their sizes.
fn many_layers(client: &OciRegistry, repository: &str) -> (Digest, Vec<(Digest, u64)>) {
    let mut writer = Writer::new(client, repository);
    let layer = |number: usize| vec![u8::try_from(number).unwrap(); 30_000 + number];
    let images: Vec<Value> = [("amd64", 0), ("arm64", 10)]
        .into_iter()
        .map(|(architecture, first)| {
            let layers: Vec<Vec<u8>> = (first..first + LAYERS / 2).map(layer).collect();
            let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
            writer.image(architecture, &layers, &[])
        })
        .collect();
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": greenroom::domain::oci::media::INDEX, "manifests": images,
    });
    let index = writer.manifest(&index, &[tag("1")]);
    writer.about(&index, "application/x-signature", b"signature", &[]);
    let layers = (0..10 + LAYERS / 2).map(layer);
    let layers = layers
        .map(|layer| (Digest::of(&layer), layer.len() as u64))
        .collect();
    (index["digest"].as_str().unwrap().parse().unwrap(), layers)
}

/// Reads every manifest and every blob; each is checked against its digest.
fn read_all(catalog: &dyn Catalog, repository: &str, digest: &Digest) {
    let bytes = catalog.manifest(repository, digest).unwrap();
    let manifest = Manifest::parse(&bytes).unwrap();
    for blob in manifest.blobs() {
        let mut content = Vec::new();
        catalog
            .blob(repository, &blob.digest)
            .unwrap()
            .read_to_end(&mut content)
            .unwrap();
        assert_eq!(content.len() as u64, blob.size);
    }
    for child in manifest.children() {
        read_all(catalog, repository, &child.digest);
    }
    let about = catalog.referrers(repository, digest).unwrap();
    for referrer in about {
        read_all(catalog, repository, &referrer.digest);
    }
}

/// Kills the process (SIGKILL) after this time; false when it was quicker.
fn killed(mut child: Child, after: Duration) -> bool {
    let (_nobody, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(after);
    if child.try_wait().unwrap().is_some() {
        return false;
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

/// The same numbers in every run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }
}

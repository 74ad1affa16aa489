//! Images are copied whole, byte for byte, and in an order that never leaves a tag on something incomplete.

use super::image::{Writer, assert_whole, whole};
use super::spy::{Signalled, Spy};
use greenroom::adapters::registry::layout::LayoutRegistry;
use greenroom::domain::model::{Digest, ErrorKind, Tag};
use greenroom::domain::oci::media;
use greenroom::images::{
    CONNECTIONS, Copied, CopyError, CopySource, Destination, Meter, Options, Which, copy, describe, retag,
};
use greenroom::ports::{Catalog, Clock, Registry as _};
use greenroom::testing::registry::MemoryRegistry;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn run(
    catalog: &dyn Catalog,
    from: (&str, Which<'_>),
    to: (&str, &[Tag]),
    with: (bool, bool, Arc<dyn Clock>),
) -> Result<Copied, CopyError> {
    let (attached, deep, clock) = with;
    let source = CopySource {
        repository: from.0,
        image: from.1,
    };
    let destination = Destination {
        repository: to.0,
        tags: to.1,
    };
    let options = Options {
        connections: CONNECTIONS,
        attached,
        deep,
        meter: &Meter::new(clock),
    };
    copy(catalog, &source, &destination, &options)
}

fn quiet() -> Arc<dyn Clock> {
    Arc::new(Signalled::default())
}

fn copy_all(catalog: &dyn Catalog, from: (&str, Which<'_>), to: (&str, &[Tag])) -> Result<Copied, CopyError> {
    run(catalog, from, to, (true, false, quiet()))
}

#[test]
fn everything_goes_along_byte_for_byte_and_tags_come_last() {
    let directory = tempfile::tempdir().unwrap();
    let (memory, layout) = (
        MemoryRegistry::default(),
        LayoutRegistry::open(directory.path().to_owned()),
    );
    for catalog in [&memory as &dyn Catalog, &layout] {
        let image = whole(catalog, "acme/app", &[tag("1.2.3")]);
        let spy = Spy::new(catalog);
        let (from, tags) = (tag("1.2.3"), [tag("1.2.3"), tag("latest")]);
        let copied = copy_all(&spy, ("acme/app", Which::Tag(&from)), ("other/app", &tags)).unwrap();
        assert_eq!(copied.digest, image.index);
        assert!(!copied.was_there);
        assert_eq!(copied.manifests, image.manifests.len() as u64);
        assert_eq!(copied.attached.len(), 7, "five by subject, two by tag");
        assert_eq!(copied.moved, tags);
        assert_eq!(copied.notes, [] as [&str; 0]);
        assert_whole(catalog, "other/app", &image);
        let stored = spy.stored.lock().unwrap().clone();
        let place = |what: &str| stored.iter().position(|stored| stored == what).unwrap();
        let index = place(image.index.as_str());
        for digest in &image.manifests[1..] {
            let attached = copied.attached.contains(digest);
            assert_eq!(place(digest.as_str()) > index, attached, "{digest}");
        }
        let last: BTreeSet<&str> = stored[stored.len() - 4..].iter().map(String::as_str).collect();
        assert_eq!(last, BTreeSet::from([image.index.as_str(), "1.2.3", "latest"]));
        let blobs = spy.count("push_blob");
        assert_eq!(blobs, image.blobs.len(), "each blob once");
    }
}

#[test]
fn what_is_there_is_not_sent_again() {
    let memory = MemoryRegistry::default();
    let image = whole(&memory, "acme/app", &[tag("1.2.3")]);
    let (from, tags) = (tag("1.2.3"), [tag("1.2.3")]);
    copy_all(&memory, ("acme/app", Which::Tag(&from)), ("other/app", &tags)).unwrap();
    let spy = Spy::new(&memory);
    let again = copy_all(&spy, ("acme/app", Which::Tag(&from)), ("other/app", &tags)).unwrap();
    assert!(again.was_there);
    assert_eq!((again.manifests, again.blobs_sent, again.bytes_sent), (0, 0, 0));
    assert_eq!((again.moved, again.unmoved), (Vec::new(), tags.to_vec()));
    assert_eq!(
        (
            spy.count("push_blob"),
            spy.count("push_manifest"),
            spy.count("blob")
        ),
        (0, 0, 0)
    );
    assert_eq!(
        again.attached.len(),
        7,
        "and all that hangs off it is known to be there"
    );
    // Without what hangs off it two requests say it all.
    let spy = Spy::new(&memory);
    run(
        &spy,
        ("acme/app", Which::Tag(&from)),
        ("other/app", &tags),
        (false, false, quiet()),
    )
    .unwrap();
    assert_eq!((spy.total(), spy.count("resolve")), (2, 2));
    assert_whole(&memory, "other/app", &image);
}

#[test]
fn only_tags_move_within_a_repository() {
    let memory = MemoryRegistry::default();
    let image = whole(&memory, "acme/app", &[tag("staging-latest")]);
    let spy = Spy::new(&memory);
    let tags: Vec<Tag> = (0..100).map(|n| tag(&format!("t{n}"))).collect();
    let source = CopySource {
        repository: "acme/app",
        image: Which::Digest(&image.index),
    };
    let options = Options {
        connections: CONNECTIONS,
        attached: true,
        deep: false,
        meter: &Meter::new(quiet()),
    };
    let copied = retag(&spy, &source, &tags, &options).unwrap();
    assert_eq!(copied.moved, tags);
    assert_eq!(
        (
            spy.count("manifest"),
            spy.count("push_manifest"),
            spy.count("push_blob")
        ),
        (1, 100, 0)
    );
    for tag in &tags {
        assert_eq!(
            memory.resolve("acme/app", tag).unwrap().as_ref(),
            Some(&image.index)
        );
    }
    let again = retag(&spy, &source, &tags, &options).unwrap();
    assert_eq!((again.moved, again.unmoved), (Vec::new(), tags));
    assert_eq!(spy.count("push_manifest"), 100);
}

#[test]
fn no_more_requests_run_at_once_than_are_allowed() {
    let memory = MemoryRegistry::default();
    let mut writer = Writer::new(&memory, "acme/app");
    let layers: Vec<Vec<u8>> = (0..200_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    writer.image("amd64", &layers, &[tag("1")]);
    let spy = Spy::new(&memory);
    copy_all(
        &spy,
        ("acme/app", Which::Tag(&tag("1"))),
        ("other/app", &[tag("1")]),
    )
    .unwrap();
    assert_eq!(spy.count("push_blob"), 201);
    assert!(spy.peak.load(Ordering::SeqCst) <= CONNECTIONS);
}

#[test]
fn a_copy_that_dies_at_any_request_shows_no_tag_and_the_next_one_finishes_it() {
    let memory = MemoryRegistry::default();
    let image = whole(&memory, "acme/app", &[tag("1.2.3")]);
    let (from, tags) = (tag("1.2.3"), [tag("1.2.3"), tag("latest")]);
    let mut failures = 0;
    for left in 0.. {
        let repository = format!("other/app{left}");
        let spy = Spy::new(&memory);
        spy.left.store(left, Ordering::SeqCst);
        let died = copy_all(&spy, ("acme/app", Which::Tag(&from)), (&repository, &tags)).is_err();
        for tag in tags.iter().chain(&image.tags) {
            let named = memory.resolve(&repository, tag).unwrap();
            if let Some(named) = named {
                complete(&memory, &repository, &named);
            }
        }
        if !died {
            break;
        }
        failures += 1;
        copy_all(&memory, ("acme/app", Which::Tag(&from)), (&repository, &tags)).unwrap();
        assert_whole(&memory, &repository, &image);
    }
    assert!(failures > 40, "{failures}");
}

/// Everything that the manifest names is there.
fn complete(catalog: &dyn Catalog, repository: &str, digest: &Digest) {
    let bytes = catalog.manifest(repository, digest).unwrap();
    let manifest = greenroom::domain::oci::Manifest::parse(&bytes).unwrap();
    for blob in manifest.blobs() {
        catalog.blob(repository, &blob.digest).unwrap();
    }
    for child in manifest.children() {
        complete(catalog, repository, &child.digest);
    }
}

#[test]
fn a_signal_ends_a_copy_before_any_tag() {
    let memory = MemoryRegistry::default();
    whole(&memory, "acme/app", &[tag("1")]);
    let clock = Arc::new(Signalled::default());
    clock.0.store(true, Ordering::SeqCst);
    let (from, tags) = (tag("1"), [tag("1")]);
    let ended = run(
        &memory,
        ("acme/app", Which::Tag(&from)),
        ("other/app", &tags),
        (true, false, clock),
    );
    let error = ended.unwrap_err();
    assert!(matches!(error, CopyError::Interrupted(_)), "{error}");
    assert_eq!(memory.resolve("other/app", &tags[0]).unwrap(), None);
}

#[test]
fn a_part_that_the_destination_lost_is_found_by_looking_deeper() {
    let directory = tempfile::tempdir().unwrap();
    let layout = LayoutRegistry::open(directory.path().to_owned());
    let image = whole(&layout, "acme/app", &[tag("1")]);
    let (from, tags) = (tag("1"), [tag("1")]);
    copy_all(&layout, ("acme/app", Which::Tag(&from)), ("other/app", &tags)).unwrap();
    let lost = directory
        .path()
        .join("other/app/blobs/sha256")
        .join(image.blobs[1].hex());
    std::fs::remove_file(&lost).unwrap();
    let again = copy_all(&layout, ("acme/app", Which::Tag(&from)), ("other/app", &tags)).unwrap();
    assert!(again.was_there && !lost.exists());
    let deep = run(
        &layout,
        ("acme/app", Which::Tag(&from)),
        ("other/app", &tags),
        (true, true, quiet()),
    );
    assert_eq!(deep.unwrap().blobs_sent, 1);
    assert_whole(&layout, "other/app", &image);
}

#[test]
fn a_foreign_layer_stays_where_it_is_and_a_signature_that_the_source_lacks_is_kept() {
    let memory = MemoryRegistry::default();
    let mut writer = Writer::new(&memory, "acme/app");
    let config = writer.blob(media::CONFIG, b"{}");
    let foreign = json!({
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": Digest::of(b"elsewhere"), "size": 9, "urls": ["https://example.com/layer"],
    });
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media::MANIFEST, "config": config, "layers": [foreign],
    });
    let image = writer.manifest(&manifest, &[tag("1")]);
    let digest: Digest = image["digest"].as_str().unwrap().parse().unwrap();
    let signature = greenroom::domain::oci::attachment_tags(&digest)[1].clone();
    let nobody = serde_json::Value::Null;
    writer.about(&nobody, media::CONFIG, b"ours", std::slice::from_ref(&signature));
    let mut other = Writer::new(&memory, "other/app");
    other.about(
        &nobody,
        media::CONFIG,
        b"theirs",
        std::slice::from_ref(&signature),
    );
    let theirs = memory.resolve("other/app", &signature).unwrap();
    let copied = copy_all(
        &memory,
        ("acme/app", Which::Tag(&tag("1"))),
        ("other/app", &[tag("1")]),
    )
    .unwrap();
    assert!(copied.notes[0].contains("was left alone"), "{:?}", copied.notes);
    assert_eq!(memory.resolve("other/app", &signature).unwrap(), theirs);
    assert_eq!(memory.resolve("other/app", &tag("1")).unwrap(), Some(digest));
}

#[test]
fn what_is_not_there_is_said() {
    let memory = MemoryRegistry::default();
    let image = whole(&memory, "acme/app", &[tag("1")]);
    let missing = copy_all(
        &memory,
        ("acme/app", Which::Tag(&tag("2"))),
        ("other/app", &[tag("2")]),
    );
    let CopyError::Port(error) = missing.unwrap_err() else {
        panic!("a port's error")
    };
    assert_eq!(error.kind, ErrorKind::Missing);
    assert_eq!(error.to_string(), "reading acme/app:2: there is no such tag");
    // Listed as attached and gone: the image itself is whole.
    let gone = memory.referrers("acme/app", &image.index).unwrap()[0]
        .digest
        .clone();
    let mut listing = Spy::new(&memory);
    listing.gone = Some(gone.clone());
    let copied = copy_all(
        &listing,
        ("acme/app", Which::Tag(&tag("1"))),
        ("other/app", &[tag("1")]),
    )
    .unwrap();
    assert!(copied.notes[0].contains(gone.as_str()), "{:?}", copied.notes);
    assert!(!copied.attached.contains(&gone));
}

#[test]
fn an_image_is_described_with_all_that_hangs_off_it() {
    let memory = MemoryRegistry::default();
    let image = whole(&memory, "acme/app", &[tag("1")]);
    let described = describe(&memory, "acme/app", &image.index, CONNECTIONS).unwrap();
    assert_eq!(described.version, Some("1.2.3".parse().unwrap()));
    assert_eq!(described.created, Some("2026-11-21T10:00:00Z".parse().unwrap()));
    let platforms: Vec<_> = described
        .parts
        .iter()
        .map(|part| part.platform.as_deref().unwrap())
        .collect();
    assert_eq!(
        platforms,
        ["linux/amd64", "unknown/unknown", "linux/arm64", "unknown/unknown"]
    );
    assert_eq!(
        described
            .attached
            .iter()
            .filter(|attached| attached.tag.is_some())
            .count(),
        2
    );
    assert!(
        described.size > 100_000 && described.size < 110_000,
        "the shared layer counts once"
    );
}

//! Retention over repositories small enough to see through, and over generated ones.

use super::*;
use crate::domain::model::Digest;
use crate::domain::oci::{Manifest, attachment_tags, fallback_tag, media};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const NOW: &str = "2026-11-21T12:00:00Z";

fn rules() -> Rules {
    Rules {
        keep_last: 2,
        keep_for: "10d".parse().unwrap(),
        grace: "48h".parse().unwrap(),
        environments: vec!["staging".parse().unwrap()],
    }
}

fn descriptor(digest: &Digest) -> Value {
    json!({ "mediaType": media::MANIFEST, "digest": digest, "size": 1 })
}

/// An image with one layer of 100 bytes, or an index, with a subject if there is one.
fn found(name: &str, tags: &[&str], children: &[&Digest], subject: Option<&Digest>) -> FoundManifest {
    let mut manifest = if children.is_empty() {
        let layer =
            json!({ "mediaType": media::LAYER_GZIP, "digest": Digest::of(name.as_bytes()), "size": 100 });
        json!({ "schemaVersion": 2, "config": descriptor(&Digest::of(b"config")), "layers": [layer] })
    } else {
        let children: Vec<Value> = children.iter().map(|child| descriptor(child)).collect();
        json!({ "schemaVersion": 2, "manifests": children })
    };
    manifest["annotations"] = json!({ "name": name });
    if let Some(subject) = subject {
        manifest["subject"] = descriptor(subject);
    }
    let bytes = manifest.to_string().into_bytes();
    FoundManifest {
        digest: Digest::of(&bytes),
        tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
        pushed: None,
        created: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        content: ManifestContent::Manifest(Box::new(Manifest::parse(&bytes).unwrap())),
    }
}

fn missing(content: &[u8]) -> FoundManifest {
    FoundManifest {
        digest: Digest::of(content),
        tags: Vec::new(),
        pushed: None,
        created: None,
        content: ManifestContent::Missing,
    }
}

fn build(day: u32) -> String {
    format!("staging-v1.0.{day}-202611{day:02}-120000-abc123d")
}

fn planned(inventory: &[FoundManifest], needed: &[Needed]) -> PrunePlan {
    plan(inventory, needed, &rules(), NOW.parse().unwrap()).unwrap()
}

fn goes(plan: &PrunePlan) -> BTreeSet<&Digest> {
    plan.delete.iter().map(|doomed| &doomed.digest).collect()
}

#[test]
fn the_newest_the_young_the_needed_and_other_tags_stay() {
    let builds: Vec<FoundManifest> = (1..=15)
        .map(|day| found(&format!("b{day}"), &[&build(day)], &[], None))
        .collect();
    let mut inventory = builds.clone();
    inventory.push(found("released", &["1.0.3", &build(3)], &[], None));
    inventory.push(found("latest", &["staging-latest"], &[], None));
    let needed = [Needed {
        digest: builds[0].digest.clone(),
        why: "live in production".to_owned(),
    }];
    let plan = planned(&inventory, &needed);
    // The 1st is live; 12 to 15 are younger than ten days (the last two among them).
    let expected: BTreeSet<&Digest> = builds[1..11].iter().map(|found| &found.digest).collect();
    assert_eq!(goes(&plan), expected);
    assert_eq!(plan.freed, 1000);
    let reasons: BTreeMap<&Digest, &str> = plan
        .keep
        .iter()
        .map(|kept| (&kept.digest, kept.why.as_str()))
        .collect();
    assert_eq!(reasons[&builds[0].digest], "live in production");
    assert_eq!(reasons[&builds[14].digest], "one of the last 2 of staging");
    assert_eq!(reasons[&builds[11].digest], "built for staging less than 10d ago");
    assert_eq!(reasons[&inventory[15].digest], "has the tag 1.0.3");
}

#[test]
fn the_tag_of_a_push_keeps_nothing() {
    let old = "staging-v1-20260101-120000-abc123d";
    let inventory = [
        found(
            "pushed under a name",
            &[old, "greenroom-0123456789abcdef"],
            &[],
            None,
        ),
        found("a person's", &[old, "greenroom-2"], &[], None),
    ];
    let mut rules = rules();
    rules.keep_last = 0;
    let plan = plan(&inventory, &[], &rules, NOW.parse().unwrap()).unwrap();
    assert_eq!(goes(&plan), BTreeSet::from([&inventory[0].digest]));
}

#[test]
fn an_image_that_was_tagged_again_counts_once() {
    let again: Vec<String> = (1..=5).map(build).collect();
    let again: Vec<&str> = again.iter().map(String::as_str).collect();
    let inventory = [
        found("again", &again, &[], None),
        found("other", &["staging-v0.9-20261001-120000-abc123d"], &[], None),
        found("third", &["staging-v0.8-20260901-120000-abc123d"], &[], None),
    ];
    assert_eq!(
        goes(&planned(&inventory, &[])),
        BTreeSet::from([&inventory[2].digest])
    );
}

#[test]
fn nested_children_subjects_referrers_and_attached_tags_stay_and_go_together() {
    let mut inventory = Vec::new();
    for tag in ["1.0", "staging-v1-20260101-120000-abc123d"] {
        let image = found(&format!("image {tag}"), &[], &[], None);
        let inner = found(&format!("inner {tag}"), &[], &[&image.digest], None);
        let outer = found(tag, &[tag], &[&inner.digest], None);
        let signature = found(&format!("signature {tag}"), &[], &[], Some(&image.digest));
        let of_signature = found(&format!("of signature {tag}"), &[], &[], Some(&signature.digest));
        let fallback = attachment_tags(&image.digest);
        let listing = found(
            &format!("referrers {tag}"),
            &[fallback[0].as_str()],
            &[&signature.digest],
            None,
        );
        let cosign = found(&format!("cosign {tag}"), &[fallback[1].as_str()], &[], None);
        inventory.extend([image, inner, outer, signature, of_signature, listing, cosign]);
    }
    let mut rules = rules();
    rules.keep_last = 0;
    let plan = plan(&inventory, &[], &rules, NOW.parse().unwrap()).unwrap();
    let (kept, doomed) = inventory.split_at(7);
    assert_eq!(goes(&plan), doomed.iter().map(|found| &found.digest).collect());
    assert_eq!(plan.keep.len(), kept.len());
    // What names comes before what is named.
    let place = |found: &FoundManifest| {
        plan.delete
            .iter()
            .position(|doomed| doomed.digest == found.digest)
    };
    let [image, inner, outer, signature, of_signature, listing, cosign] = doomed else {
        panic!("seven")
    };
    assert!(place(outer) < place(inner) && place(inner) < place(image));
    assert!(place(listing) < place(signature) && place(of_signature) < place(signature));
    assert!(place(signature) < place(image) && place(cosign) < place(image));
}

#[test]
fn a_shared_child_stays_while_one_of_its_indexes_does() {
    let shared = found("shared", &[], &[], None);
    let old = found(
        "old",
        &["staging-v1-20260101-120000-abc123d"],
        &[&shared.digest],
        None,
    );
    let new = found("new", &["1.0"], &[&shared.digest], None);
    let mut rules = rules();
    rules.keep_last = 0;
    let plan = plan(&[shared, old.clone(), new], &[], &rules, NOW.parse().unwrap()).unwrap();
    assert_eq!(goes(&plan), BTreeSet::from([&old.digest]));
}

#[test]
fn what_is_new_or_of_unknown_age_stays() {
    let mut fresh = found("fresh", &[], &[], None);
    fresh.pushed = Some("2026-11-20T12:00:00Z".parse().unwrap());
    let mut unknown = found("unknown", &[], &[], None);
    unknown.created = None;
    let mut early = found(
        "signature before its image",
        &[],
        &[],
        Some(&Digest::of(b"not there yet")),
    );
    early.created = None;
    let mut constant = found("repeats", &[], &[], None);
    constant.created = Some("1980-01-01T00:00:01Z".parse().unwrap());
    let old = found("old", &[], &[], None);
    let mut inventory = vec![fresh, unknown, early, constant, missing(b"not there yet")];
    let mut asked = inventory.clone();
    for found in &mut asked {
        found.created = None;
    }
    let undated = undated(&asked, &rules());
    assert_eq!(
        undated,
        [1, 2, 3].map(|at| inventory[at].digest.clone()),
        "the time of the push is known of the first"
    );
    inventory.push(old.clone());
    let plan = planned(&inventory, &[]);
    assert_eq!(goes(&plan), BTreeSet::from([&old.digest]));
}

#[test]
fn a_tag_that_two_environments_may_have_made_counts_for_both() {
    let inventory = [found("one", &["a-v1-v2.0-20260101-120000-abc123d"], &[], None)];
    let mut rules = rules();
    for names in [["a", "a-v1"], ["a-v1", "a"]] {
        rules.environments = names.map(|name| name.parse().unwrap()).to_vec();
        let newer = [
            found("n1", &["a-v3.0-20260201-120000-abc123d"], &[], None),
            found("n2", &["a-v3.1-20260201-120000-abc123d"], &[], None),
        ];
        let all = [&inventory[..], &newer[..]].concat();
        let plan = plan(&all, &[], &rules, NOW.parse().unwrap()).unwrap();
        assert!(plan.delete.is_empty(), "it is the newest of a-v1");
    }
}

#[test]
fn tags_that_spell_a_circle_neither_hide_nor_keep_anything() {
    let mut one = found("one", &[], &[], None);
    let two = found("two", &[fallback_tag(&one.digest).as_str()], &[], None);
    one.tags = vec![fallback_tag(&two.digest)];
    let plan = planned(&[one, two], &[]);
    assert_eq!(plan.delete.len(), 2);
}

#[test]
fn twenty_thousand_manifests_deep_or_wide_take_no_time() {
    let started = std::time::Instant::now();
    let mut inventory = Vec::new();
    let shared = found("shared", &[], &[], None);
    for at in 0..3_000_u32 {
        let image = found(&format!("image {at}"), &[], &[], None);
        let attestation = found(&format!("attestation {at}"), &[], &[], None);
        let tag = format!("staging-v1.{at}-20250101-120000-abc123d");
        let children = [&image.digest, &attestation.digest, &shared.digest];
        let index = found(&format!("index {at}"), &[&tag], &children, None);
        let signature = found(&format!("signature {at}"), &[], &[], Some(&index.digest));
        inventory.extend([image, attestation, index, signature]);
    }
    let mut deepest = shared.digest.clone();
    inventory.push(shared);
    for at in 0..8_000_u32 {
        let next = found(&format!("level {at}"), &[], &[&deepest], None);
        deepest = next.digest.clone();
        inventory.push(next);
    }
    let made = started.elapsed();
    let plan = planned(&inventory, &[]);
    // The last two of staging, with their parts and signatures, and what they share.
    assert_eq!((inventory.len(), plan.keep.len()), (20_001, 9));
    assert_eq!(plan.delete.len(), 20_001 - 9);
    // Without optimisation and beside other tests; a plan whose time grows with the square takes minutes.
    let took = started.elapsed() - made;
    assert!(took.as_secs() < 10, "{took:?}");
    println!("20,001 manifests: {took:?}");
}

#[test]
fn when_anything_is_unread_nothing_goes() {
    let mut unread = found("unread", &[], &[], None);
    unread.content = ManifestContent::Unread("502 Bad Gateway".to_owned());
    let old = found("old", &[], &[], None);
    let refused = plan(
        &[old.clone(), unread.clone()],
        &[],
        &rules(),
        NOW.parse().unwrap(),
    )
    .unwrap_err();
    assert_eq!(refused.0.len(), 1);
    assert!(refused.to_string().contains("502 Bad Gateway"), "{refused}");
    // A child that nobody looked at is unread as well.
    let index = found("index", &["1.0"], &[&Digest::of(b"somewhere")], None);
    assert!(plan(std::slice::from_ref(&index), &[], &rules(), NOW.parse().unwrap()).is_err());
    // So are a subject, the image that a tag hangs something off, and what the ledger needs.
    let about = found("about", &[], &[], Some(&Digest::of(b"somewhere")));
    assert!(plan(&[about], &[], &rules(), NOW.parse().unwrap()).is_err());
    let tag = fallback_tag(&Digest::of(b"somewhere"));
    let attached = found("attached", &[tag.as_str()], &[], None);
    assert!(plan(&[attached], &[], &rules(), NOW.parse().unwrap()).is_err());
    let live = Needed {
        digest: Digest::of(b"somewhere"),
        why: "live in production".to_owned(),
    };
    assert!(plan(&[old], &[live], &rules(), NOW.parse().unwrap()).is_err());
    // One that is known to be missing was broken before.
    unread.digest = Digest::of(b"somewhere");
    unread.content = ManifestContent::Missing;
    let plan = planned(&[index, unread], &[]);
    assert_eq!(plan.absent.len(), 1);
    assert!(plan.delete.is_empty());
}

/// A repository of up to 40 manifests, each of which names only earlier ones.
fn repositories() -> impl Strategy<Value = Vec<FoundManifest>> {
    let one = (0..6u8, any::<[u8; 3]>(), 0..4u8, 1..28u32);
    prop::collection::vec(one, 1..40).prop_map(|shapes| {
        let mut inventory: Vec<FoundManifest> = Vec::new();
        for (at, (kind, picks, tagging, day)) in shapes.into_iter().enumerate() {
            let earlier =
                |pick: u8| (at > 0).then(|| inventory[usize::from(pick) % at.max(1)].digest.clone());
            let picked: Vec<Digest> = picks.iter().filter_map(|pick| earlier(*pick)).collect();
            let children: Vec<&Digest> = if kind < 2 {
                picked.iter().collect()
            } else {
                Vec::new()
            };
            let subject = picked.first().filter(|_| kind == 2);
            let attached = picked
                .first()
                .map(|digest| attachment_tags(digest)[usize::from(picks[0]) % 4].to_string());
            let tag = match (tagging, attached) {
                (0, _) => Some(format!("release-{at}")),
                (1, _) => Some(build(day)),
                (2, Some(attached)) if kind > 3 => Some(attached),
                _ => None,
            };
            let tags: Vec<&str> = tag.as_deref().into_iter().collect();
            inventory.push(found(&format!("{at}"), &tags, &children, subject));
        }
        inventory
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_stays_is_whole_and_what_goes_is_in_order(
        inventory in repositories(),
        live in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let needed: Vec<Needed> = live
            .iter()
            .map(|index| Needed { digest: index.get(&inventory).digest.clone(), why: "live".to_owned() })
            .collect();
        let plan = planned(&inventory, &needed);
        let kept: BTreeSet<&Digest> = plan.keep.iter().map(|kept| &kept.digest).collect();
        let doomed: Vec<&Digest> = plan.delete.iter().map(|doomed| &doomed.digest).collect();
        let places: BTreeMap<&Digest, usize> = doomed.iter().enumerate().map(|(at, digest)| (*digest, at)).collect();
        prop_assert_eq!(places.len(), doomed.len(), "each goes once");
        let all: BTreeSet<&Digest> = inventory.iter().map(|found| &found.digest).collect();
        prop_assert_eq!(&kept.union(&places.keys().copied().collect()).copied().collect::<BTreeSet<_>>(), &all);
        for need in &needed {
            prop_assert!(kept.contains(&need.digest));
        }
        for found in &inventory {
            let manifest = found.manifest().unwrap();
            let named = manifest.children().iter().chain(&manifest.subject);
            for digest in named.map(|descriptor| &descriptor.digest) {
                prop_assert!(!kept.contains(&found.digest) || kept.contains(digest), "what stays names only what stays");
                if let (Some(parent), Some(child)) = (places.get(&found.digest), places.get(digest)) {
                    prop_assert!(parent < child);
                }
            }
            if let Some(subject) = &manifest.subject {
                prop_assert!(!kept.contains(&subject.digest) || kept.contains(&found.digest), "signatures stay");
            }
            if found.tags.iter().any(|tag| tag.as_str().starts_with("release-")) {
                prop_assert!(kept.contains(&found.digest));
            }
        }
    }
}

//! Signatures: what is attached to an image decides whether it goes out.

use crate::support::bundles::{BUNDLE, COSIGN_SIGN, Key};
use crate::support::project::Project;
use crate::support::server::Server;
use greenroom::adapters::registry::layout::LayoutRegistry;
use greenroom::domain::model::{Digest, Tag};
use greenroom::domain::oci::{Manifest, media};
use greenroom::ports::{Blob, Catalog, Discard, Registry, in_memory};
use serde_json::{Value, json};
use std::fs;

const DIRECT: &str = "  strategy: direct\n  rollback: { watch: 0s }\n";
const SIGNED: &str = "protection:\n  signatures:\n    any:\n      - { key: cosign.pub, tlog: skip }\n";
/// The digest that the workflow's attestation is about, and the workflow.
const PACKAGE: &str = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";
const WORKFLOW: &str =
    "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const PREDICATE: &str = "https://schemas.conda.org/attestations-publish-1.schema.json";

fn fixture(name: &str) -> String {
    fs::read_to_string(format!(
        "{}/tests/fixtures/signature/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn digest(text: &str) -> Digest {
    text.parse().unwrap()
}

/// The manifest that attaches a blob to an image, as cosign and GitHub write it.
fn attachment(image: &Digest, artifact_type: &str, blob: &Digest, size: u64) -> Vec<u8> {
    json!({
        "schemaVersion": 2,
        "mediaType": media::MANIFEST,
        "artifactType": artifact_type,
        "config": { "mediaType": media::EMPTY, "digest": Digest::of(b"{}"), "size": 2 },
        "layers": [{ "mediaType": artifact_type, "digest": blob, "size": size }],
        "subject": { "mediaType": media::MANIFEST, "digest": image, "size": 2 },
    })
    .to_string()
    .into_bytes()
}

/// The project's own images.
struct Store(LayoutRegistry);

impl Store {
    fn of(project: &Project) -> Self {
        Self(LayoutRegistry::open(project.path(".greenroom/images")))
    }

    /// The image that greenroom built first.
    fn image(&self) -> Digest {
        self.images().remove(0)
    }

    /// The images that greenroom built.
    fn images(&self) -> Vec<Digest> {
        let is_image = |digest: &Digest| {
            let manifest = self.0.manifest("hello", digest).unwrap();
            Manifest::parse(&manifest).unwrap().subject.is_none()
        };
        let held = self.0.images("hello").unwrap().into_iter();
        held.map(|image| image.digest).filter(is_image).collect()
    }

    fn blob(&self, repository: &str, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        let blob = Blob {
            digest: &digest,
            size: content.len() as u64,
            from: None,
            open: &in_memory(content),
        };
        self.0.push_blob(repository, &blob).unwrap();
        digest
    }

    /// Attaches content to an image, which need not be there.
    fn attach_as(&self, repository: &str, image: &Digest, kind: &str, content: &[u8]) -> Digest {
        self.blob(repository, b"{}");
        let blob = self.blob(repository, content);
        let manifest = attachment(image, kind, &blob, content.len() as u64);
        self.0.push_manifest(repository, &manifest, &[]).unwrap()
    }

    fn attach(&self, repository: &str, image: &Digest, bundle: &Value) -> Digest {
        self.attach_as(repository, image, BUNDLE, bundle.to_string().as_bytes())
    }
}

/// A project whose only environment asks for a signature with `key`.
fn project(key: &Key) -> Project {
    let project = Project::new(&format!("{DIRECT}{SIGNED}"));
    project.write("cosign.pub", key.public());
    project
}

fn wants_workflow(image: &str) -> [&str; 8] {
    [
        "signature",
        "verify",
        image,
        "--identity",
        WORKFLOW,
        "--issuer",
        ISSUER,
        "--kind",
    ]
}

#[test]
fn nothing_goes_out_that_is_not_signed_and_the_ledger_says_by_whom() {
    let key = Key::ecdsa();
    let project = project(&key);
    let refused = project.run(&["run", "-e", "staging"]);
    assert_eq!(refused.status, 6, "{}\n{}", refused.out, refused.err);
    for told in [
        "signature: staging takes only signed images",
        "no Sigstore bundle is attached",
        "with the key cosign.pub",
        "fix: sign the image",
    ] {
        assert!(refused.err.contains(told), "{told}: {}", refused.err);
    }
    assert_eq!(project.records("staging", "planned"), 0);

    let (store, other) = (Store::of(&project), Key::rsa());
    let image = store.image();
    store.attach("hello", &image, &other.statement(&image, COSIGN_SIGN));
    let refused = project.run(&["run", "-e", "staging"]);
    assert_eq!(refused.status, 6, "{}", refused.err);
    assert!(refused.err.contains("does not fit the key"), "{}", refused.err);
    let planned = project.must(&["plan", "-e", "staging"]);
    assert!(
        planned.out.contains("this one is not built yet"),
        "{}",
        planned.out
    );
    let named = ["plan", "-e", "staging", "--image", image.as_str()];
    let planned = project.run(&named);
    assert_eq!(planned.status, 6, "{}", planned.err);
    assert!(planned.err.contains("signature: "), "{}", planned.err);

    let signature = store.attach("hello", &image, &key.statement(&image, COSIGN_SIGN));
    let plan = project.must(&named);
    assert!(plan.out.contains("signed by key sha256:"), "{}", plan.out);
    project.must(&["run", "-e", "staging"]);
    assert_eq!(project.get("/"), (200, "hello from 1.0.0\n".to_owned()));
    assert!(
        project
            .must(&["history", "staging"])
            .out
            .contains("signed by key sha256:")
    );
    assert_eq!(
        project.records("staging", "\"signatures\":[{\"bundle\":\"sha256:"),
        1
    );

    // The next version is another image, so it needs a signature of its own.
    project.version("1.1.0", "");
    assert_eq!(project.run(&["run", "-e", "staging"]).status, 6);
    let next = store
        .images()
        .into_iter()
        .find(|digest| *digest != image)
        .unwrap();
    // A signature of the manifest itself counts as well as a statement about it.
    store.attach(
        "hello",
        &next,
        &key.message(&store.0.manifest("hello", &next).unwrap()),
    );
    project.must(&["run", "-e", "staging"]);
    assert_eq!(project.get("/"), (200, "hello from 1.1.0\n".to_owned()));

    // Going back needs no signature that can be found today: the record says that there was one.
    store.0.discard("hello", &Discard::Manifest(signature)).unwrap();
    let back = project.must(&["rollback", "staging"]);
    assert!(
        back.out.contains("verified when it was deployed here before"),
        "{}",
        back.out
    );
    assert_eq!(project.get("/"), (200, "hello from 1.0.0\n".to_owned()));
    // And a second time, by what the rollback itself recorded.
    assert_eq!(
        project.records("staging", "\"signatures\":[{\"bundle\":\"sha256:"),
        3
    );
}

#[test]
fn going_back_to_what_was_never_verified_is_refused() {
    let project = Project::new(DIRECT);
    project.must(&["run", "-e", "staging"]);
    project.version("1.1.0", "");
    project.must(&["run", "-e", "staging"]);
    let key = Key::ecdsa();
    project.write("cosign.pub", key.public());
    project.environment("staging", project.port, &format!("{DIRECT}{SIGNED}"));
    let refused = project.run(&["rollback", "staging"]);
    assert_eq!(refused.status, 6, "{}\n{}", refused.out, refused.err);
    assert!(
        refused.err.contains("no Sigstore bundle is attached"),
        "{}",
        refused.err
    );
    let off = SIGNED.replace("protection:\n", "protection:\n  enabled: false\n");
    project.environment("staging", project.port, &format!("{DIRECT}{off}"));
    project.must(&["rollback", "staging"]);
}

#[test]
fn a_real_attestation_counts_for_its_workflow_its_issuer_and_its_digest() {
    let project = Project::new(DIRECT);
    let store = Store::of(&project);
    let bundle: Value = serde_json::from_str(&fixture("workflow-attestation.json")).unwrap();
    store.attach("acme/app", &digest(PACKAGE), &bundle);
    let image = format!("acme/app@{PACKAGE}");
    let verified = project.must(&[&wants_workflow(&image)[..], &[PREDICATE]].concat());
    for told in [WORKFLOW, ISSUER, "log index 456119071", "2025-09-01"] {
        assert!(verified.out.contains(told), "{told}: {}", verified.out);
    }
    let shown = project.must(&[&["--format", "json"][..], &wants_workflow(&image), &[PREDICATE]].concat());
    let document: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(document["schema"], "greenroom.signatures/1");
    assert_eq!(document["signatures"][0]["logIndex"], 456_119_071);

    let words = |identity: &str, issuer: &str, kind: &str| {
        let words = [
            "signature",
            "verify",
            &image,
            "--identity",
            identity,
            "--issuer",
            issuer,
        ];
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if !kind.is_empty() {
            words.extend(["--kind".to_owned(), kind.to_owned()]);
        }
        words
    };
    let pattern = "https://github.com/prefix-dev/sigstore-example/.github/workflows/*@refs/heads/main";
    for (identity, issuer, kind, because) in [
        (pattern, ISSUER, PREDICATE, ""),
        (pattern, ISSUER, "", "wanted is a signature or provenance"),
        (pattern, ISSUER, "provenance", "wanted is provenance"),
        ("https://github.com/acme/**", ISSUER, PREDICATE, WORKFLOW),
        (
            WORKFLOW,
            "https://accounts.google.com",
            PREDICATE,
            "was vouched for by",
        ),
    ] {
        let words = words(identity, issuer, kind);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = project.run(&words);
        assert_eq!(
            ran.status,
            if because.is_empty() { 0 } else { 6 },
            "{words:?}\n{}",
            ran.err
        );
        assert!(ran.err.contains(because), "{because}: {}", ran.err);
    }

    // The same bundle on another image: attached there, and still not about it.
    let other = Digest::of(b"another image");
    store.attach("acme/app", &other, &bundle);
    let image = format!("acme/app@{other}");
    let ran = project.run(&[&wants_workflow(&image)[..], &[PREDICATE]].concat());
    assert_eq!(ran.status, 6, "{}", ran.err);
    assert!(ran.err.contains("it is about another image"), "{}", ran.err);
}

#[test]
fn what_is_attached_and_is_no_signature_is_told_and_bounded() {
    let project = Project::new(DIRECT);
    let (store, key) = (Store::of(&project), Key::ed25519());
    project.write("cosign.pub", key.public());
    let verify = |image: &Digest, repository: &str| {
        let image = format!("{repository}@{image}");
        project.run(&[
            "signature",
            "verify",
            &image,
            "--key",
            "cosign.pub",
            "--skip-tlog",
        ])
    };
    let image = Digest::of(b"image");
    store.attach_as("acme/app", &image, BUNDLE, b"{\"garbage\":");
    store.attach_as("acme/app", &image, BUNDLE, &vec![b' '; (4 << 20) + 1]);
    store.attach_as("acme/app", &image, "application/spdx+json", b"{}");
    let ran = verify(&image, "acme/app");
    assert_eq!(ran.status, 6, "{}", ran.err);
    for told in [
        "it is no Sigstore bundle",
        "holds a bundle of 4194305 bytes; at most 4194304",
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
    // None of it stands in the way of a good one.
    store.attach("acme/app", &image, &key.statement(&image, COSIGN_SIGN));
    assert_eq!(verify(&image, "acme/app").status, 0);
    // A scan's report that is signed says nothing for the image.
    let scanned = Digest::of(b"scanned");
    let report = "https://cosign.sigstore.dev/attestation/vuln/v1";
    store.attach("acme/app", &scanned, &key.statement(&scanned, report));
    let ran = verify(&scanned, "acme/app");
    assert_eq!(ran.status, 6, "{}", ran.err);
    assert!(ran.err.contains(&format!("it holds {report}")), "{}", ran.err);
}

#[test]
fn of_a_thousand_manifests_fifty_are_looked_at_bundles_and_newer_ones_first() {
    let project = Project::new(DIRECT);
    let key = Key::ecdsa();
    project.write("cosign.pub", key.public());
    let image = Digest::of(b"crowded");
    let layout = project.path(".greenroom/images/acme/crowded");
    fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
    let put = |content: &[u8]| {
        let digest = Digest::of(content);
        fs::write(layout.join("blobs/sha256").join(digest.hex()), content).unwrap();
        digest
    };
    put(b"{}");
    let mut entries = Vec::new();
    let mut attach = |bundle: &str, created: &str| {
        let blob = put(bundle.as_bytes());
        let mut manifest: Value =
            serde_json::from_slice(&attachment(&image, BUNDLE, &blob, bundle.len() as u64)).unwrap();
        manifest["annotations"] = json!({ "org.opencontainers.image.created": created });
        let manifest = manifest.to_string();
        let (digest, size) = (put(manifest.as_bytes()), manifest.len());
        entries.push(json!({ "mediaType": media::MANIFEST, "digest": digest, "size": size }));
        json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": entries }).to_string()
    };
    let mut index = String::new();
    for number in 0..1_000 {
        index = attach(&format!("{{\"junk\":{number}}}"), "2026-01-01T00:00:00Z");
    }
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    fs::write(layout.join("index.json"), &index).unwrap();
    let name = format!("acme/crowded@{image}");
    let words = ["signature", "verify", &name, "--key", "cosign.pub", "--skip-tlog"];
    let ran = project.run(&words);
    assert_eq!(ran.status, 6, "{}", ran.err);
    assert!(ran.err.contains("950 more manifests are attached"), "{}", ran.err);
    assert!(ran.err.lines().count() < 15, "{}", ran.err);

    let good = key.statement(&image, COSIGN_SIGN).to_string();
    fs::write(layout.join("index.json"), attach(&good, "2026-06-01T00:00:00Z")).unwrap();
    assert_eq!(project.run(&words).status, 0);
}

#[test]
fn a_signature_of_cosign_2_is_named_with_what_to_do() {
    let project = Project::new(DIRECT);
    project.must(&["build", "-e", "staging"]);
    let store = Store::of(&project);
    let image = store.image();
    let manifest = store.0.manifest("hello", &image).unwrap();
    let tag: Tag = format!("sha256-{}.sig", image.hex()).parse().unwrap();
    store
        .0
        .push_manifest("hello", &manifest, std::slice::from_ref(&tag))
        .unwrap();
    project.write("cosign.pub", Key::ecdsa().public());
    let name = format!("hello@{image}");
    let ran = project.run(&["signature", "verify", &name, "--key", "cosign.pub"]);
    assert_eq!(ran.status, 6, "{}", ran.err);
    for told in [
        tag.as_str(),
        "sign again with cosign 3",
        "`cosign verify` as a beforeDeploy hook",
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
}

#[test]
fn where_the_registry_has_nothing_github_is_asked() {
    let project = Project::new(DIRECT);
    let bundle: Value = serde_json::from_str(&fixture("workflow-attestation.json")).unwrap();
    let body = json!({ "attestations": [{ "bundle": bundle }] }).to_string();
    let github = Server::of(move |_, _| (200, body.clone()));
    let api = github.url();
    let image = format!("acme/app@{PACKAGE}");
    let words = [&wants_workflow(&image)[..], &[PREDICATE]].concat();
    let variables = [
        ("GITHUB_REPOSITORY", "acme/app"),
        ("GITHUB_API_URL", &api),
        ("GITHUB_TOKEN", "swordfish"),
    ];
    let ran = project.with(&words, &variables);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains(WORKFLOW), "{}", ran.out);
    let requests = github.requests();
    assert!(
        requests[0].contains("\r\nauthorization: Bearer swordfish\r\n"),
        "{requests:?}"
    );
    drop(github);
    // The server is gone now: that nothing could be asked is told, and nothing is accepted.
    let ran = project.with(&words, &variables);
    assert_eq!(ran.status, 6, "{}", ran.err);
    assert!(
        ran.err.contains("asking GitHub for the attestations"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("swordfish"), "{}", ran.err);
}

#[test]
fn a_key_that_is_missing_or_none_is_a_fault_of_the_configuration_and_no_pass() {
    let key = Key::ecdsa();
    let project = project(&key);
    fs::remove_file(project.path("cosign.pub")).unwrap();
    let ran = project.run(&["run", "-e", "staging"]);
    assert_ne!(ran.status, 0);
    assert!(ran.err.contains("reading the key"), "{}", ran.err);
    project.write("cosign.pub", "nonsense");
    let store = Store::of(&project);
    let image = store.image();
    store.attach("hello", &image, &key.statement(&image, COSIGN_SIGN));
    let ran = project.run(&["run", "-e", "staging"]);
    assert_eq!(ran.status, 3, "{}", ran.err);
    assert!(ran.err.contains("BEGIN PUBLIC KEY"), "{}", ran.err);
    assert_eq!(project.records("staging", "planned"), 0);
}

#[test]
fn words_that_contradict_each_other_are_refused() {
    let project = Project::new(DIRECT);
    let image = format!("hello@{PACKAGE}");
    for words in [
        &["--identity", WORKFLOW][..],
        &["--identity", "https://github.com/**", "--issuer", ISSUER],
        &["--identity", WORKFLOW, "--issuer", ISSUER, "--key", "cosign.pub"],
        &["--identity", WORKFLOW, "--issuer", ISSUER, "--skip-tlog"],
        &["-e", "staging", "--key", "cosign.pub"],
        &["-e", "staging"],
        &[],
    ] {
        let ran = project.run(&[&["signature", "verify", &image], words].concat());
        assert_eq!(ran.status, 2, "{words:?}: {}", ran.err);
    }
}

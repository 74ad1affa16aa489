//! Real Sigstore bundles: what is verified, and everything that is refused.

use greenroom::adapters::signature::sigstore::SigstoreVerifier;
use greenroom::domain::model::{Digest, ErrorKind, PortError, Signed};
use greenroom::ports::{Trust, TrustedRoots, Verifier};
use serde_json::{Value, json};
use std::fs;
use std::time::Instant;

/// The digest that `workflow-attestation.json` is about.
pub(crate) const PACKAGE: &str = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";
const WORKFLOW: &str =
    "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main";
/// The digest that `cosign-3.json` signs.
const BLOB: &str = "sha256:e194b99df6639501325c5f44da79fe3a8efae6f239bd79443a19787e06fb1764";
/// The digest that `managed-key.json` and `staging-provenance.json` are about.
const TEXT: &str = "sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf";
/// One of the digests that `github-release.json` is about.
const RELEASE: &str = "sha256:76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428";

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    fs::read(format!(
        "{}/tests/fixtures/signature/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

pub(crate) fn digest(text: &str) -> Digest {
    text.parse().unwrap()
}

fn certificate(roots: TrustedRoots, logged: bool) -> Trust {
    Trust {
        key: None,
        roots,
        logged,
    }
}

fn public() -> Trust {
    certificate(TrustedRoots::Public, true)
}

pub(crate) fn verify(bundle: &[u8], about: &str, trust: &Trust) -> Result<Signed, PortError> {
    SigstoreVerifier.verify(bundle, &digest(about), trust)
}

/// That it is refused, and with these words.
pub(crate) fn refused(bundle: &[u8], about: &str, trust: &Trust, because: &str) {
    let error = verify(bundle, about, trust).expect_err(because);
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains(because), "{because}: {error}");
    assert!(error.to_string().len() < 1000, "{error}");
}

/// The text with one thing in it replaced, which has to be there.
fn altered(bundle: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bundle.to_vec()).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn a_workflows_attestation_in_the_public_log_is_verified() {
    let signed = verify(&fixture("workflow-attestation.json"), PACKAGE, &public()).unwrap();
    assert_eq!(signed.signer, WORKFLOW);
    assert_eq!(
        signed.issuer.as_deref(),
        Some("https://token.actions.githubusercontent.com")
    );
    assert_eq!(
        signed.predicate.as_deref(),
        Some("https://schemas.conda.org/attestations-publish-1.schema.json")
    );
    assert_eq!(signed.log_index, Some(456_119_071));
    assert_eq!(signed.at, Some("2025-09-01T12:13:59Z".parse().unwrap()));
    assert_eq!(signed.bundle, Digest::of(&fixture("workflow-attestation.json")));
}

#[test]
fn what_cosign_3_signs_is_verified_by_the_digest_alone() {
    let signed = verify(&fixture("cosign-3.json"), BLOB, &public()).unwrap();
    assert_eq!(signed.predicate, None);
    assert_eq!(signed.issuer.as_deref(), Some("https://github.com/login/oauth"));
    assert_eq!(signed.log_index, Some(738_312_748));
    assert!(signed.at.is_some());
}

#[test]
fn a_managed_key_in_the_public_log_is_verified_and_another_key_is_not() {
    let bundle = fixture("managed-key.json");
    let trust = |key: Vec<u8>, logged| Trust {
        key: Some(key),
        roots: TrustedRoots::Public,
        logged,
    };
    let signed = verify(&bundle, TEXT, &trust(fixture("managed-key.pub"), true)).unwrap();
    assert!(signed.signer.starts_with("key sha256:"), "{}", signed.signer);
    assert_eq!(signed.log_index, Some(771_488_337));
    let unlogged = verify(&bundle, TEXT, &trust(fixture("managed-key.pub"), false)).unwrap();
    assert_eq!(unlogged.log_index, None, "what was not verified is not told");
    let other = crate::support::bundles::Key::ecdsa();
    refused(&bundle, TEXT, &trust(other.public(), true), "signature");
    refused(
        &bundle,
        PACKAGE,
        &trust(fixture("managed-key.pub"), true),
        "another image",
    );
    refused(&bundle, TEXT, &public(), "an identity is wanted");
}

#[test]
fn the_staging_instance_is_trusted_with_its_own_roots_alone() {
    let bundle = fixture("staging-provenance.json");
    let roots = TrustedRoots::Given(fixture("staging-trusted-root.json"));
    let signed = verify(&bundle, TEXT, &certificate(roots, true)).unwrap();
    assert!(
        signed
            .signer
            .ends_with("extremely-dangerous-oidc-beacon.yml@refs/heads/main")
    );
    assert_eq!(
        signed.predicate.as_deref(),
        Some("https://slsa.dev/provenance/v1")
    );
    refused(&bundle, TEXT, &public(), "");
    refused(
        &fixture("workflow-attestation.json"),
        PACKAGE,
        &certificate(TrustedRoots::Given(fixture("staging-trusted-root.json")), true),
        "roots newer than this version",
    );
}

#[test]
fn githubs_own_instance_is_trusted_by_its_timestamps() {
    let bundle = fixture("github-release.json");
    let signed = verify(&bundle, RELEASE, &certificate(TrustedRoots::GitHub, false)).unwrap();
    assert_eq!(signed.signer, "https://dotcom.releases.github.com");
    assert_eq!((signed.issuer, signed.log_index), (None, None));
    assert!(signed.at.is_some());
    // The public roots do not know it, and a log is not there to be had.
    refused(&bundle, RELEASE, &public(), "");
    refused(&bundle, RELEASE, &certificate(TrustedRoots::GitHub, true), "");
    refused(
        &bundle,
        PACKAGE,
        &certificate(TrustedRoots::GitHub, false),
        "another image",
    );
}

#[test]
fn a_valid_bundle_of_another_digest_is_refused() {
    for (bundle, about) in [("workflow-attestation.json", BLOB), ("cosign-3.json", PACKAGE)] {
        refused(&fixture(bundle), about, &public(), "another image");
    }
}

#[test]
fn whatever_is_altered_in_a_bundle_it_is_refused() {
    let attested = fixture("workflow-attestation.json");
    let value: Value = serde_json::from_slice(&attested).unwrap();
    let material = &value["verificationMaterial"];
    let entry = &material["tlogEntries"][0];
    let proof = &entry["inclusionProof"];
    let envelope = &value["dsseEnvelope"];
    for part in [
        &envelope["payload"],
        &envelope["signatures"][0]["sig"],
        &material["certificate"]["rawBytes"],
        &entry["canonicalizedBody"],
        &entry["inclusionPromise"]["signedEntryTimestamp"],
        &entry["integratedTime"],
        &entry["logId"]["keyId"],
        &proof["rootHash"],
        &proof["hashes"][0],
        // The name before a checkpoint's signature is but a label, so its root hash is altered.
        &json!(checkpoint_root(&proof["checkpoint"]["envelope"])),
    ] {
        let original = part.as_str().unwrap_or_else(|| panic!("{part} is no text"));
        let changed = flip(original);
        let bundle = String::from_utf8(attested.clone()).unwrap();
        let altered = bundle.replacen(original, &changed, 1);
        assert_ne!(altered, bundle, "{original}");
        let verified = verify(altered.as_bytes(), PACKAGE, &public());
        assert!(verified.is_err(), "{original}\n{changed}");
    }
}

/// The third line of a checkpoint.
fn checkpoint_root(envelope: &Value) -> &str {
    envelope.as_str().unwrap().lines().nth(2).unwrap()
}

/// The same text with a digit or letter in its middle exchanged.
pub(crate) fn flip(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let middle = (bytes.len() / 2..bytes.len())
        .find(|place| bytes[*place].is_ascii_alphanumeric())
        .unwrap();
    bytes[middle] = if bytes[middle] == b'1' { b'2' } else { b'1' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn without_its_entry_in_the_log_a_public_bundle_is_refused() {
    let bundle = fixture("workflow-attestation.json");
    let mut value: Value = serde_json::from_slice(&bundle).unwrap();
    value["verificationMaterial"]["tlogEntries"] = json!([]);
    refused(value.to_string().as_bytes(), PACKAGE, &public(), "");
    // An entry that belongs to another signature does not vouch for this one.
    let other: Value = serde_json::from_slice(&fixture("cosign-3.json")).unwrap();
    value["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
    refused(value.to_string().as_bytes(), PACKAGE, &public(), "");
}

#[test]
fn what_is_no_bundle_is_refused() {
    let deep = "[".repeat(200_000);
    let bundle = fixture("workflow-attestation.json");
    for garbage in [
        &b""[..],
        b"null",
        b"{}",
        b"\xff\xfe",
        br#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}"#,
        deep.as_bytes(),
        &bundle[..bundle.len() / 2],
        &altered(&bundle, "bundle.v0.3+json", "bundle.v9.9+json"),
    ] {
        refused(garbage, PACKAGE, &public(), "");
    }
}

#[test]
fn trust_that_is_of_no_use_is_told_apart_from_a_bad_bundle() {
    let bundle = fixture("managed-key.json");
    for (trust, because) in [
        (
            Trust {
                key: Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec()),
                roots: TrustedRoots::Public,
                logged: true,
            },
            "BEGIN PUBLIC KEY",
        ),
        (
            certificate(TrustedRoots::Given(b"{}".to_vec()), true),
            "cosign trusted-root create",
        ),
    ] {
        let error = verify(&bundle, TEXT, &trust).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(because), "{error}");
    }
}

#[test]
fn verifying_takes_milliseconds() {
    let bundle = fixture("workflow-attestation.json");
    let began = Instant::now();
    for _ in 0..20 {
        verify(&bundle, PACKAGE, &public()).unwrap();
    }
    let each = began.elapsed() / 20;
    eprintln!("one verification takes {each:?}");
    assert!(each.as_millis() < 500, "{each:?}");
}

//! Signatures with keys of one's own, without a log.

use super::sigstore::{digest, flip, refused, verify};
use crate::support::bundles::{COSIGN_SIGN, Key};
use greenroom::domain::model::Digest;
use greenroom::ports::{Trust, TrustedRoots};
use serde_json::json;

fn trust(key: &Key, logged: bool) -> Trust {
    Trust {
        key: Some(key.public()),
        roots: TrustedRoots::Public,
        logged,
    }
}

const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn every_kind_of_key_signs_a_statement() {
    let image = Digest::of(b"image");
    for key in [Key::ecdsa(), Key::ed25519(), Key::rsa()] {
        let bundle = key.statement(&image, COSIGN_SIGN).to_string();
        let signed = verify(bundle.as_bytes(), image.as_str(), &trust(&key, false)).unwrap();
        assert!(signed.signer.starts_with("key sha256:"), "{}", signed.signer);
        assert_eq!(signed.predicate.as_deref(), Some(COSIGN_SIGN));
        assert_eq!((signed.at, signed.log_index), (None, None));
        refused(bundle.as_bytes(), OTHER, &trust(&key, false), "another image");
        refused(
            bundle.as_bytes(),
            image.as_str(),
            &trust(&Key::ecdsa(), false),
            "",
        );
        refused(
            bundle.as_bytes(),
            image.as_str(),
            &trust(&key, true),
            "not in the transparency log",
        );
    }
}

#[test]
fn a_signature_of_the_manifest_itself_counts() {
    let manifest = br#"{"schemaVersion":2}"#;
    let image = Digest::of(manifest);
    for key in [Key::ecdsa(), Key::rsa()] {
        let bundle = key.message(manifest).to_string();
        let signed = verify(bundle.as_bytes(), image.as_str(), &trust(&key, false)).unwrap();
        assert_eq!(signed.predicate, None);
        refused(bundle.as_bytes(), OTHER, &trust(&key, false), "another image");
        refused(
            bundle.as_bytes(),
            image.as_str(),
            &trust(&Key::ecdsa(), false),
            "",
        );
    }
    // Ed25519 signs what it hashes itself, so a digest alone is not enough to verify by.
    let key = Key::ed25519();
    let bundle = key.message(manifest).to_string();
    refused(bundle.as_bytes(), image.as_str(), &trust(&key, false), "");
}

#[test]
fn a_statement_that_says_the_digest_and_does_not_bear_it_is_refused() {
    let (key, image) = (Key::ecdsa(), Digest::of(b"image"));
    let signed = key.message(b"something else");
    let mut bundle = signed.clone();
    // The digest that a bundle names is only a hint: the signature is over another.
    bundle["messageSignature"]["messageDigest"]["digest"] =
        json!(crate::support::bundles::base64(&hex(image.hex())));
    refused(
        bundle.to_string().as_bytes(),
        image.as_str(),
        &trust(&key, false),
        "",
    );
    bundle["messageSignature"]
        .as_object_mut()
        .unwrap()
        .remove("messageDigest");
    refused(
        bundle.to_string().as_bytes(),
        image.as_str(),
        &trust(&key, false),
        "",
    );
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|place| u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap())
        .collect()
}

#[test]
fn an_altered_statement_and_an_altered_signature_are_refused() {
    let (key, image) = (Key::ecdsa(), Digest::of(b"image"));
    let bundle = key.statement(&image, COSIGN_SIGN);
    let mut payload = bundle.clone();
    let about_other = key.statement(&digest(OTHER), COSIGN_SIGN);
    payload["dsseEnvelope"]["payload"] = about_other["dsseEnvelope"]["payload"].clone();
    refused(
        payload.to_string().as_bytes(),
        OTHER,
        &trust(&key, false),
        "does not fit the key",
    );
    let mut signature = bundle.clone();
    let sig = &mut signature["dsseEnvelope"]["signatures"][0]["sig"];
    *sig = json!(flip(sig.as_str().unwrap()));
    refused(
        signature.to_string().as_bytes(),
        image.as_str(),
        &trust(&key, false),
        "",
    );
    let mut kind = bundle;
    kind["dsseEnvelope"]["payloadType"] = json!("text/plain");
    refused(
        kind.to_string().as_bytes(),
        image.as_str(),
        &trust(&key, false),
        "",
    );
}

#[test]
fn a_payload_that_is_no_statement_is_refused_though_it_is_signed() {
    let (key, image) = (Key::ecdsa(), Digest::of(b"image"));
    for (payload_type, payload) in [
        ("text/plain", image.as_str().to_owned()),
        ("application/vnd.in-toto+json", "{}".to_owned()),
        (
            "application/vnd.in-toto+json",
            json!({ "_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": COSIGN_SIGN })
                .to_string(),
        ),
        (
            "application/vnd.in-toto+json",
            json!({
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [{ "digest": { "sha256": image.hex() } }],
                "predicateType": "https://evil.example/\u{1b}[2J",
            })
            .to_string(),
        ),
    ] {
        let bundle = key.envelope(payload_type, payload.as_bytes()).to_string();
        refused(bundle.as_bytes(), image.as_str(), &trust(&key, false), "");
    }
}

#[test]
fn the_private_half_is_no_key_to_verify_with() {
    let image = Digest::of(b"image");
    let key = Key::ecdsa();
    let bundle = key.statement(&image, COSIGN_SIGN).to_string();
    let private = Trust {
        key: Some(b"-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n".to_vec()),
        ..trust(&key, false)
    };
    let error = verify(bundle.as_bytes(), image.as_str(), &private).unwrap_err();
    assert_eq!(
        error.kind,
        greenroom::domain::model::ErrorKind::Invalid,
        "{error}"
    );
}

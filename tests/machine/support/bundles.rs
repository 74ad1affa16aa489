//! Sigstore bundles signed with openssl's keys.

use greenroom::domain::model::Digest;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What cosign 3 states when it signs an image.
pub(crate) const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// The media type of a bundle.
pub(crate) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A key pair that openssl made.
pub(crate) struct Key {
    directory: TempDir,
    ed25519: bool,
}

fn openssl(words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("openssl is needed (apt-get install openssl): {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {words:?}");
    output.stdout
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    String::from_utf8(openssl(&["base64", "-A"], bytes)).unwrap()
}

impl Key {
    fn new(algorithm: &[&str], ed25519: bool) -> Self {
        let key = Self {
            directory: tempfile::tempdir().unwrap(),
            ed25519,
        };
        openssl(&[&["genpkey", "-out", &key.private()], algorithm].concat(), b"");
        key
    }

    pub(crate) fn ecdsa() -> Self {
        Self::new(
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            false,
        )
    }

    pub(crate) fn ed25519() -> Self {
        Self::new(&["-algorithm", "ED25519"], true)
    }

    pub(crate) fn rsa() -> Self {
        Self::new(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], false)
    }

    fn private(&self) -> String {
        self.directory.path().join("key.pem").display().to_string()
    }

    /// The public half in PEM form.
    pub(crate) fn public(&self) -> Vec<u8> {
        openssl(&["pkey", "-in", &self.private(), "-pubout"], b"")
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        if self.ed25519 {
            let file = self.directory.path().join("message");
            fs::write(&file, message).unwrap();
            let file = file.display().to_string();
            return openssl(
                &[
                    "pkeyutl",
                    "-sign",
                    "-rawin",
                    "-inkey",
                    &self.private(),
                    "-in",
                    &file,
                ],
                b"",
            );
        }
        openssl(&["dgst", "-sha256", "-sign", &self.private()], message)
    }

    /// A bundle with a statement about the image, as cosign makes one without a log.
    pub(crate) fn statement(&self, image: &Digest, predicate: &str) -> Value {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "digest": { "sha256": image.hex() } }],
            "predicateType": predicate,
            "predicate": {},
        })
        .to_string();
        self.envelope("application/vnd.in-toto+json", statement.as_bytes())
    }

    /// A bundle with any payload (DSSE, "Pre-Authentication Encoding").
    pub(crate) fn envelope(&self, payload_type: &str, payload: &[u8]) -> Value {
        let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
        let signature = self.sign(&[head.as_bytes(), payload].concat());
        bundle(
            "dsseEnvelope",
            &json!({
                "payload": base64(payload),
                "payloadType": payload_type,
                "signatures": [{ "sig": base64(&signature) }],
            }),
        )
    }

    /// A bundle with a signature of the content itself.
    pub(crate) fn message(&self, content: &[u8]) -> Value {
        let hash = openssl(&["dgst", "-sha256", "-binary"], content);
        bundle(
            "messageSignature",
            &json!({
                "messageDigest": { "algorithm": "SHA2_256", "digest": base64(&hash) },
                "signature": base64(&self.sign(content)),
            }),
        )
    }
}

fn bundle(kind: &str, content: &Value) -> Value {
    json!({
        "mediaType": BUNDLE,
        "verificationMaterial": { "publicKey": { "hint": "key" } },
        kind: content,
    })
}

//! Sigstore bundles (version 0.1 to 0.3), verified without a network.

use crate::domain::model::{Digest, ErrorKind, Explanation, PortError, Signed, Timestamp};
use crate::ports::{Trust, TrustedRoots, Verifier};
use sigstore_verify::crypto::{KeyAlgorithm, verify_signature, verify_signature_prehashed};
use sigstore_verify::trust_root::{
    SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot,
};
use sigstore_verify::types::bundle::VerificationMaterialContent;
use sigstore_verify::types::{Bundle, DerPublicKey, Sha256Hash, SignatureContent, Statement};
use sigstore_verify::{
    CertificateError, Error, PublicKeyVerificationPolicy, TransparencyLogError, VerificationPolicy,
    VerificationResult,
};

/// Longest text of a certificate, statement or fault that is handed on, in characters.
const LONGEST: usize = 400;
/// What a DSSE envelope of an in-toto statement says it holds.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Verifies with the roots that this version was made with, or with given ones.
#[derive(Debug, Default)]
pub struct SigstoreVerifier;

impl Verifier for SigstoreVerifier {
    fn verify(&self, bundle: &[u8], digest: &Digest, trust: &Trust) -> Result<Signed, PortError> {
        let root = root(&trust.roots)?;
        let key = trust.key.as_deref().map(key).transpose()?;
        let refused = |fault: Explanation| denied(digest, &fault);
        let name = Digest::of(bundle);
        let text = std::str::from_utf8(bundle).map_err(|_| refused("it is not text".into()))?;
        let bundle = Bundle::from_json(text)
            .map_err(|error| refused(Explanation::new("it is no Sigstore bundle").because(&error)))?;
        let image = Sha256Hash::from_hex(digest.hex()).map_err(|error| refused((&error).into()))?;
        let evidence = match key {
            Some(key) => by_key(&bundle, image, &key, &root, trust.logged),
            None => by_certificate(&bundle, image, &root, trust),
        };
        let evidence = evidence.map_err(refused)?;
        Ok(Signed {
            bundle: name,
            predicate: predicate(&bundle).map_err(refused)?,
            log_index: evidence.log_index(&bundle),
            ..evidence.signed
        })
    }
}

fn denied(digest: &Digest, fault: &Explanation) -> PortError {
    let doing = format!("verifying a signature of sha256:{}", digest.short());
    PortError::new(ErrorKind::Denied, doing, fault.map(bounded))
}

/// What was verified, with the fields that the bundle itself says still empty.
struct Evidence {
    signed: Signed,
    logged: bool,
}

impl Evidence {
    fn log_index(&self, bundle: &Bundle) -> Option<u64> {
        let first = bundle.verification_material.tlog_entries.first()?;
        self.logged.then(|| first.log_index.get())
    }
}

fn root(roots: &TrustedRoots) -> Result<TrustedRoot, PortError> {
    let parsed = match roots {
        TrustedRoots::Public => TrustedRoot::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT),
        TrustedRoots::GitHub => TrustedRoot::from_json(SIGSTORE_GITHUB_TRUSTED_ROOT),
        TrustedRoots::Given(text) => TrustedRoot::from_json(&String::from_utf8_lossy(text)),
    };
    parsed.map_err(|error| {
        let why = Explanation::new("they are no trusted_root.json")
            .because(&error)
            .map(bounded)
            .fix("write one with `cosign trusted-root create`");
        PortError::new(ErrorKind::Invalid, "reading the trusted roots", why)
    })
}

fn key(pem: &[u8]) -> Result<DerPublicKey, PortError> {
    let unusable = |error: Explanation| {
        let why = Explanation::new("it is no public key in PEM form")
            .because(&error)
            .map(bounded)
            .fix("name an ECDSA, Ed25519 or RSA key, which begins with BEGIN PUBLIC KEY");
        PortError::new(ErrorKind::Invalid, "reading the key", why)
    };
    let key =
        DerPublicKey::from_pem(&String::from_utf8_lossy(pem)).map_err(|error| unusable((&error).into()))?;
    KeyAlgorithm::from_spki(&key).map_err(|error| unusable((&error).into()))?;
    Ok(key)
}

fn by_certificate(
    bundle: &Bundle,
    image: Sha256Hash,
    root: &TrustedRoot,
    trust: &Trust,
) -> Result<Evidence, Explanation> {
    if bundle.signing_certificate().is_none() {
        return Err("it was signed with a key, and an identity is wanted".into());
    }
    // Whose identity it is, is the caller's to judge, once it is known to be true.
    let mut policy = VerificationPolicy::any_identity();
    if !trust.logged {
        policy = policy.skip_tlog_unsafe();
    }
    // Roots without a certificate log (GitHub's own) issue no proofs that a certificate is in one.
    let transparent = trust.roots == TrustedRoots::Public || !root.ctlogs.is_empty();
    if !transparent {
        policy = policy.skip_sct();
    }
    let result = sigstore_verify::verify(image, bundle, &policy, root).map_err(|error| explain(&error))?;
    let proven = result.certificate_verified()
        && result.sct_verified() == transparent
        && result.tlog_verified() == trust.logged;
    let signer = result.identity().map(|identity| identity.as_str().to_owned());
    match signer {
        Some(signer) if proven => evidence(bundle, &result, signer, result.issuer(), trust.logged),
        Some(_) => Err("not all of it could be verified".into()),
        None => Err("its certificate names nobody".into()),
    }
}

fn by_key(
    bundle: &Bundle,
    image: Sha256Hash,
    key: &DerPublicKey,
    root: &TrustedRoot,
    logged: bool,
) -> Result<Evidence, Explanation> {
    let material = &bundle.verification_material;
    if !matches!(material.content, VerificationMaterialContent::PublicKey(_)) {
        return Err("it was signed with a certificate, and a key is wanted".into());
    }
    let signer = format!("key {}", Digest::of(key.as_bytes()));
    let timeless = material.tlog_entries.is_empty()
        && material.timestamp_verification_data.rfc3161_timestamps.is_empty();
    if timeless && !logged {
        // A key needs no time to be judged by, yet the crate asks every bundle for one.
        timeless_by_key(bundle, image, key)?;
        return Ok(Evidence {
            signed: signed(signer, None, None)?,
            logged: false,
        });
    }
    if logged && material.tlog_entries.is_empty() {
        return Err(Explanation::new("it is not in the transparency log")
            .fix("say `tlog: skip` where the key alone is enough"));
    }
    let mut policy = PublicKeyVerificationPolicy::new(key.clone());
    if !logged {
        policy = policy.skip_tlog_unsafe();
    }
    let result = sigstore_verify::verify(image, bundle, &policy, root).map_err(|error| explain(&error))?;
    evidence(bundle, &result, signer, None, logged)
}

/// A key's signature alone: it verifies, and what it is over is this image.
fn timeless_by_key(bundle: &Bundle, image: Sha256Hash, key: &DerPublicKey) -> Result<(), Explanation> {
    let broken = |error: sigstore_verify::crypto::Error| {
        Explanation::new("the signature does not fit the key").because(&error)
    };
    let algorithm = KeyAlgorithm::from_spki(key).map_err(broken)?;
    match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => {
            let scheme = algorithm.default_signing_scheme();
            verify_signature(key, &envelope.pae(), &envelope.signature.sig, scheme).map_err(broken)?;
            let statement = statement(bundle)?.ok_or("it holds no in-toto statement")?;
            if statement.matches_sha256(&image) {
                Ok(())
            } else {
                Err(another_image())
            }
        }
        SignatureContent::MessageSignature(message) => {
            let scheme = match &message.message_digest {
                Some(said) if said.digest != image => return Err(another_image()),
                Some(said) => algorithm.resolve_signing_scheme(said.algorithm).map_err(broken)?,
                None => algorithm.default_signing_scheme(),
            };
            verify_signature_prehashed(key, image.as_bytes(), &message.signature, scheme).map_err(broken)
        }
        _ => Err("it holds a kind of signature that is not known".into()),
    }
}

fn another_image() -> Explanation {
    "it is about another image: its digest is not this one".into()
}

fn evidence(
    bundle: &Bundle,
    result: &VerificationResult,
    signer: String,
    issuer: Option<&str>,
    logged: bool,
) -> Result<Evidence, Explanation> {
    let times = result.verified_timestamps().iter().copied();
    let at = times.chain(result.integrated_time()).min();
    if logged && bundle.verification_material.tlog_entries.is_empty() {
        return Err("it is not in the transparency log".into());
    }
    Ok(Evidence {
        signed: signed(
            signer,
            issuer.map(str::to_owned),
            at.map(|at| Timestamp::from_unix_millis(at.as_millisecond())),
        )?,
        logged,
    })
}

fn signed(signer: String, issuer: Option<String>, at: Option<Timestamp>) -> Result<Signed, Explanation> {
    let is_shown = |text: &String| *text == bounded(text);
    if !is_shown(&signer) || !issuer.as_ref().is_none_or(is_shown) {
        return Err("its certificate names something that cannot be shown".into());
    }
    Ok(Signed {
        bundle: Digest::of(&[]),
        signer,
        issuer,
        predicate: None,
        log_index: None,
        at,
    })
}

/// The type of the statement's predicate; `None` where the digest itself is signed.
fn predicate(bundle: &Bundle) -> Result<Option<String>, Explanation> {
    let predicate = statement(bundle)?.map(|statement| statement.predicate_type);
    match predicate {
        Some(text) if text.is_empty() || text != bounded(&text) => {
            Err("its statement has no proper predicate type".into())
        }
        predicate => Ok(predicate),
    }
}

fn statement(bundle: &Bundle) -> Result<Option<Statement>, Explanation> {
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        return Ok(None);
    };
    if envelope.payload_type != IN_TOTO {
        return Err(format!(
            "its payload is {}, not an in-toto statement",
            envelope.payload_type
        )
        .into());
    }
    serde_json::from_slice(envelope.payload.as_bytes())
        .map(Some)
        .map_err(|error| Explanation::new("its in-toto statement cannot be read").because(&error))
}

/// What is wrong with a bundle, and what helps where the crate's own words do not say it.
fn explain(error: &Error) -> Explanation {
    let outdated = "give roots newer than this version of greenroom as `roots: trusted_root.json`";
    match error {
        Error::ArtifactMismatch(_) => another_image(),
        Error::Certificate(CertificateError::ChainInvalid(_) | CertificateError::NoValidAuthority { .. })
        | Error::TransparencyLog(
            TransparencyLogError::UnknownLog { .. }
            | TransparencyLogError::Checkpoint(_)
            | TransparencyLogError::InclusionPromise(_),
        ) => Explanation::of(error).fix(outdated),
        error => Explanation::of(error),
    }
}

/// Foreign text as one line that can be shown: control characters spelled out, cut where it is long.
fn bounded(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(LONGEST) {
        if c.is_control() || ('\u{200b}'..='\u{200f}').contains(&c) || ('\u{202a}'..='\u{202e}').contains(&c)
        {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

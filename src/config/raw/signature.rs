//! Who has to have signed an image.

use super::super::place::Located;
use schemars::JsonSchema;
use serde::Deserialize;

/// Signatures that an image needs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Signatures")]
pub(crate) struct RawSignatures {
    /// Each of these is needed.
    #[serde(default)]
    pub(crate) all: Vec<Located<RawSigner>>,
    /// At least one of these is needed, where there are any.
    #[serde(default)]
    pub(crate) any: Vec<Located<RawSigner>>,
}

/// A signer that is accepted: an identity that an issuer vouches for, or a key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Signer")]
pub(crate) struct RawSigner {
    /// What the certificate must name, as a whole: a workflow's URL with its ref, or an e-mail address. `*`
    /// stands for any characters but `/` and `@`, `**` for any; neither in the host, the owner or the domain.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) identity: Option<Located<String>>,
    /// Who vouches for the identity, exactly: `https://token.actions.githubusercontent.com`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) issuer: Option<Located<String>>,
    /// A public key: a PEM file, relative to the project.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) key: Option<Located<String>>,
    /// What has to be signed: `signature`, `provenance`, or the URL of a predicate type; a signature or
    /// provenance where absent.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) kind: Option<Located<String>>,
    /// Whose certificates and logs are trusted: `public` (Sigstore's, the default), `github` (attestations
    /// of private repositories), or a `trusted_root.json`, relative to the project.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) roots: Option<Located<String>>,
    /// Whether it must be in the transparency log; `required` where absent. For a key or roots of one's own
    /// it may be `skip`.
    #[serde(default)]
    pub(crate) tlog: Option<Located<RawTlog>>,
}

/// Whether a signature must be in the transparency log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Tlog")]
pub(crate) enum RawTlog {
    Required,
    Skip,
}

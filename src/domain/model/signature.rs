//! Signatures of images: whose are accepted, and what was verified.

use super::text::text_noun;
use super::{Digest, InvalidText, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What a signature of an image says in in-toto's words (cosign 3, `cosign sign`).
const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// How every version of SLSA's build provenance begins.
const SLSA_PROVENANCE: &str = "https://slsa.dev/provenance/";

text_noun!(
    /// An identity that a certificate must name, as a whole: text as it is, with `*` for any run of
    /// characters but `/` and `@`, and `**` for any run at all. The host and its first path segment (the
    /// owner), or an e-mail address's domain, are always spelled out: a pattern never reaches into what
    /// belongs to others.
    IdentityPattern,
    "an identity (a workflow's URL or an e-mail address; `*` and `**` not in the host, the owner or the domain)",
    is_identity
);

fn is_identity(text: &str) -> bool {
    let plain =
        (1..=2048).contains(&text.len()) && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !plain || !text.contains('*') {
        return plain;
    }
    match text.split_once("://") {
        Some((scheme, rest)) => {
            let mut parts = rest.splitn(3, '/');
            let spelled =
                |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && !part.contains('*'));
            !scheme.contains('*') && spelled(parts.next()) && spelled(parts.next())
        }
        None => text
            .rsplit_once('@')
            .is_some_and(|(_, domain)| !domain.is_empty() && !domain.contains('*')),
    }
}

impl IdentityPattern {
    /// Whether the pattern covers the whole of `identity`.
    pub fn matches(&self, identity: &str) -> bool {
        let text: Vec<char> = identity.chars().collect();
        // Places in the text that what was read of the pattern can reach.
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        let mut rest = self.as_str();
        while let Some(first) = rest.chars().next() {
            let (any, length) = match rest.strip_prefix('*') {
                Some(after) if after.starts_with('*') => (Some(true), 2),
                Some(_) => (Some(false), 1),
                None => (None, first.len_utf8()),
            };
            rest = &rest[length..];
            let mut next = vec![false; text.len() + 1];
            for place in 0..=text.len() {
                next[place] = match (any, place.checked_sub(1)) {
                    (None, before) => before.is_some_and(|before| reached[before] && text[before] == first),
                    (Some(any), before) => {
                        let runs_on =
                            |before: usize| next[before] && (any || !matches!(text[before], '/' | '@'));
                        reached[place] || before.is_some_and(runs_on)
                    }
                };
            }
            reached = next;
        }
        reached[text.len()]
    }
}

/// Whose signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// Whoever an OpenID provider says it is: a workflow, a person.
    Identity {
        /// What the certificate names.
        identity: IdentityPattern,
        /// The provider that vouched for it, exactly: `https://token.actions.githubusercontent.com`.
        issuer: String,
    },
    /// Whoever holds the private half of this key: a PEM file, relative to the project's root.
    Key(PathBuf),
}

/// What has to be signed: that this is the image, or how it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// A signature of the image, or the provenance of its build. No other statement about the image (a
    /// scan, a bill of materials) speaks for it.
    Either,
    /// A signature of the image.
    Signature,
    /// SLSA provenance.
    Provenance,
    /// A statement whose predicate has this very type.
    Predicate(String),
}

/// Which certificates and logs are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Sigstore's public instance; public repositories on GitHub use it, too.
    Public,
    /// GitHub's own, for the attestations of private repositories: timestamps in place of a log.
    GitHub,
    /// Those in this `trusted_root.json`, relative to the project's root.
    File(PathBuf),
}

/// A signature that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Whose.
    pub signer: Signer,
    /// Of what.
    pub claim: Claim,
    /// On whose word.
    pub roots: Roots,
    /// Whether it must be in the transparency log.
    pub logged: bool,
}

/// Which signatures an image needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignaturePolicy {
    /// Each of these.
    pub all: Vec<Accepted>,
    /// And at least one of these, where there are any.
    pub any: Vec<Accepted>,
}

impl SignaturePolicy {
    /// Everything that is accepted, `all` first.
    pub fn accepted(&self) -> impl Iterator<Item = &Accepted> {
        self.all.iter().chain(&self.any)
    }
}

/// What a verified bundle shows. Text from certificates and statements is as foreign as any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signed {
    /// sha256 of the bundle.
    pub bundle: Digest,
    /// The certificate's identity; for a key `key sha256:…`, the digest of its DER form.
    pub signer: String,
    /// Who vouched for the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The type of the statement's predicate; `None` for a signature of the digest itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// Place of its entry in the transparency log, where that was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    /// When it was signed, by the log or a timestamp authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Accepted {
    /// Whether what was verified on its roots, or with its key, is what is accepted.
    ///
    /// # Errors
    /// What was found and what is wanted, as one phrase.
    pub fn judge(&self, signed: &Signed) -> Result<(), String> {
        if !self.claim.covers(signed.predicate.as_deref()) {
            let found = signed.predicate.as_deref().unwrap_or("a plain signature");
            return Err(format!("it holds {found}, wanted is {}", self.claim));
        }
        let Signer::Identity { identity, issuer } = &self.signer else {
            return Ok(());
        };
        if !identity.matches(&signed.signer) {
            return Err(format!("signed by {}, wanted is {identity}", signed.signer));
        }
        match signed.issuer.as_deref() {
            Some(found) if found == issuer => Ok(()),
            found => Err(format!(
                "{} was vouched for by {}, wanted is {issuer}",
                signed.signer,
                found.unwrap_or("nobody")
            )),
        }
    }
}

impl FromStr for Claim {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let expected = "`signature`, `provenance` or the https URL of a predicate type";
        match text {
            "signature" => Ok(Self::Signature),
            "provenance" => Ok(Self::Provenance),
            url if url.starts_with("https://") => Ok(Self::Predicate(url.to_owned())),
            _ => Err(InvalidText::new(text, expected)),
        }
    }
}

impl FromStr for Roots {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        match text {
            "public" => Ok(Self::Public),
            "github" => Ok(Self::GitHub),
            file if file.ends_with(".json") => Ok(Self::File(file.into())),
            _ => Err(InvalidText::new(text, "`public`, `github` or a `.json` file")),
        }
    }
}

impl Claim {
    fn covers(&self, predicate: Option<&str>) -> bool {
        let signature = predicate.is_none_or(|found| found == COSIGN_SIGN);
        let provenance = predicate.is_some_and(|found| found.starts_with(SLSA_PROVENANCE));
        match self {
            Self::Either => signature || provenance,
            Self::Signature => signature,
            Self::Provenance => provenance,
            Self::Predicate(wanted) => predicate == Some(wanted),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Either => "a signature or provenance",
            Self::Signature => "a signature",
            Self::Provenance => "provenance",
            Self::Predicate(wanted) => wanted,
        })
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.signer {
            Signer::Identity { identity, issuer } => write!(f, "{} by {identity} ({issuer})", self.claim),
            Signer::Key(file) => write!(f, "{} with the key {}", self.claim, file.display()),
        }
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signer)?;
        if let Some(issuer) = &self.issuer {
            write!(f, " ({issuer})")?;
        }
        if let Some(at) = &self.at {
            write!(f, " at {}", at.human())?;
        }
        match self.log_index {
            Some(index) => write!(f, ", log index {index}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORKFLOW: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
    const ISSUER: &str = "https://token.actions.githubusercontent.com";

    fn pattern(text: &str) -> IdentityPattern {
        text.parse().unwrap()
    }

    fn accepted(identity: &str, claim: Claim) -> Accepted {
        Accepted {
            signer: Signer::Identity {
                identity: pattern(identity),
                issuer: ISSUER.to_owned(),
            },
            claim,
            roots: Roots::Public,
            logged: true,
        }
    }

    fn signed(predicate: Option<&str>) -> Signed {
        Signed {
            bundle: Digest::of(b"bundle"),
            signer: WORKFLOW.to_owned(),
            issuer: Some(ISSUER.to_owned()),
            predicate: predicate.map(str::to_owned),
            log_index: Some(7),
            at: None,
        }
    }

    #[test]
    fn a_pattern_covers_the_whole_identity_or_nothing() {
        for covers in [
            WORKFLOW,
            "https://github.com/acme/app/**",
            "https://github.com/acme/*/.github/workflows/release.yml@refs/heads/*",
            "https://github.com/acme/app/.github/workflows/*@refs/heads/main",
        ] {
            assert!(pattern(covers).matches(WORKFLOW), "{covers}");
        }
        for other in [
            "https://github.com/acme/app",
            "https://github.com/acme/app/*",
            "https://github.com/acme/app/.github/workflows/*",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/*",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/mai",
            "https://github.com/acme/app/.github/workflows/release.ym*l@refs/heads/main*x",
            "https://github.com/Acme/**",
        ] {
            assert!(!pattern(other).matches(WORKFLOW), "{other}");
        }
        assert!(pattern("*@acme.com").matches("ann@acme.com"));
        assert!(!pattern("*@acme.com").matches("ann@acme.com.evil.example"));
        assert!(!pattern("*@acme.com").matches("x@evil.example@acme.com"));
    }

    #[test]
    fn a_pattern_never_reaches_into_what_belongs_to_others() {
        for reaching in [
            "",
            "*",
            "**",
            "https://**",
            "https://github.com/**",
            "https://github.com/acme*/app/x",
            "https://*.com/acme/app",
            "http*://github.com/acme/app/x",
            "ann@*",
            "ann@*.com",
            "two words",
        ] {
            assert!(reaching.parse::<IdentityPattern>().is_err(), "{reaching}");
        }
    }

    proptest! {
        #[test]
        fn text_without_a_star_covers_itself_alone(text in "[a-z/@:.]{1,30}", other in "[a-z/@:.]{1,30}") {
            prop_assert!(pattern(&text).matches(&text));
            prop_assert_eq!(pattern(&text).matches(&other), text == other);
        }
    }

    #[test]
    fn only_what_speaks_for_the_image_counts() {
        let any = accepted(WORKFLOW, Claim::Either);
        for speaks in [None, Some(COSIGN_SIGN), Some("https://slsa.dev/provenance/v1")] {
            assert_eq!(any.judge(&signed(speaks)), Ok(()), "{speaks:?}");
        }
        let scan = "https://cosign.sigstore.dev/attestation/vuln/v1";
        let refused = any.judge(&signed(Some(scan))).unwrap_err();
        assert!(
            refused.contains(scan) && refused.contains("wanted is a signature"),
            "{refused}"
        );
        let provenance = accepted(WORKFLOW, Claim::Provenance);
        assert!(provenance.judge(&signed(Some(COSIGN_SIGN))).is_err());
        assert_eq!(
            accepted(WORKFLOW, Claim::Predicate(scan.to_owned())).judge(&signed(Some(scan))),
            Ok(())
        );
    }

    #[test]
    fn another_identity_or_issuer_is_told_with_what_was_wanted() {
        let other = accepted("https://github.com/acme/other/**", Claim::Either);
        let refused = other.judge(&signed(None)).unwrap_err();
        assert!(
            refused.contains(WORKFLOW) && refused.contains("acme/other"),
            "{refused}"
        );
        let mut forged = signed(None);
        forged.issuer = Some("https://evil.example".to_owned());
        let refused = accepted(WORKFLOW, Claim::Either).judge(&forged).unwrap_err();
        assert!(
            refused.contains("evil.example") && refused.contains(ISSUER),
            "{refused}"
        );
        forged.issuer = None;
        assert!(accepted(WORKFLOW, Claim::Either).judge(&forged).is_err());
    }
}

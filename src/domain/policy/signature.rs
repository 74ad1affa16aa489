//! Whether an image bears the signatures that are asked for.

use crate::domain::model::{Accepted, SignaturePolicy, Signed};

/// Most bundles whose faults are told one by one.
const TOLD: usize = 5;

/// A bundle that hangs off the image, held against everything that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What it is called: `bundle 0f1e2d3c4b5a`.
    pub name: String,
    /// One for each of [`SignaturePolicy::accepted`], in that order: what was verified on its trust, or
    /// why it was not.
    pub attempts: Vec<Result<Signed, String>>,
}

/// Everything that was found out about an image's signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Bundles that were held against the policy.
    pub examined: Vec<Examined>,
    /// How many more referrers there are than are looked at.
    pub left_out: usize,
    /// Tags of cosign before version 3.
    pub legacy: Vec<String>,
    /// What could not be looked at, in words.
    pub troubles: Vec<String>,
}

/// What is known of an image's signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signatures {
    /// The release is no image by digest: there is nothing that could be signed.
    NoImage,
    /// The image is not built yet: whoever plans can only say what it will need.
    Pending(SignaturePolicy),
    /// An earlier deployment of this very image verified them; the ledger says so.
    Recorded(Vec<Signed>),
    /// They were looked for now.
    Searched(Result<Vec<Signed>, Vec<String>>),
}

/// The signatures that satisfy `policy`, each once; or everything that is in the way.
///
/// # Errors
/// One phrase for each reason.
pub fn signatures(policy: &SignaturePolicy, search: &Search) -> Result<Vec<Signed>, Vec<String>> {
    let mut satisfying: Vec<Signed> = Vec::new();
    let mut lacking: Vec<&Accepted> = Vec::new();
    let mut any = false;
    for (place, accepted) in policy.accepted().enumerate() {
        let is_needed = place < policy.all.len();
        match search
            .examined
            .iter()
            .find_map(|found| found.fits(place, accepted))
        {
            Some(signed) => {
                any |= !is_needed;
                if !satisfying.contains(signed) {
                    satisfying.push(signed.clone());
                }
            }
            None if is_needed => lacking.push(accepted),
            None => {}
        }
    }
    let needs_one = !policy.any.is_empty() && !any;
    if lacking.is_empty() && !needs_one && !satisfying.is_empty() {
        return Ok(satisfying);
    }
    let mut reasons: Vec<String> = lacking
        .iter()
        .map(|accepted| format!("it lacks {accepted}"))
        .collect();
    if needs_one {
        let wanted: Vec<String> = policy.any.iter().map(ToString::to_string).collect();
        reasons.push(format!("it lacks {}", wanted.join(", or ")));
    }
    reasons.extend(found(policy, search));
    Err(reasons)
}

/// What was found instead.
fn found(policy: &SignaturePolicy, search: &Search) -> Vec<String> {
    let mut reasons = Vec::new();
    if search.examined.is_empty() {
        reasons.push("no Sigstore bundle is attached to it".to_owned());
    }
    for examined in search.examined.iter().take(TOLD) {
        let mut faults: Vec<String> = Vec::new();
        for (accepted, attempt) in policy.accepted().zip(&examined.attempts) {
            let fault = match attempt {
                Ok(signed) => accepted.judge(signed).err(),
                Err(why) => Some(why.clone()),
            };
            faults.extend(fault.filter(|fault| !faults.contains(fault)));
        }
        if !faults.is_empty() {
            reasons.push(format!("{}: {}", examined.name, faults.join("; ")));
        }
    }
    let more = search.examined.len().saturating_sub(TOLD);
    if more > 0 {
        reasons.push(format!("{more} more bundles do not help either"));
    }
    if search.left_out > 0 {
        reasons.push(format!(
            "{} more manifests are attached to it and were not looked at",
            search.left_out
        ));
    }
    reasons.extend(search.legacy.iter().map(|tag| {
        format!(
            "{tag} is a signature of cosign before version 3, which greenroom does not read: sign again with \
             cosign 3, or run `cosign verify` as a beforeDeploy hook"
        )
    }));
    reasons.extend(search.troubles.iter().cloned());
    reasons
}

impl Examined {
    fn fits(&self, place: usize, accepted: &Accepted) -> Option<&Signed> {
        let signed = self.attempts.get(place)?.as_ref().ok()?;
        accepted.judge(signed).is_ok().then_some(signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{Claim, Digest, Roots, Signer};

    fn key(file: &str) -> Accepted {
        Accepted {
            signer: Signer::Key(file.into()),
            claim: Claim::Either,
            roots: Roots::Public,
            logged: true,
        }
    }

    fn by(signer: &str) -> Signed {
        Signed {
            bundle: Digest::of(signer.as_bytes()),
            signer: signer.to_owned(),
            issuer: None,
            predicate: None,
            log_index: None,
            at: None,
        }
    }

    fn search(attempts: &[&[Option<&str>]]) -> Search {
        Search {
            examined: attempts
                .iter()
                .map(|attempts| Examined {
                    name: "bundle".to_owned(),
                    attempts: attempts
                        .iter()
                        .map(|attempt| attempt.map(by).ok_or_else(|| "another key".to_owned()))
                        .collect(),
                })
                .collect(),
            ..Search::default()
        }
    }

    #[test]
    fn all_of_one_list_and_one_of_the_other() {
        let policy = SignaturePolicy {
            all: vec![key("a.pub"), key("b.pub")],
            any: vec![key("c.pub"), key("d.pub")],
        };
        let cases: [(&[&[Option<&str>]], bool); 5] = [
            (
                &[
                    &[Some("a"), None, None, None],
                    &[None, Some("b"), None, Some("d")],
                ],
                true,
            ),
            (&[&[Some("a"), Some("b"), None, None]], false),
            (&[&[Some("a"), None, Some("c"), Some("d")]], false),
            (&[&[None, None, Some("c"), None]], false),
            (&[], false),
        ];
        for (attempts, satisfied) in cases {
            assert_eq!(
                signatures(&policy, &search(attempts)).is_ok(),
                satisfied,
                "{attempts:?}"
            );
        }
    }

    #[test]
    fn a_policy_without_signers_is_never_satisfied() {
        let nobody = SignaturePolicy::default();
        assert!(signatures(&nobody, &Search::default()).is_err());
        assert!(signatures(&nobody, &search(&[&[]])).is_err());
    }

    #[test]
    fn every_reason_is_told_and_their_number_is_bounded() {
        let policy = SignaturePolicy {
            all: vec![],
            any: vec![key("a.pub")],
        };
        let nothing: &[Option<&str>] = &[None];
        let mut search = search(&[nothing; 40]);
        search.left_out = 950;
        search.legacy = vec!["sha256-00.sig".to_owned()];
        let reasons = signatures(&policy, &search).unwrap_err();
        let all = reasons.join("\n");
        for told in [
            "a signature or provenance with the key a.pub",
            "another key",
            "35 more bundles",
            "950 more manifests",
            "sign again with cosign 3",
        ] {
            assert!(all.contains(told), "{told}: {all}");
        }
        assert!(reasons.len() < 12, "{}", reasons.len());
    }
}

//! Who has to have signed an image.

use super::super::diagnostic::Diagnostic;
use super::super::place::{Located, Span};
use super::super::raw::{RawSignatures, RawSigner, RawTlog};
use crate::domain::model::{Accepted, Claim, InvalidText, Roots, SignaturePolicy, Signer};
use std::str::FromStr;

pub(super) fn resolve(
    raw: RawSignatures,
    place: Option<Span>,
    problems: &mut Vec<Diagnostic>,
) -> SignaturePolicy {
    let is_empty = raw.all.is_empty() && raw.any.is_empty();
    if let (true, Some(place)) = (is_empty, place) {
        problems.push(
            Diagnostic::error(place, "`signatures` names nobody, so no image could be accepted")
                .help("list who signs under `any` or `all`, or take it out"),
        );
    }
    let mut listed = |signers: Vec<Located<RawSigner>>| {
        signers
            .into_iter()
            .filter_map(|signer| accepted(signer, problems))
            .collect()
    };
    SignaturePolicy {
        all: listed(raw.all),
        any: listed(raw.any),
    }
}

fn accepted(raw: Located<RawSigner>, problems: &mut Vec<Diagnostic>) -> Option<Accepted> {
    let Located { value: raw, place } = raw;
    let claim = read(
        raw.kind.as_ref(),
        Claim::Either,
        "leave it out to accept a signature or provenance",
        problems,
    );
    let roots = read(
        raw.roots.as_ref(),
        Roots::Public,
        "`cosign trusted-root create` writes a file of roots",
        problems,
    );
    let logged = !matches!(&raw.tlog, Some(tlog) if tlog.value == RawTlog::Skip);
    let signer = match (raw.identity, raw.issuer, raw.key) {
        (Some(identity), Some(issuer), None) => identified(&identity, issuer, problems),
        (None, None, Some(key)) if !key.value.trim().is_empty() => Some(Signer::Key(key.value.into())),
        (Some(identity), None, None) => {
            problems.push(
                Diagnostic::error(
                    identity.place,
                    "an identity is only worth what its issuer's word is",
                )
                .help("add `issuer`, for a GitHub workflow https://token.actions.githubusercontent.com"),
            );
            None
        }
        _ => {
            problems.push(
                Diagnostic::error(place, "a signer is either an identity with its issuer, or a key")
                    .help("write `identity` and `issuer`, or `key: cosign.pub`"),
            );
            None
        }
    }?;
    let (claim, roots) = (claim?, roots?);
    check_log(&signer, &roots, raw.tlog.as_ref(), raw.roots.as_ref(), problems);
    Some(Accepted {
        // GitHub's own instance has timestamps, and no log.
        logged: logged && roots != Roots::GitHub,
        signer,
        claim,
        roots,
    })
}

fn identified(
    identity: &Located<String>,
    issuer: Located<String>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Signer> {
    let pattern = identity.value.parse().map_err(|error| {
        problems.push(
            Diagnostic::error(identity.place, format!("{error}"))
                .help("spell out the host and the owner: https://github.com/acme/**"),
        );
    });
    if !issuer.value.starts_with("https://") || issuer.value.contains(|c: char| c == '*' || c.is_whitespace())
    {
        problems.push(
            Diagnostic::error(issuer.place, "an issuer is the exact https URL of who vouches")
                .help("for a GitHub workflow it is https://token.actions.githubusercontent.com"),
        );
        return None;
    }
    Some(Signer::Identity {
        identity: pattern.ok()?,
        issuer: issuer.value,
    })
}

/// What is written as a noun, or what is meant where nothing is.
fn read<T: FromStr<Err = InvalidText>>(
    written: Option<&Located<String>>,
    absent: T,
    help: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<T> {
    let Some(written) = written else {
        return Some(absent);
    };
    written
        .value
        .parse()
        .map_err(|error: InvalidText| {
            problems.push(Diagnostic::error(written.place, error.to_string()).help(help));
        })
        .ok()
}

/// Where the log cannot be left out, and where there is none.
fn check_log(
    signer: &Signer,
    roots: &Roots,
    tlog: Option<&Located<RawTlog>>,
    written: Option<&Located<String>>,
    problems: &mut Vec<Diagnostic>,
) {
    let skips = tlog.filter(|tlog| tlog.value == RawTlog::Skip);
    match (signer, roots, skips) {
        (Signer::Identity { .. }, Roots::Public, Some(tlog)) => problems.push(
            Diagnostic::error(tlog.place, "without the log a public identity cannot be trusted").help(
                "a certificate is valid for ten minutes, and the log says when it was used; take `tlog` out",
            ),
        ),
        (Signer::Key(_), Roots::GitHub, None) => problems.extend(written.map(|roots| {
            Diagnostic::error(
                roots.place,
                "GitHub's roots have no log that a key's signature could be in",
            )
            .help("take `roots` out, or say `tlog: skip`")
        })),
        _ => {}
    }
}

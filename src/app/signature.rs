//! What hangs off an image as its signature: looked for, verified, and held against what is accepted.

use super::connections::{self, Place};
use super::error::AppError;
use super::image_build::find;
use super::workspace::Workspace;
use crate::adapters::signature::github::GitHubAttestations;
use crate::adapters::signature::sigstore::SigstoreVerifier;
use crate::domain::model::{
    Accepted, Artifact, Digest, ErrorKind, Explanation, ImageName, Roots, SignaturePolicy, Signed, Signer,
};
use crate::domain::oci::{Body, Descriptor, Manifest, attachment_tags, fallback_tag};
use crate::domain::policy::{Examined, Search, signatures};
use crate::host::files::read_bounded;
use crate::ports::{Attestations, Catalog, Trust, TrustedRoots, Verifier};
use crate::report::foreign;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

/// Most manifests that hang off an image and are looked at.
const REFERRERS: usize = 50;
/// The largest bundle that is read, in bytes.
const LARGEST_BUNDLE: u64 = 4 << 20;
/// The largest key or trusted root that is read, in bytes.
const LARGEST_TRUST: u64 = 1 << 20;
/// How the media type of every version of a bundle begins.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
/// When a referrer was made.
const CREATED: &str = "org.opencontainers.image.created";

/// The image that a name means: by digest as it is, or what the tag names now.
///
/// # Errors
/// When it names no image.
pub fn resolve(workspace: &Workspace, name: &ImageName) -> Result<Artifact, AppError> {
    let repository = name.repository.as_str();
    match (&name.digest, &name.tag) {
        (Some(digest), _) => Ok(Artifact {
            repository: repository.to_owned(),
            digest: digest.clone(),
        }),
        (None, Some(tag)) => find(workspace, repository, tag.as_str()),
        (None, None) => Err(AppError::usage(
            Explanation::new(format!("{repository} names no image"))
                .fix(format!("write {repository}:TAG or {repository}@sha256:…")),
        )),
    }
}

/// The signatures of `image` that satisfy `policy`, or every reason why there are none.
///
/// # Errors
/// When the registry cannot be asked, or a key or trusted root is of no use.
pub fn examine(
    workspace: &Workspace,
    image: &Artifact,
    policy: &SignaturePolicy,
) -> Result<Result<Vec<Signed>, Vec<String>>, AppError> {
    Ok(signatures(policy, &search(workspace, image, policy)?))
}

/// Everything that is known of the signatures of `image`, as far as `policy` needs it.
///
/// # Errors
/// When the registry cannot be asked, or a key or trusted root is of no use. What is wrong with a bundle is
/// part of what is found.
fn search(workspace: &Workspace, image: &Artifact, policy: &SignaturePolicy) -> Result<Search, AppError> {
    let trusts = policy
        .accepted()
        .map(|accepted| trust(&workspace.root, accepted))
        .collect::<Result<Vec<Trust>, AppError>>()?;
    let registry = workspace.registry();
    let mut looking = Looking {
        registry: registry.as_ref(),
        verifier: &SigstoreVerifier,
        image,
        policy,
        trusts,
        seen: BTreeSet::new(),
        found: Search::default(),
    };
    if looking.in_registry()? {
        return Ok(looking.found);
    }
    let by_identity = |accepted: &Accepted| matches!(accepted.signer, Signer::Identity { .. });
    if policy.accepted().any(by_identity)
        && let Some(attestations) = attestations(workspace)?
        && looking.at_forge(&attestations)?
    {
        return Ok(looking.found);
    }
    looking.legacy();
    Ok(looking.found)
}

/// The attestations of the repository whose workflow this is, or that the variables name.
fn attestations(workspace: &Workspace) -> Result<Option<GitHubAttestations>, AppError> {
    let place = Place::of(&workspace.context.environment);
    let Some(repository) = place.repository else {
        return Ok(None);
    };
    let client = connections::client(&workspace.context.environment)?;
    Ok(Some(GitHubAttestations::new(
        client,
        place.api,
        repository,
        place.token,
    )?))
}

/// What an accepted signature has to rest on, with the files that it names.
fn trust(root: &Path, accepted: &Accepted) -> Result<Trust, AppError> {
    let read = |what: &str, file: &Path| {
        let path = root.join(file);
        read_bounded(&path, LARGEST_TRUST).map_err(AppError::io(format!("reading {what} {}", path.display())))
    };
    Ok(Trust {
        key: match &accepted.signer {
            Signer::Key(file) => Some(read("the key", file)?),
            Signer::Identity { .. } => None,
        },
        roots: match &accepted.roots {
            Roots::Public => TrustedRoots::Public,
            Roots::GitHub => TrustedRoots::GitHub,
            Roots::File(file) => TrustedRoots::Given(read("the trusted roots", file)?),
        },
        logged: accepted.logged,
    })
}

struct Looking<'a> {
    registry: &'a dyn Catalog,
    verifier: &'a dyn Verifier,
    image: &'a Artifact,
    policy: &'a SignaturePolicy,
    trusts: Vec<Trust>,
    /// Bundles that were held against the policy.
    seen: BTreeSet<Digest>,
    found: Search,
}

impl Looking<'_> {
    /// Looks at what is attached to the image in its registry; whether that is enough.
    fn in_registry(&mut self) -> Result<bool, AppError> {
        let mut referrers = self
            .registry
            .referrers(&self.image.repository, &self.image.digest)?;
        // Some registries write a wrong type into their list, so only what is surely something else goes.
        referrers.retain(|referrer| rank(referrer).is_some());
        referrers.sort_by_cached_key(|referrer| {
            let created = referrer.annotations.get(CREATED).cloned();
            (rank(referrer), Reverse(created), referrer.digest.clone())
        });
        self.found.left_out = referrers.len().saturating_sub(REFERRERS);
        for referrer in referrers.iter().take(REFERRERS) {
            match self.bundle(referrer) {
                Ok(Some(bundle)) => {
                    if self.examine(&bundle)? {
                        return Ok(true);
                    }
                }
                Ok(None) => {}
                Err(trouble) => self.trouble(&trouble),
            }
        }
        Ok(false)
    }

    /// The same with what the forge attested.
    fn at_forge(&mut self, attestations: &dyn Attestations) -> Result<bool, AppError> {
        let bundles = match attestations.bundles(&self.image.digest) {
            Ok(bundles) => bundles,
            Err(error) => {
                self.trouble(&error.to_string());
                return Ok(false);
            }
        };
        for bundle in bundles {
            if self.examine(&bundle)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn trouble(&mut self, trouble: &str) {
        self.found.troubles.push(foreign::line(trouble));
    }

    /// The bundle that a manifest holds; `None` when it holds something else.
    fn bundle(&self, referrer: &Descriptor) -> Result<Option<Vec<u8>>, String> {
        let repository = &self.image.repository;
        let called = format!("the attached manifest {}", referrer.digest.short());
        let bytes = self
            .registry
            .manifest(repository, &referrer.digest)
            .map_err(|error| error.to_string())?;
        let manifest = Manifest::parse(&bytes).map_err(|error| format!("{called}: {error}"))?;
        let is_about = manifest.subject.as_ref().map(|subject| &subject.digest);
        if is_about != Some(&self.image.digest) || !is_bundle(manifest.artifact_type.as_deref()) {
            return Ok(None);
        }
        let layer = match &manifest.body {
            Body::Image { layers, .. } => layers.first(),
            Body::Index { .. } => None,
        };
        let layer = layer.ok_or_else(|| format!("{called} holds no bundle"))?;
        if layer.size > LARGEST_BUNDLE {
            return Err(format!(
                "{called} holds a bundle of {} bytes; at most {LARGEST_BUNDLE} are read",
                layer.size
            ));
        }
        let mut bundle = Vec::new();
        self.registry
            .blob(repository, &layer.digest)
            .map_err(|error| error.to_string())?
            .take(LARGEST_BUNDLE + 1)
            .read_to_end(&mut bundle)
            .map_err(|error| format!("{called}: {error}"))?;
        if bundle.len() as u64 != layer.size {
            return Err(format!("{called}: its bundle is not as long as it says"));
        }
        Ok(Some(bundle))
    }

    /// Holds a bundle against everything that is accepted; whether all that was found is enough now.
    fn examine(&mut self, bundle: &[u8]) -> Result<bool, AppError> {
        let digest = Digest::of(bundle);
        if !self.seen.insert(digest.clone()) {
            return Ok(false);
        }
        let mut attempts: Vec<Result<Signed, String>> = Vec::new();
        for (place, trust) in self.trusts.iter().enumerate() {
            let same = self.trusts.iter().position(|earlier| earlier == trust);
            let attempt = match same
                .filter(|same| *same < place)
                .and_then(|same| attempts.get(same))
            {
                Some(attempt) => attempt.clone(),
                None => match self.verifier.verify(bundle, &self.image.digest, trust) {
                    Ok(signed) => Ok(signed),
                    Err(error) if error.kind == ErrorKind::Denied => {
                        Err(foreign::line(&error.why.to_string()))
                    }
                    Err(error) => return Err(error.into()),
                },
            };
            attempts.push(attempt);
        }
        self.found.examined.push(Examined {
            name: format!("bundle {}", digest.short()),
            attempts,
        });
        Ok(signatures(self.policy, &self.found).is_ok())
    }

    /// What cosign before version 3 left as tags. That it cannot be asked for is no reason of its own.
    fn legacy(&mut self) {
        let digest = &self.image.digest;
        let tags = attachment_tags(digest).into_iter();
        let cosign = tags.filter(|tag| *tag != fallback_tag(digest) && !tag.as_str().ends_with(".sbom"));
        for tag in cosign {
            if let Ok(Some(_)) = self.registry.resolve(&self.image.repository, &tag) {
                self.found.legacy.push(tag.to_string());
            }
        }
    }
}

fn is_bundle(artifact_type: Option<&str>) -> bool {
    artifact_type.is_some_and(|found| found.starts_with(BUNDLE))
}

/// What to look at first: bundles, then what does not say what it is. `None` for what is something else.
fn rank(referrer: &Descriptor) -> Option<u8> {
    match referrer.artifact_type.as_deref() {
        found if is_bundle(found) => Some(0),
        None | Some("" | crate::domain::oci::media::EMPTY) => Some(1),
        Some(_) => None,
    }
}

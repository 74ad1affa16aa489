//! `greenroom signature`.

use super::shell::Shell;
use crate::app::signature::{examine, resolve};
use crate::app::{AppError, Exit, Workspace};
use crate::domain::model::{
    Accepted, Claim, EnvironmentName, Explanation, IdentityPattern, ImageName, Roots, SignaturePolicy, Signer,
};
use crate::report::document::SignaturesDocument;
use clap::Subcommand;
use std::path::PathBuf;

/// Verify who signed an image
///
/// Example: greenroom signature verify ghcr.io/acme/app:1.2.3 -e production
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify the Sigstore bundles that are attached to an image, as a deployment would
    ///
    /// Reads cosign 3 bundles and GitHub attestations, from the registry, then from GitHub where
    /// GITHUB_REPOSITORY is set. Exit code 6 with every reason when none is accepted.
    ///
    /// Example: greenroom signature verify ghcr.io/acme/app@sha256:… --identity
    /// https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main --issuer
    /// https://token.actions.githubusercontent.com
    Verify(Box<VerifyArgs>),
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// The image: REPOSITORY@DIGEST or REPOSITORY:TAG
    image: ImageName,
    /// Accept what this environment accepts (`protection.signatures`)
    #[arg(short, long, value_name = "ENV", required_unless_present_any = ["identity", "key"],
        conflicts_with_all = ["identity", "key", "kind", "roots", "skip_tlog"])]
    environment: Option<EnvironmentName>,
    /// Accept the signature of this identity; `*` and `**` as in the configuration
    #[arg(long, value_name = "IDENTITY", requires = "issuer", conflicts_with = "key")]
    identity: Option<IdentityPattern>,
    /// Who vouches for the identity
    #[arg(long, value_name = "URL", requires = "identity")]
    issuer: Option<String>,
    /// Accept signatures with this public key, a PEM file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// What has to be signed: signature, provenance, or a predicate type's URL; a signature or provenance
    /// where none is given
    #[arg(long, value_name = "KIND")]
    kind: Option<Claim>,
    /// Whose certificates and logs are trusted: public, github, or a trusted_root.json
    #[arg(long, value_name = "ROOTS", default_value = "public")]
    roots: Roots,
    /// The signature need not be in the transparency log: for a key, or for roots of one's own
    #[arg(long)]
    skip_tlog: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let Command::Verify(args) = &args.command;
    let workspace = shell.workspace()?;
    let policy = args.policy(shell, &workspace)?;
    let image = resolve(&workspace, &args.image)?;
    let found = examine(&workspace, &image, &policy)?;
    if shell.is_json() {
        let found = found.as_deref().map_err(Vec::as_slice);
        shell.json(&SignaturesDocument::of(image.to_string(), found));
    }
    match found {
        Ok(signatures) => {
            for signed in signatures {
                shell.say(&format!("{image}: signed by {signed}"));
            }
            Ok(Exit::Done)
        }
        Err(reasons) => {
            shell.warn(&format!("error: {image} is not accepted"));
            for reason in reasons {
                shell.warn(&format!("  {reason}"));
            }
            Ok(Exit::Refused)
        }
    }
}

impl VerifyArgs {
    fn policy(&self, shell: &Shell, workspace: &Workspace) -> Result<SignaturePolicy, AppError> {
        if let Some(name) = &self.environment {
            let configured = &workspace.environment(name)?.protection.signatures;
            return configured.clone().ok_or_else(|| {
                AppError::usage(
                    Explanation::new(format!("{name} asks for no signatures"))
                        .fix("add `protection.signatures`, or give --identity or --key"),
                )
            });
        }
        let directory = shell.context.environment.directory();
        let signer = match (&self.identity, &self.issuer, &self.key) {
            (Some(identity), Some(issuer), _) => Signer::Identity {
                identity: identity.clone(),
                issuer: issuer.clone(),
            },
            (_, _, Some(key)) => Signer::Key(directory.join(key)),
            _ => {
                return Err(AppError::usage("give --environment, --identity or --key"));
            }
        };
        if self.skip_tlog && self.key.is_none() && self.roots == Roots::Public {
            let why = Explanation::new("without the log a public identity cannot be trusted");
            return Err(AppError::usage(why.fix("leave --skip-tlog out")));
        }
        let accepted = Accepted {
            signer,
            claim: self.kind.clone().unwrap_or(Claim::Either),
            roots: match &self.roots {
                Roots::File(file) => Roots::File(directory.join(file)),
                roots => roots.clone(),
            },
            // GitHub's own instance has timestamps, and no log.
            logged: !self.skip_tlog && self.roots != Roots::GitHub,
        };
        Ok(SignaturePolicy {
            all: Vec::new(),
            any: vec![accepted],
        })
    }
}

//! What a run calls its build: commit, version, time and tags, settled once and handed on.

use super::error::AppError;
use super::record::EnvironmentRecord;
use super::workspace::Workspace;
use crate::config::Environment;
use crate::config::project::VersionSource;
use crate::domain::model::{Artifact, CommitId, EnvironmentType, Explanation, Timestamp, Version};
use crate::domain::tagging::{
    Stamp, TagPattern, Tagging, VERSION_FILES, VersionError, production_tags, staging_tags, version_from,
    version_from_workspace,
};
use crate::domain::trigger::Decision;
use crate::host::files::read_bounded;
use crate::images::{self, Claims};
use std::io;
use std::path::Path;

/// The largest version file that is read.
const LARGEST: u64 = 1024 * 1024;

/// The name and time of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The commit; `None` outside a repository.
    pub commit: Option<CommitId>,
    /// The version.
    pub version: Version,
    /// When the run began.
    pub time: Timestamp,
}

impl Identity {
    /// The commit as text; empty outside a repository.
    pub fn sha(&self) -> String {
        self.commit.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// Settles commit and version. `time` is read once per run. An image that exists stays what it was built as,
    /// wherever it is deployed from; only a `version` that was asked for counts more.
    ///
    /// # Errors
    /// When the ref, the version or the image cannot be found.
    pub fn settle(
        workspace: &Workspace,
        decision: &Decision,
        version: Option<&Version>,
        image: Option<&Artifact>,
        time: Timestamp,
    ) -> Result<Self, AppError> {
        let claims = match image {
            Some(image) => claims(workspace, image)?,
            None => Claims::default(),
        };
        let commit = match claims.revision {
            Some(revision) => Some(revision),
            None => commit(workspace, decision)?,
        };
        let version = match version.or(decision.version.as_ref()).cloned().or(claims.version) {
            Some(version) => version,
            None => detect(workspace, commit.as_ref())?,
        };
        Ok(Self {
            commit,
            version,
            time,
        })
    }

    /// The tags of the image for `environment`.
    ///
    /// # Errors
    /// When the ledger, which knows the newest version that is live, cannot be read.
    pub fn tags(&self, workspace: &Workspace, environment: &Environment) -> Result<Tagging, AppError> {
        if environment.kind == EnvironmentType::Production {
            let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), &environment.name.value)?;
            let live = standing.live.map(|plan| plan.candidate.version);
            return Ok(production_tags(
                &self.version,
                self.commit.as_ref(),
                live.as_ref(),
            ));
        }
        let stamp = Stamp {
            version: &self.version,
            time: self.time,
            commit: self.commit.as_ref(),
        };
        Ok(staging_tags(&environment.name.value, &stamp))
    }
}

/// What an image says it is, where it was built for this service. What any other says may be about its base, and
/// counts for nothing.
fn claims(workspace: &Workspace, image: &Artifact) -> Result<Claims, AppError> {
    let claims = images::claims(workspace.registry().as_ref(), &image.repository, &image.digest)?;
    Ok(match &claims.title {
        Some(title) if *title == workspace.project.service => claims,
        _ => Claims::default(),
    })
}

/// The commit to deploy: the event's own, what the ref names, or what is checked out.
fn commit(workspace: &Workspace, decision: &Decision) -> Result<Option<CommitId>, AppError> {
    let repository = workspace.repository();
    match (&decision.sha, &decision.git_ref) {
        (Some(sha), _) => Ok(Some(sha.clone())),
        (None, Some(git_ref)) => match repository.resolve(git_ref)? {
            Some(commit) => Ok(Some(commit)),
            None => Err(AppError::usage(
                Explanation::new(format!("the repository has no {git_ref:?}"))
                    .fix("fetch it first, or name a branch, tag or commit that is there"),
            )),
        },
        (None, None) => Ok(repository.head()?),
    }
}

/// Refuses to build anything but the commit that is to be deployed.
///
/// # Errors
/// When another commit is checked out.
pub fn require_checkout(workspace: &Workspace, commit: Option<&CommitId>) -> Result<(), AppError> {
    let head = workspace.repository().head()?;
    match (commit, head) {
        (Some(commit), Some(head)) if *commit != head => Err(AppError::project(
            Explanation::new(format!(
                "{} is to be deployed and {} is checked out",
                commit.short(),
                head.short()
            ))
            .fix(format!("check out {commit} before this step")),
        )),
        _ => Ok(()),
    }
}

fn detect(workspace: &Workspace, commit: Option<&CommitId>) -> Result<Version, AppError> {
    match &workspace.project.version {
        VersionSource::Value(version) => Ok(version.clone()),
        VersionSource::File(file) => {
            let text = text(&workspace.root.join(file)).map_err(AppError::io(format!(
                "reading the version from {}",
                file.display()
            )))?;
            from_file(workspace, &file.to_string_lossy(), &text)
        }
        VersionSource::Tag(pattern) => from_tag(workspace, pattern, commit),
        VersionSource::Detect => {
            for file in VERSION_FILES {
                match text(&workspace.root.join(file)) {
                    Ok(text) => return from_file(workspace, file, &text),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        return Err(AppError::io(format!("reading the version from {file}"))(error));
                    }
                }
            }
            Err(AppError::project(
                Explanation::new(format!(
                    "no version: there is none of {} in {}",
                    VERSION_FILES.join(", "),
                    workspace.root.display()
                ))
                .fix("add one, or say `version: { value: 1.2.3 }`"),
            ))
        }
    }
}

fn from_file(workspace: &Workspace, file: &str, written: &str) -> Result<Version, AppError> {
    match version_from(file, written) {
        // A member of a Cargo workspace: the version stands in a Cargo.toml further up.
        Err(VersionError::Inherited { .. }) => {
            let member = workspace.root.join(file);
            for above in member.ancestors().skip(2) {
                if let Ok(root) = text(&above.join("Cargo.toml")) {
                    return Ok(version_from_workspace("Cargo.toml", &root)?);
                }
            }
            Ok(version_from(file, written)?)
        }
        other => Ok(other?),
    }
}

fn from_tag(workspace: &Workspace, pattern: &str, commit: Option<&CommitId>) -> Result<Version, AppError> {
    let commit = commit
        .ok_or_else(|| AppError::project("the version comes from a git tag, and there is no commit here"))?;
    let parsed: TagPattern = pattern.parse()?;
    let tags = workspace.repository().tags_at(commit)?;
    parsed.newest(&tags).ok_or_else(|| {
        AppError::project(
            Explanation::new(format!("no tag like {pattern:?} points at {}", commit.short()))
                .fix("tag it, or fetch the tags (`fetch-tags: true`)"),
        )
    })
}

fn text(path: &Path) -> io::Result<String> {
    let bytes = read_bounded(path, LARGEST)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

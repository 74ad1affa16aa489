//! Scans one image and judges it for an environment, outside of any run.

use super::super::error::AppError;
use super::super::image_build::find;
use super::super::record::EnvironmentRecord;
use super::super::workspace::Workspace;
use super::gate::ScanGate;
use super::gate::level;
use crate::config::Environment;
use crate::domain::model::{Artifact, CommitId, EnvironmentName, EnvironmentType, Explanation};
use crate::domain::scan::{Assessment, Level};
use std::path::PathBuf;

/// What is to be scanned.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// The environment whose rules hold, and whose ledger gets the result.
    pub environment: EnvironmentName,
    /// An image by tag or digest; what is live there where `None`.
    pub image: Option<String>,
    /// A report that is there, instead of the configured scanner.
    pub report: Option<PathBuf>,
}

/// A scan that was made and recorded.
pub struct ImageScan {
    /// What it came to; its result may also be an error.
    pub assessment: Assessment,
    /// The commit that the image was made from, where it is known.
    pub commit: Option<CommitId>,
}

/// Scans one image for one environment.
///
/// # Errors
/// [`AppError::Scan`] when there is no report that can be read; when there is no such image, or nothing
/// is configured to scan it with.
pub fn scan(workspace: &Workspace, wish: &ScanOptions) -> Result<ImageScan, AppError> {
    let environment = workspace.environment(&wish.environment)?;
    let (image, commit) = image(workspace, wish)?;
    let mut gate = ScanGate::of(workspace, Some(image));
    let level = level(workspace, environment).unwrap_or(usual(workspace, environment));
    let origin = workspace.context.origin("asked to scan", commit.clone());
    let assessment = gate.assess(environment, level, wish.report.as_deref(), origin)?;
    Ok(ImageScan { assessment, commit })
}

/// The level of an environment that is scanned only because somebody asks.
fn usual(workspace: &Workspace, environment: &Environment) -> Level {
    let configured = workspace.project.scan.is_some();
    match environment.kind {
        EnvironmentType::Production if !configured => Level::Block,
        _ => Level::Warn,
    }
}

fn image(workspace: &Workspace, wish: &ScanOptions) -> Result<(Artifact, Option<CommitId>), AppError> {
    let Some(reference) = &wish.image else {
        let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), &wish.environment)?;
        let release = standing.live.map(|plan| plan.candidate);
        let commit = release.as_ref().and_then(|release| release.commit.clone());
        let image = release.and_then(|release| release.artifact);
        return image.map(|image| (image, commit)).ok_or_else(|| {
            AppError::usage(
                Explanation::new(format!("no image is live in {}", wish.environment))
                    .fix("name one with --image"),
            )
        });
    };
    let Some(configured) = &workspace.project.image else {
        return Err(AppError::usage(
            Explanation::new("an image was named, and the project has none")
                .fix("add `image:` to greenroom.yaml"),
        ));
    };
    Ok((find(workspace, &configured.repository, reference)?, None))
}

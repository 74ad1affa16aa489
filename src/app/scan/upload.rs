//! Handing findings in at the forge.

use super::ImageScan;
use crate::app::error::AppError;
use crate::app::forge;
use crate::app::workspace::Workspace;
use crate::domain::model::Explanation;
use crate::ports::{CodeScanning as _, Forge as _, SarifUpload};

/// Uploads `sarif`, the results of `scan`; says where they went.
///
/// # Errors
/// When nothing says which repository, commit and ref they belong to, or the forge does not take them.
pub fn upload(workspace: &Workspace, scan: &ImageScan, sarif: String) -> Result<String, AppError> {
    let forge = forge::required(&workspace.context, "the findings cannot be uploaded")?;
    let environment = &workspace.context.environment;
    let commit = match scan.commit.clone().or_else(|| environment.sha()) {
        Some(commit) => commit,
        None => workspace.repository().head()?.ok_or_else(|| {
            AppError::usage("the findings cannot be uploaded: there is no commit they belong to")
        })?,
    };
    let reference = environment
        .reference()
        .ok_or_else(|| {
            AppError::usage(
                Explanation::new("the findings cannot be uploaded")
                    .fix("set GITHUB_REF to the ref they belong to (refs/heads/main)"),
            )
        })?
        .to_owned();
    let id = forge.upload_sarif(&SarifUpload {
        commit,
        reference,
        sarif,
        tool: "greenroom".to_owned(),
        started: scan.assessment.at,
    })?;
    Ok(format!("{} (upload {id})", forge.name()))
}

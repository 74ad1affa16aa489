//! An image that was promoted, or would be.

use super::{ImagePreviewDocument, ImageTransfer};
use crate::domain::model::{EnvironmentName, Proof, Version};
use crate::domain::rollout::Plan;
use serde::Serialize;

/// An image that was promoted and not deployed (`--image-only`).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.promotion/1", rename_all = "camelCase")]
pub struct PromotionDocument<'a> {
    /// The environment where it proved itself.
    pub from: &'a EnvironmentName,
    /// The environment whose image it is now.
    pub to: &'a EnvironmentName,
    /// Its version.
    pub version: &'a Version,
    /// What speaks for it; `None` where the environment asks for no tests.
    pub proof: Option<&'a Proof>,
    /// What was copied.
    #[serde(flatten)]
    pub transfer: ImageTransfer<'a>,
}

/// What a promotion would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "schema",
    rename = "greenroom.promotion.preview/1",
    rename_all = "camelCase"
)]
pub struct PromotionPreviewDocument<'a> {
    /// The environment where it proved itself.
    pub from: &'a EnvironmentName,
    /// The environment that it would go to.
    pub to: &'a EnvironmentName,
    /// Its version.
    pub version: &'a Version,
    /// What speaks for it; `None` where the environment asks for no tests.
    pub proof: Option<&'a Proof>,
    /// Why `latest` would not be among its tags, where it might have been expected.
    pub withheld: Option<&'a str>,
    /// What would be copied.
    pub image: ImagePreviewDocument<'a>,
    /// The plan of its deployment; `None` where nothing would be deployed.
    pub plan: Option<&'a Plan>,
    /// What is worth knowing about the plan.
    pub notes: &'a [String],
}

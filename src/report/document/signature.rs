//! Who signed an image.

use crate::domain::model::Signed;
use serde::Serialize;

/// Whether the signatures of an image are accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.signatures/1", rename_all = "camelCase")]
pub struct SignaturesDocument<'a> {
    /// The image, `REPOSITORY@DIGEST`.
    pub image: String,
    /// Whether it is accepted.
    pub accepted: bool,
    /// Every signature that speaks for it; `None` where it is not accepted.
    pub signatures: Option<&'a [Signed]>,
    /// Every reason why it is not accepted; `None` where it is.
    pub reasons: Option<&'a [String]>,
}

impl<'a> SignaturesDocument<'a> {
    /// Shows what a look at the signatures of `image` came to.
    pub fn of(image: String, found: Result<&'a [Signed], &'a [String]>) -> Self {
        Self {
            image,
            accepted: found.is_ok(),
            signatures: found.ok(),
            reasons: found.err(),
        }
    }
}

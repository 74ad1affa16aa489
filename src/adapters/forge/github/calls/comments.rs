//! Comments on pull requests, which GitHub keeps as comments on issues.

use super::Call;
use crate::adapters::forge::github::text;
use crate::domain::model::PullComment;
use crate::host::url;
use serde_json::json;

const NEEDS: &str = "pull-requests: write";
/// The longest body. GitHub counts characters; bytes are never fewer.
const LONGEST: usize = 65_536;

/// One page of the comments on a pull request, from 1, oldest first.
pub fn page(pull: u64, page: u64) -> Call {
    Call::get(NEEDS, format!("issues/{pull}/comments?per_page=100&page={page}"))
}

/// A new comment.
pub fn create(comment: &PullComment) -> Call {
    let path = format!("issues/{}/comments", comment.pull);
    Call::post(NEEDS, path, json!({ "body": body(comment) }))
}

/// Writes comment `number` anew.
pub fn update(number: u64, comment: &PullComment) -> Call {
    let path = format!("issues/comments/{number}");
    Call::patch(NEEDS, path, json!({ "body": body(comment) }))
}

/// The first line of a comment, which is not shown: what it is found by.
pub fn marker(key: &str) -> String {
    // A `>` would end it too early.
    format!("<!-- greenroom:{} -->", url::encoded(key))
}

/// The comment as it is sent.
pub fn body(comment: &PullComment) -> String {
    let marker = marker(&comment.key);
    let room = LONGEST.saturating_sub(marker.len() + 1);
    format!("{marker}\n{}", text::fitted(&comment.body, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_ends_its_marker_too_early() {
        assert_eq!(marker("staging"), "<!-- greenroom:staging -->");
        assert_eq!(marker("a --> b"), "<!-- greenroom:a%20--%3E%20b -->");
    }
}

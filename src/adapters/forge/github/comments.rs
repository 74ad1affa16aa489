//! The comment on a pull request that is written anew in place.

use super::GitHub;
use super::calls::comments as calls;
use super::pages;
use super::talk::Talk;
use crate::domain::model::{ErrorKind, PortError, PullComment};
use octocrab::Page;
use serde::Deserialize;
use std::cell::RefCell;

/// Most pages of 100 comments that are read: the first, and the newest.
const PAGES: u64 = 10;

#[derive(Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    author_association: Option<String>,
}

#[derive(Deserialize)]
struct User {
    #[serde(rename = "type")]
    kind: String,
}

impl Comment {
    fn is_by_app(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.kind == "Bot")
    }

    /// Whether it may be greenroom's own: by an app, or by somebody who works here, whose token that may be.
    /// A stranger could change what greenroom writes into a comment of theirs.
    fn is_trusted(&self) -> bool {
        let association = self.author_association.as_deref();
        self.is_by_app() || matches!(association, Some("OWNER" | "MEMBER" | "COLLABORATOR"))
    }

    fn says(&self, body: &str) -> bool {
        // GitHub may give lines back with the ends that a browser sends.
        let own = self.body.as_deref().unwrap_or_default().replace("\r\n", "\n");
        own.trim_end() == body.trim_end()
    }
}

/// See [`crate::ports::Forge::upsert_comment`].
pub(super) fn upsert(github: &GitHub, comment: &PullComment) -> Result<(), PortError> {
    let talk = github.talk(&format!("commenting on pull request {}", comment.pull));
    let body = calls::body(comment);
    // What a look finds is what the act after it writes into.
    let known = RefCell::new(Vec::new());
    talk.settle(
        || {
            let found = find(&talk, comment)?;
            let done = found.first().is_some_and(|first| first.says(&body));
            known.replace(found);
            Ok(done.then_some(()))
        },
        || write(&talk, comment, &known.borrow()),
    )
}

/// Writes into the first of `known` that can be changed, or a new one.
fn write(talk: &Talk<'_>, comment: &PullComment, known: &[Comment]) -> Result<(), PortError> {
    for own in known {
        match talk.send(&calls::update(own.id, comment)) {
            // Somebody else's, or deleted meanwhile: it must not stand in the way.
            Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Missing) => {}
            outcome => return outcome.map(drop),
        }
    }
    talk.send(&calls::create(comment)).map(drop)
}

/// The comments that begin with the key's marker and may be greenroom's own: apps' first, then the oldest.
fn find(talk: &Talk<'_>, comment: &PullComment) -> Result<Vec<Comment>, PortError> {
    let marker = calls::marker(&comment.key);
    let mut found = Vec::new();
    let mut keep = |page: Vec<Comment>| {
        found.extend(page.into_iter().filter(|comment| {
            let first = comment.body.as_deref().and_then(|body| body.lines().next());
            first.is_some_and(|line| line.trim_end() == marker) && comment.is_trusted()
        }));
        found.is_empty()
    };
    let first: Page<Comment> = talk.ask(&calls::page(comment.pull, 1))?;
    let last = pages::last(&first).unwrap_or(1);
    let mut wanted = keep(first.items);
    let mut page = last;
    while wanted && page > 1 && last - page < PAGES - 1 {
        wanted = keep(talk.ask(&calls::page(comment.pull, page))?);
        page -= 1;
    }
    found.sort_by_key(|comment| (!comment.is_by_app(), comment.id));
    Ok(found)
}

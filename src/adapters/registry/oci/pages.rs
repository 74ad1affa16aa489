//! Lists that come in pages (`Link: <…>; rel="next"`; RFC 8288).

use super::address::Place;
use super::reply::Reply;
use super::retry::Setback;
use super::wire::is_own;
use crate::domain::model::{ErrorKind, PortError};
use crate::host::url::joined;
use std::collections::BTreeSet;

/// Most pages of one list: a million tags.
const MOST: usize = 10_000;

/// The pages of one list.
pub(super) struct Pages<'a> {
    place: &'a Place,
    next: Option<String>,
    seen: BTreeSet<String>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(place: &'a Place, first: String) -> Self {
        Self {
            place,
            next: Some(first),
            seen: BTreeSet::new(),
        }
    }

    /// Whether nothing but the first page has been asked for.
    pub(super) fn is_first(&self) -> bool {
        self.seen.is_empty()
    }

    /// The page to read now.
    pub(super) fn next(&mut self) -> Option<String> {
        self.next.take()
    }

    /// The page after this answer's, on the same registry.
    pub(super) fn link(&self, reply: &Reply, doing: &str) -> Result<Option<String>, Setback> {
        let Some(target) = reply.header("link").and_then(next_link) else {
            return Ok(None);
        };
        match joined(&reply.url, target) {
            Some(url) if is_own(self.place, &url) => Ok(Some(url)),
            _ => {
                let message = format!("{} continues its list on another server", self.place.host);
                Err(Setback::last(PortError::new(ErrorKind::Invalid, doing, message)))
            }
        }
    }

    /// Goes on with that page. A list that comes back to a page has no end.
    pub(super) fn go_on(&mut self, link: Option<String>, doing: &str) -> Result<(), PortError> {
        let Some(url) = link else {
            return Ok(());
        };
        if !self.seen.insert(url.clone()) || self.seen.len() >= MOST {
            let message = format!(
                "{}'s list has no end: its pages lead in a circle",
                self.place.host
            );
            return Err(PortError::new(ErrorKind::Invalid, doing, message));
        }
        self.next = Some(url);
        Ok(())
    }
}

/// The target of the link to the next page, among those of a header.
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let begin = rest.find('<')?;
        let end = begin + rest[begin..].find('>')?;
        let target = &rest[begin + 1..end];
        let parameters = &rest[end + 1..];
        let own = &parameters[..parameters
            .find(",<")
            .or_else(|| parameters.find(", <"))
            .unwrap_or(parameters.len())];
        let is_next = own.split(';').any(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                let relations = value.trim().trim_matches(['"', ',', ' ']);
                name.trim().eq_ignore_ascii_case("rel")
                    && relations
                        .split_whitespace()
                        .any(|relation| relation.eq_ignore_ascii_case("next"))
            })
        });
        if is_next {
            return Some(target);
        }
        rest = &parameters[own.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        for (header, expected) in [
            (
                r#"</v2/a/tags/list?last=b&n=2>; rel="next""#,
                Some("/v2/a/tags/list?last=b&n=2"),
            ),
            (r#"</p>; rel="prev", </n,1>; title="x"; REL=next"#, Some("/n,1")),
            ("</n>; rel=\"last next\"", Some("/n")),
            (r#"</p>; rel="prev""#, None),
            ("</n", None),
            ("", None),
        ] {
            assert_eq!(next_link(header), expected, "{header}");
        }
    }
}

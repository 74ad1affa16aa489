//! Lists that come in pages: where their `Link` header leads to (RFC 8288), which octocrab reads.

use octocrab::Page;

/// The relations that lead through a list.
const THROUGH: [&str; 4] = ["first", "prev", "next", "last"];

/// Returns the links of a `Link` header that lead through a list. octocrab writes any other to standard error
/// as it came, and GitHub has others: it marks what it will switch off with `rel="deprecation"`.
pub(super) fn through(link: &str) -> String {
    let links = link.split(',').filter(|one| {
        let mut parameters = one.split(';').skip(1);
        parameters.all(|parameter| match parameter.trim().split_once('=') {
            Some(("rel", value)) => THROUGH.contains(&value.trim_matches('"')),
            _ => true,
        })
    });
    links.collect::<Vec<_>>().join(",")
}

/// Returns the number of the last page; `None` where the list has only one.
pub(super) fn last<T>(page: &Page<T>) -> Option<u64> {
    page.number_of_pages().map(u64::from)
}

/// Returns whether a page comes after page `number` of a list.
///
/// # Errors
/// With where it leads to, where that is not the page that comes next: what is missing from a list must not
/// be taken for absent.
pub(super) fn goes_on<T>(page: &Page<T>, number: u64) -> Result<bool, String> {
    let Some(next) = &page.next else {
        return Ok(false);
    };
    let mut pairs = next.query().unwrap_or_default().split('&');
    let leads_to = pairs.find_map(|pair| pair.strip_prefix("page=")?.parse().ok());
    if leads_to == Some(number + 1) {
        Ok(true)
    } else {
        Err(crate::host::url::redacted(&next.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::session::tests::session;
    use super::*;
    use bytes::Bytes;
    use serde_json::Value;

    fn listed(link: &str) -> Page<Value> {
        session("http://127.0.0.1:9")
            .read(link, Bytes::from_static(b"[]"))
            .unwrap()
    }

    #[test]
    fn the_next_and_the_last_page_are_found_among_the_others() {
        let first = listed(
            r#"<https://api.github.com/a?per_page=100&page=2>; rel="next", <https://api.github.com/a?per_page=100&page=9>; rel="last""#,
        );
        assert_eq!((last(&first), goes_on(&first, 1)), (Some(9), Ok(true)));
        let end = listed(r#"<https://api.github.com/a?page=8>; rel="prev""#);
        assert_eq!((last(&end), goes_on(&end, 9)), (None, Ok(false)));
        let unquoted = listed("<https://api.github.com/a?page=2>; rel=next");
        assert_eq!(goes_on(&unquoted, 1), Ok(true));
        let rubbish = listed("rubbish, <");
        assert_eq!((last(&rubbish), goes_on(&rubbish, 1)), (None, Ok(false)));
    }

    #[test]
    fn a_list_that_leads_elsewhere_is_not_taken_for_one_that_ends() {
        for (target, page) in [
            ("http://elsewhere.test/x", 1),
            ("https://api.github.com/a?page=2", 2),
        ] {
            let list = listed(&format!(r#"<{target}>; rel="next""#));
            assert!(goes_on(&list, page).is_err(), "{target}");
        }
    }

    #[test]
    fn a_list_whose_next_page_cannot_be_read_is_not_taken_for_one_that_ends() {
        for target in ["a b", "https://api.github.com/\u{e4}?page=2"] {
            let link = format!(r#"<{target}>; rel="next""#);
            let session = session("http://127.0.0.1:9");
            let read = session.read::<Page<Value>>(&link, Bytes::from_static(b"[]"));
            assert!(read.is_err(), "{target}");
        }
    }

    #[test]
    fn only_what_leads_through_a_list_is_handed_on() {
        let next = r#"<https://api.github.com/a?page=2>; rel="next""#;
        let other = r#"<https://docs.github.com/x>; rel="deprecation"; type="text/html""#;
        assert_eq!(through(&format!("{other}, {next}")), format!(" {next}"));
        assert_eq!(through("<https://x.test/>; rel=\"::error::\""), "");
    }
}

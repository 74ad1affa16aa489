//! URLs, as far as the machine's adapters need to take them apart.

use ureq::http::Uri;

/// `host:port` of a URL, without user and password; the scheme's port where none is written.
pub fn authority(url: &str) -> String {
    let Ok(uri) = url.parse::<Uri>() else {
        return redacted(url);
    };
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    });
    format!("{}:{port}", uri.host().unwrap_or_default())
}

/// A URL as it may be shown: without user and password, and with `***` for every value of its query.
/// A fragment is cut off.
pub fn redacted(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (url, None),
    };
    let mut shown = match base.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => base.to_owned(),
    };
    if let Some(query) = query {
        let names: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, _)) => format!("{name}=***"),
                // A bare word may itself be a key.
                None => "***".to_owned(),
            })
            .collect();
        shown.push('?');
        shown.push_str(&names.join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_credentials_and_query_values() {
        for (url, shown) in [
            ("http://h:1/a", "http://h:1/a"),
            (
                "https://user:pass@h/a?token=abc&x=1#f",
                "https://h/a?token=***&x=***",
            ),
            ("http://u:p@ss@h/a@b", "http://h/a@b"),
            ("http://h?key", "http://h?***"),
            ("/no/scheme?a=b", "/no/scheme?a=***"),
        ] {
            assert_eq!(redacted(url), shown, "{url}");
        }
    }

    #[test]
    fn the_peer_of_a_url_has_a_port_and_no_user() {
        assert_eq!(authority("http://u:p@h/a"), "h:80");
        assert_eq!(authority("https://h/a"), "h:443");
        assert_eq!(authority("http://[::1]:8080/a"), "[::1]:8080");
    }
}

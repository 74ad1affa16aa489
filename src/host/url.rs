//! URLs, as far as the machine's adapters need to take them apart.

use std::fmt::Write as _;
use std::net::IpAddr;
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

/// Whether a host, perhaps with a port, is this machine.
pub fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    name == "localhost"
        || name
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
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

/// Scheme, host and port: what a credential is given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlOrigin {
    /// `http` or `https`.
    pub scheme: String,
    /// The host in lower case, an IPv6 address in brackets.
    pub host: String,
    /// The port, the scheme's where none is written.
    pub port: u16,
}

/// The origin of an absolute `http` or `https` URL without user and password; `None` for any other.
pub fn origin(url: &str) -> Option<UrlOrigin> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    if uri.authority()?.as_str().contains('@') {
        return None;
    }
    let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
    Some(UrlOrigin {
        scheme,
        host,
        port: uri.port_u16().unwrap_or(default),
    })
}

/// What `reference` (a `Location`, a link) means in the answer to a request for `base`; exactly as it
/// is given where it is absolute. `None` when `base` is no URL.
pub fn joined(base: &str, reference: &str) -> Option<String> {
    let reference = reference.split('#').next().unwrap_or_default();
    if reference.contains("://") && !reference.starts_with(['/', '?']) {
        return Some(reference.to_owned());
    }
    let (scheme, rest) = base.split_once("://")?;
    if let Some(other) = reference.strip_prefix("//") {
        return Some(format!("{scheme}://{other}"));
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = match reference.chars().next() {
        None => return Some(base.split('#').next().unwrap_or_default().to_owned()),
        Some('/') => "",
        Some('?') => path,
        Some(_) => path.rfind('/').map_or("/", |slash| &path[..=slash]),
    };
    Some(format!("{scheme}://{authority}{path}{reference}"))
}

/// `text` as a value in a query or a form: everything but letters, digits, `-`, `.`, `_`, `~`, `/`, `:`
/// and `,` is written as `%XX`.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut all, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~/:,".contains(&byte) {
                all.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(all, "%{byte:02X}");
            }
            all
        })
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
    fn a_location_is_absolute_or_relative_to_the_request() {
        let base = "http://h:1/v2/a/blobs/uploads/?mount=x";
        for (reference, meant) in [
            ("https://o/p?q=1&r", "https://o/p?q=1&r"),
            ("/v2/a/u/1?s=http://x", "http://h:1/v2/a/u/1?s=http://x"),
            ("1?s", "http://h:1/v2/a/blobs/uploads/1?s"),
            ("//o:2/p", "http://o:2/p"),
            ("?n=1", "http://h:1/v2/a/blobs/uploads/?n=1"),
        ] {
            assert_eq!(joined(base, reference).unwrap(), meant);
        }
        assert_eq!(joined("http://h", "a").unwrap(), "http://h/a");
        assert_eq!(joined("nonsense", "a"), None);
    }

    #[test]
    fn origins_are_compared_with_their_default_ports() {
        assert_eq!(origin("https://H.io/a"), origin("https://h.io:443/b?c"));
        assert_ne!(origin("https://h.io/a"), origin("http://h.io:443/a"));
        assert_ne!(origin("https://h.io/a"), origin("https://h.io:444/a"));
        for none in ["ftp://h/", "https://u:p@h/", "https:///a", "/a"] {
            assert_eq!(origin(none), None, "{none}");
        }
        assert_eq!(encoded("a b&c=d/e:f,ü"), "a%20b%26c%3Dd/e:f,%C3%BC");
    }

    #[test]
    fn the_peer_of_a_url_has_a_port_and_no_user() {
        assert_eq!(authority("http://u:p@h/a"), "h:80");
        assert_eq!(authority("https://h/a"), "h:443");
        assert_eq!(authority("http://[::1]:8080/a"), "[::1]:8080");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (host, expected) in [
            ("127.0.0.1:5000", true),
            ("127.9.9.9", true),
            ("localhost:5000", true),
            ("[::1]:5000", true),
            ("10.0.0.1:5000", false),
            ("localhost.example", false),
            ("ghcr.io", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}

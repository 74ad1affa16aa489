//! What a proxy may not pass on, and what it must add (RFC 9110 section 7.6.1, RFC 9112 section 3.2).

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Response, StatusCode, Uri, Version};
use std::net::IpAddr;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// What concerns one connection only.
static OF_ONE_CONNECTION: [HeaderName; 6] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Who is at the other end of a client connection.
#[derive(Debug)]
pub(super) struct Peer {
    address: HeaderValue,
    local: bool,
}

impl Peer {
    /// The client at `address`.
    pub(super) fn new(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self {
            address: HeaderValue::from_str(&address.to_string())
                .unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            local: address.is_loopback(),
        }
    }
}

/// Why a request is not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// What happened, in words.
    pub(super) reason: &'static str,
}

impl Refusal {
    /// A refusal with this status and reason.
    pub(super) const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason }
    }

    /// The answer that the client gets.
    pub(super) fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(format!(
            "{} {}: {}\n",
            self.status.as_str(),
            self.status.canonical_reason().unwrap_or("error"),
            self.reason
        ))));
        *response.status_mut() = self.status;
        response.headers_mut().insert(
            hyper::header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if self.status == StatusCode::BAD_REQUEST {
            // Whoever talks nonsense once is not trusted with where the next request begins.
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Turns a client's request head into the one that goes to the backend. Returns the protocol that the
/// client wants to upgrade to, if any.
///
/// `X-Forwarded-For` is appended to, so that its last entry is the one to trust. `X-Forwarded-Proto`
/// and `X-Forwarded-Host` are kept only when the client is on this machine (a TLS terminator in front
/// of the router); from elsewhere they are overwritten.
pub(super) fn prepare(parts: &mut Parts, peer: &Peer) -> Result<Option<HeaderValue>, Refusal> {
    if parts.method == Method::CONNECT {
        return Err(Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            "CONNECT is not supported",
        ));
    }
    let host = settle_host(parts)?;
    let upgrade = wanted_upgrade(parts);
    let headers = &mut parts.headers;
    let trailers = headers.get(TE).is_some_and(|value| lists(value, "trailers"));
    // `Expect` is answered by this side: hyper sends "100 Continue" when the body is read.
    strip(headers, &[EXPECT, PROXY_AUTHORIZATION]);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    if let Some(protocol) = &upgrade {
        headers.insert(UPGRADE, protocol.clone());
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    headers.append(FORWARDED_FOR, peer.address.clone());
    if !(peer.local && headers.contains_key(&FORWARDED_PROTO)) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !(peer.local && headers.contains_key(&FORWARDED_HOST)) {
        headers.insert(FORWARDED_HOST, host);
    }
    parts.version = Version::HTTP_11;
    Ok(upgrade)
}

/// Turns a backend's response head into the one that goes to the client.
pub(super) fn prepare_response(headers: &mut HeaderMap) {
    strip(headers, &[PROXY_AUTHENTICATE]);
}

/// Exactly one host, in the `Host` header, with the target in origin form.
fn settle_host(parts: &mut Parts) -> Result<HeaderValue, Refusal> {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    let mut values = parts.headers.get_all(HOST).iter();
    let host = values.next().cloned();
    if values.next().is_some() {
        return Err(Refusal::new(BAD, "the request has more than one Host header"));
    }
    if let Some(authority) = parts.uri.authority() {
        // The target wins over the header (RFC 9112, section 3.2.2).
        let authority = authority
            .as_str()
            .rsplit_once('@')
            .map_or(authority.as_str(), |(_, host)| host);
        let host =
            HeaderValue::from_str(authority).map_err(|_| Refusal::new(BAD, "the host is not valid"))?;
        let target = parts
            .uri
            .path_and_query()
            .cloned()
            .unwrap_or_else(|| PathAndQuery::from_static("/"));
        parts.uri = Uri::from(target);
        parts.headers.insert(HOST, host.clone());
        return Ok(host);
    }
    match host {
        Some(host) => Ok(host),
        None if parts.version == Version::HTTP_11 => Err(Refusal::new(BAD, "the request has no Host header")),
        None => {
            let none = HeaderValue::from_static("");
            parts.headers.insert(HOST, none.clone());
            Ok(none)
        }
    }
}

/// An upgrade that may be tunnelled: asked for with GET, and not to HTTP/2, whose requests would then
/// pass uncounted.
fn wanted_upgrade(parts: &Parts) -> Option<HeaderValue> {
    let protocol = parts.headers.get(UPGRADE)?;
    let asked = parts
        .headers
        .get_all(CONNECTION)
        .iter()
        .any(|value| lists(value, "upgrade"));
    let safe = parts.method == Method::GET && parts.version == Version::HTTP_11 && !lists(protocol, "h2c");
    (asked && safe).then(|| protocol.clone())
}

/// Removes what concerns one connection only, what `Connection` names included, and what is in `also`.
///
/// Most heads hold one of these names at most. To compare the names that are there costs a fifth of what it costs to
/// look up each one that could be.
fn strip(headers: &mut HeaderMap, also: &[HeaderName]) {
    let concerned = |name: &&HeaderName| OF_ONE_CONNECTION.contains(name) || also.contains(name);
    let there: Vec<HeaderName> = headers.keys().filter(concerned).cloned().collect();
    if there.contains(&CONNECTION) {
        for name in named_by_connection(headers) {
            headers.remove(name);
        }
    }
    for name in there {
        headers.remove(name);
    }
}

/// Returns the names in `Connection` that may be removed.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        // The usual word, and removed in any case.
        .filter(|name| !name.eq_ignore_ascii_case(KEEP_ALIVE.as_str()))
        .filter_map(|name| name.parse().ok())
        // A client must not be able to remove what others rely on.
        .filter(|name: &HeaderName| *name != HOST && !name.as_str().starts_with("x-forwarded-"))
        .filter(|name| *name != CONTENT_LENGTH)
        .collect()
}

/// Whether a comma-separated value holds `token`.
fn lists(value: &HeaderValue, token: &str) -> bool {
    value.to_str().is_ok_and(|value| {
        value.split(',').any(|item| {
            item.split(';')
                .next()
                .unwrap_or("")
                .trim()
                .eq_ignore_ascii_case(token)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn prepared(peer: &str, request: &[(&str, &str)]) -> Result<(String, Option<HeaderValue>), Refusal> {
        let mut builder = Request::get("/path?query");
        for (name, value) in request {
            builder = builder.header(*name, *value);
        }
        let mut parts = builder.body(()).unwrap().into_parts().0;
        let upgrade = prepare(&mut parts, &Peer::new(peer.parse().unwrap()))?;
        let mut lines: Vec<String> = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        Ok((lines.join("\n"), upgrade))
    }

    #[test]
    fn headers_of_the_connection_stay_with_the_connection() {
        let (lines, upgrade) = prepared(
            "192.0.2.7",
            &[
                ("host", "app.test"),
                ("connection", "keep-alive, X-Secret, Host, Content-Length"),
                ("x-secret", "1"),
                ("keep-alive", "timeout=5"),
                ("proxy-authorization", "Basic eA=="),
                ("te", "gzip;q=1, trailers"),
                ("transfer-encoding", "chunked"),
                ("expect", "100-continue"),
                ("upgrade", "websocket"),
                ("accept", "*/*"),
            ],
        )
        .unwrap();
        assert_eq!(upgrade, None);
        insta::assert_snapshot!(lines, @"
        accept: */*
        connection: te
        host: app.test
        te: trailers
        x-forwarded-for: 192.0.2.7
        x-forwarded-host: app.test
        x-forwarded-proto: http
        ");
    }

    #[test]
    fn who_is_elsewhere_cannot_say_where_a_request_came_from() {
        let claims = [
            ("host", "app.test"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "public.test"),
        ];
        insta::assert_snapshot!(prepared("::ffff:192.0.2.7", &claims).unwrap().0, @"
        host: app.test
        x-forwarded-for: 10.0.0.1
        x-forwarded-for: 192.0.2.7
        x-forwarded-host: app.test
        x-forwarded-proto: http
        ");
        insta::assert_snapshot!(prepared("127.0.0.1", &claims).unwrap().0, @"
        host: app.test
        x-forwarded-for: 10.0.0.1
        x-forwarded-for: 127.0.0.1
        x-forwarded-host: public.test
        x-forwarded-proto: https
        ");
    }

    #[test]
    fn an_upgrade_is_passed_on_but_never_to_http2() {
        let ask = |protocol| [("host", "a"), ("connection", "Upgrade"), ("upgrade", protocol)];
        let (lines, upgrade) = prepared("::1", &ask("websocket")).unwrap();
        assert_eq!(upgrade.unwrap(), "websocket");
        assert!(lines.contains("connection: upgrade\n") && lines.contains("upgrade: websocket"));
        let (lines, upgrade) = prepared("::1", &ask("h2c")).unwrap();
        assert_eq!(upgrade, None);
        assert!(!lines.contains("h2c"));
    }

    #[test]
    fn a_request_has_exactly_one_host() {
        assert_eq!(prepared("::1", &[]).unwrap_err().status, StatusCode::BAD_REQUEST);
        let two = prepared("::1", &[("host", "a"), ("host", "b")]);
        assert_eq!(
            two.unwrap_err().reason,
            "the request has more than one Host header"
        );

        let mut absolute = Request::get("http://user@real.test:81/x?y")
            .header("host", "claimed.test")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        prepare(&mut absolute, &Peer::new([127, 0, 0, 1].into())).unwrap();
        assert_eq!(absolute.headers[HOST], "real.test:81");
        assert_eq!(absolute.uri, "/x?y");
    }
}

//! What the cases share.

use crate::registry::server::{Answer, Request, Server, answer, refusal};
use crate::registry::store::Store;
use greenroom::adapters::registry::oci::credentials::Credentials;
use greenroom::adapters::registry::oci::{OciRegistry, OciSettings};
use greenroom::domain::model::{Digest, PortError, Tag};
use greenroom::host::http::HttpSettings;
use greenroom::ports::Registry;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A registry somewhere in the world (RFC 5737: no real address).
pub(crate) const REGISTRY: &str = "198.51.100.1";
/// Another server somewhere in the world.
pub(crate) const STRANGER: &str = "203.0.113.7";
/// What `ci` with its password shows.
pub(crate) const BASIC: &str = "Basic Y2k6czNjcmV0";

/// A user and a password.
pub(crate) const CI: [(&str, &str); 2] = [
    ("GREENROOM_REGISTRY_USERNAME", "ci"),
    ("GREENROOM_REGISTRY_PASSWORD", "s3cret"),
];

/// The repository of most cases.
pub(crate) fn app(server: &Server) -> String {
    server.repository("app")
}

/// The repository of most cases, in the registry somewhere in the world.
pub(crate) fn app_abroad() -> String {
    format!("{REGISTRY}/app")
}

/// Settings for registries all over the world, which the proxy at this URL leads to. `ci` has logged
/// in at [`REGISTRY`] only.
pub(crate) fn settings_abroad(proxy: String) -> OciSettings {
    let variables = CI.map(|(name, value)| (name.to_owned(), value.to_owned()));
    OciSettings {
        http: HttpSettings {
            proxy: Some(proxy),
            ..HttpSettings::default()
        },
        credentials: Credentials::new(&BTreeMap::from(variables), Some(REGISTRY)),
        ..OciSettings::default()
    }
}

/// A client of registries all over the world, each of which is played by this server: the script tells
/// them apart by the header `host`.
pub(crate) fn abroad(server: &Server) -> OciRegistry {
    let settings = OciSettings {
        insecure: [REGISTRY.to_owned(), STRANGER.to_owned()].into(),
        ..settings_abroad(server.url(""))
    };
    OciRegistry::new(settings, server.clock.clone()).unwrap()
}

/// A client that waits for no more than so many milliseconds of real time.
pub(crate) fn impatient(server: &Server, patience: u64) -> OciRegistry {
    let settings = OciSettings {
        patience: Some(Duration::from_millis(patience)),
        ..OciSettings::default()
    };
    OciRegistry::new(settings, server.clock.clone()).unwrap()
}

pub(crate) fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

/// What `app:1.0` is.
pub(crate) fn resolve(server: &Server) -> Result<Option<Digest>, PortError> {
    server.client().resolve(&app(server), &tag("1.0"))
}

/// Counts how often something happens, from one.
#[derive(Default)]
pub(crate) struct Times(AtomicUsize);

impl Times {
    pub(crate) fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A server that gives this answer so many times to every request, and then behaves.
pub(crate) fn first(count: usize, odd: impl Fn() -> Answer + Send + Sync + 'static) -> Server {
    let times = Times::default();
    Server::with(move |_, _| (times.next() <= count).then(&odd))
}

/// A refusal that sends for a token to `/token` of the same server.
pub(crate) fn challenge(request: &Request, scope: &str) -> Answer {
    let realm = format!("http://{}/token", request.header("host"));
    challenge_of(&realm, scope)
}

/// A refusal that sends for a token to this realm.
pub(crate) fn challenge_of(realm: &str, scope: &str) -> Answer {
    let header = format!("Bearer realm=\"{realm}\",service=\"test\",scope=\"{scope}\"");
    refusal(401, "UNAUTHORIZED", "authentication required").header("www-authenticate", header)
}

/// Wants `Bearer t` with every request, and gives it at `/token`.
pub(crate) fn guarded(request: &Request) -> Option<Answer> {
    if request.target.starts_with("/token") {
        return Some(answer(200).body(r#"{"token":"t","expires_in":3600}"#));
    }
    let shown = request.header("authorization") == "Bearer t";
    (!shown).then(|| challenge(request, "repository:app:pull"))
}

/// Takes no blob in one piece, as a proxy in front of a registry does.
pub(crate) fn in_pieces_only(request: &Request, _: &Store) -> Option<Answer> {
    let whole = request.is("PUT", "/uploads/") && request.header("content-length") != "0";
    whole.then(|| refusal(413, "SIZE_INVALID", "too large"))
}

/// What every request to this host showed.
pub(crate) fn shown_to(server: &Server, host: &str) -> Vec<String> {
    let seen = server.seen();
    seen.iter()
        .filter(|seen| seen.headers["host"] == host)
        .map(|seen| seen.headers.get("authorization").cloned().unwrap_or_default())
        .collect()
}

/// A header of every request with this method and this text in its target.
pub(crate) fn headers(server: &Server, method: &str, part: &str, name: &str) -> Vec<String> {
    let seen = server.seen();
    seen.iter()
        .filter(|seen| seen.method == method && seen.target.contains(part))
        .map(|seen| seen.headers.get(name).cloned().unwrap_or_default())
        .collect()
}

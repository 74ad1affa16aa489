//! Sends one request and returns what came back, whatever its status.

use super::super::url::{authority, redacted};
use super::failure::HttpError;
use super::failure::{Broken, explain, is_disconnect};
use super::names::Names;
use super::pin::PinnedTls;
use super::reason::ReasonPhrase;
use super::settings;
use super::settings::HttpSettings;
use super::settings::SettingsError;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::{self, HeaderMap};
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, DefaultConnector, TcpConnector};

/// How much of a body is kept, in bytes.
pub const KEPT: usize = 64 * 1024;
/// How much of the rest is read and thrown away, in bytes, so that the connection can serve again.
/// Beyond it a new connection is cheaper.
const DRAINED: u64 = 1024 * 1024;
/// The most that all headers of an answer may take, in bytes.
pub(super) const HEADERS: usize = 32 * 1024;
/// The longest wait for a connection, within the request's own limit.
pub(super) const CONNECT: Duration = Duration::from_secs(10);
/// How much of a body is written at once, in bytes.
const OUTPUT: usize = 64 * 1024;
/// Connections to one host that are kept.
const CONNECTIONS: usize = 32;
const USER_AGENT: &str = concat!("greenroom/", env!("CARGO_PKG_VERSION"));

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct HttpRequest<'a> {
    /// `GET` and so on.
    pub method: &'a str,
    /// Where to: an absolute `http://` or `https://` URL.
    pub url: &'a str,
    /// Headers, added to `user-agent` and `accept` (which they may replace).
    pub headers: &'a BTreeMap<String, String>,
    /// Body, where there is one.
    pub body: Option<&'a [u8]>,
    /// The longest that everything together may take, from the name's resolution to the last byte.
    pub timeout: Duration,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Names in lower case; values of a repeated header joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The first [`KEPT`] bytes of the body.
    pub body: Vec<u8>,
    /// Whether the body was longer than that.
    pub truncated: bool,
}

/// Sends requests over kept connections. Cheap until the first `https` request: certificates are
/// loaded then.
#[derive(Debug)]
pub struct Client {
    pub(super) agent: ureq::Agent,
    /// Peers that have answered, to whom a connection may have been kept.
    known: Mutex<BTreeSet<String>>,
}

impl Client {
    /// A client with these settings.
    ///
    /// # Errors
    /// When the CA file or the proxy's URL is of no use.
    pub fn new(settings: &HttpSettings) -> Result<Self, SettingsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider.clone())
            .disable_verification(settings.insecure && settings.pin.is_none());
        if let Some(path) = &settings.ca_file {
            tls = tls.root_certs(settings::certificates(path)?);
        }
        let proxy = settings
            .proxy
            .as_deref()
            .map(|url| ureq::Proxy::new(url).map_err(|_| SettingsError::Proxy(redacted(url))))
            .transpose()?;
        let mut config = Config::builder();
        if let Some(kept) = settings.connections_kept {
            config = config.max_idle_age(kept);
        }
        let config = config
            .tls_config(tls.build())
            .proxy(proxy)
            .user_agent(USER_AGENT)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .max_response_header_size(HEADERS)
            // One that only just holds the headers would never be found too small for them.
            .input_buffer_size(2 * HEADERS)
            .output_buffer_size(OUTPUT)
            // ureq keeps 3 to a host and 10 in all, and would connect anew for most of many requests at once.
            .max_idle_connections(2 * CONNECTIONS)
            .max_idle_connections_per_host(CONNECTIONS)
            .build();
        let names = Names::new(settings.names_kept);
        let agent = match settings.pin {
            None => ureq::Agent::with_parts(config, DefaultConnector::default().chain(ReasonPhrase), names),
            Some(pin) => {
                let connector =
                    ().chain(ConnectProxyConnector::default())
                        .chain(TcpConnector::default())
                        .chain(PinnedTls::new(pin, provider)?)
                        .chain(ReasonPhrase);
                ureq::Agent::with_parts(config, connector, names)
            }
        };
        Ok(Self {
            agent,
            known: Mutex::default(),
        })
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// [`Failure::Invalid`](super::Failure::Invalid) when it makes no sense, [`Failure::Unanswered`](super::Failure::Unanswered) when there is no whole
    /// answer in time.
    pub fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let started = Instant::now();
        let peer = authority(request.url);
        let was_known = self.known().contains(&peer);
        let outcome = self.exchange(request, request.timeout, true);
        // A server may close a kept connection at the very moment it is used again. That says nothing
        // about the service, so an idempotent request goes out once more on a new connection (RFC
        // 9112, 9.3.1).
        let outcome = match outcome {
            Err(Broken::Call(error))
                if was_known && is_disconnect(&error) && matches!(request.method, "GET" | "HEAD") =>
            {
                let left = request.timeout.saturating_sub(started.elapsed());
                self.exchange(request, left, false)
            }
            outcome => outcome,
        };
        match outcome {
            Ok(answer) => {
                self.known().insert(peer);
                Ok(answer)
            }
            Err(broken) => Err(explain(request, &peer, broken)),
        }
    }

    pub(super) fn known(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One attempt, over a kept connection only where `reuse` says so.
    fn exchange(
        &self,
        request: &HttpRequest<'_>,
        timeout: Duration,
        reuse: bool,
    ) -> Result<HttpResponse, Broken> {
        let mut builder = http::Request::builder().method(request.method).uri(request.url);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        match request.body {
            Some(body) => self.run(builder.body(body)?, timeout, reuse),
            None => self.run(builder.body(())?, timeout, reuse),
        }
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        request: http::Request<B>,
        timeout: Duration,
        reuse: bool,
    ) -> Result<HttpResponse, Broken> {
        let mut configured = self
            .agent
            .configure_request(request)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(connect_limit(timeout)));
        if !reuse {
            configured = configured.max_idle_age(Duration::ZERO);
        }
        let answer = self.agent.run(configured.build()).map_err(Broken::Call)?;
        let (parts, body) = answer.into_parts();
        let status = parts.status.as_u16();
        let (body, truncated) = keep(body).map_err(|(read, error)| Broken::Body {
            status,
            read,
            error: error.into(),
        })?;
        Ok(HttpResponse {
            status,
            headers: headers(&parts.headers),
            body,
            truncated,
        })
    }
}

/// How much of a request's time may go into its connection. A tenth is always left for the answer, so
/// that no connection and no answer are told apart.
pub(super) fn connect_limit(timeout: Duration) -> Duration {
    CONNECT.min(timeout - timeout / 10)
}

/// Reads a body to its end, or to a bound; keeps the beginning and says whether there was more.
fn keep(body: ureq::Body) -> Result<(Vec<u8>, bool), (u64, io::Error)> {
    let mut reader = body.into_reader();
    let mut kept = Vec::new();
    (&mut reader)
        .take(KEPT as u64)
        .read_to_end(&mut kept)
        .map_err(|error| (kept.len() as u64, error))?;
    if kept.len() < KEPT {
        return Ok((kept, false));
    }
    let mut thrown_away = CountingSink(0);
    io::copy(&mut reader.take(DRAINED), &mut thrown_away)
        .map_err(|error| (KEPT as u64 + thrown_away.0, error))?;
    Ok((kept, thrown_away.0 > 0))
}

/// Knows how much was thrown away even when the copy ends in an error.
struct CountingSink(u64);

impl io::Write for CountingSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(in crate::host) fn headers(map: &HeaderMap) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::super::Failure;
    use super::*;

    #[test]
    fn a_request_that_makes_no_sense_is_invalid_and_shows_no_secret() {
        let client = Client::new(&HttpSettings::default()).unwrap();
        let none = BTreeMap::new();
        let bad_header = BTreeMap::from([("x".to_owned(), "a\nb".to_owned())]);
        for (method, url, headers) in [
            ("GET", "ftp://u:secret@h/", &none),
            ("GET", "not a url?key=secret", &none),
            ("GE T", "http://127.0.0.1:1/?key=secret", &none),
            ("GET", "http://127.0.0.1:1/", &bad_header),
        ] {
            let error = client
                .send(&HttpRequest {
                    method,
                    url,
                    headers,
                    body: None,
                    timeout: Duration::from_secs(1),
                })
                .unwrap_err();
            assert_eq!(error.failure, Failure::Invalid, "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}

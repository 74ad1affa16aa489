//! What carries octocrab's requests: greenroom's own HTTP client as a `tower` service, with every promise that
//! it makes. Each request is sent once, within its time; no redirect is followed; an answer has a bound.

use super::outcome::Lost;
use crate::domain::model::{ErrorKind, Explanation};
use crate::host::github::GitHubApi;
use crate::host::http::{Client, Failure, HttpError, Incoming, Outgoing, Transfer};
use crate::host::url;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use octocrab::OctoBody;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use tower::Service;

/// The largest answer that is read, in bytes: a page of 100 deployments takes some 400 KB.
const LARGEST: u64 = 8 << 20;
/// The longest that GitHub may keep still: it ends every request after 10 seconds itself.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest that one request may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Greenroom's client, and the API that it reaches.
pub(super) struct Transport {
    client: Client,
    api: GitHubApi,
}

impl Transport {
    /// Requests to `api` over `client`.
    pub(super) fn new(client: Client, api: GitHubApi) -> Self {
        Self { client, api }
    }

    /// Returns the service that octocrab sends through. It is always ready, and fails with [`Lost`] only: an
    /// answer is an answer, whatever its status.
    pub(super) fn service(
        self: Arc<Self>,
    ) -> impl Service<
        Request<OctoBody>,
        Response = Response<Full<Bytes>>,
        Error = Lost,
        Future = impl Future<Output = Result<Response<Full<Bytes>>, Lost>> + Send + 'static,
    > + Send
    + 'static {
        tower::service_fn(move |request: Request<OctoBody>| {
            let transport = Arc::clone(&self);
            async move {
                let (parts, body) = request.into_parts();
                let body = body
                    .collect()
                    .await
                    .map_err(|error| Lost::before(&error))?
                    .to_bytes();
                // The client blocks. On a thread of its own it holds up neither the queue in front of this nor
                // what other threads ask over the same connection.
                let sent = tokio::task::spawn_blocking(move || transport.exchange(&parts, &body));
                sent.await.unwrap_or_else(|error| Err(Lost::on_the_way(&error)))
            }
        })
    }

    /// Sends a request once, and reads its answer to the end.
    fn exchange(&self, parts: &Parts, body: &[u8]) -> Result<Response<Full<Bytes>>, Lost> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = self.api.url(path);
        let headers = carried(&parts.headers)?;
        let incoming = self
            .client
            .transfer(Transfer {
                method: parts.method.as_str(),
                url: &url,
                headers: &headers,
                body: match body {
                    [] => Outgoing::Nothing,
                    body => Outgoing::Bytes(body),
                },
                patience: SILENCE,
                limit: LIMIT,
            })
            .map_err(|error| unanswered(&error))?;
        received(incoming, &url)
    }
}

/// The headers as the client takes them. How long a body is it says itself, and for a GET or a DELETE without
/// one it says nothing, where octocrab writes 0.
fn carried(headers: &HeaderMap) -> Result<Vec<(&str, &str)>, Lost> {
    let others = headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH);
    others
        .map(|(name, value)| {
            Ok((
                name.as_str(),
                value.to_str().map_err(|error| Lost::before(&error))?,
            ))
        })
        .collect()
}

/// What a request without an answer came to: whether it left decides whether it may be sent again.
fn unanswered(error: &HttpError) -> Lost {
    let (left, kind) = match error.failure {
        Failure::Invalid => (false, ErrorKind::Invalid),
        Failure::Untrusted => (false, ErrorKind::Denied),
        Failure::Unreachable => (false, ErrorKind::Transient),
        Failure::Unanswered => (true, ErrorKind::Transient),
    };
    let mut what = Explanation::from(error);
    if kind == ErrorKind::Denied {
        what = what.fix("name certificates of your own in GREENROOM_GITHUB_CA_FILE");
    }
    Lost { left, kind, what }
}

/// Reads an answer to its end, or to a bound.
fn received(incoming: Incoming, url: &str) -> Result<Response<Full<Bytes>>, Lost> {
    let Incoming {
        status,
        headers,
        body,
        ..
    } = incoming;
    let lost = |kind, what| Lost {
        left: true,
        kind,
        what,
    };
    let mut bytes = Vec::new();
    body.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| {
        let what = format!("{} answered {status} and broke off", url::redacted(url));
        lost(ErrorKind::Transient, Explanation::new(what).because(&error))
    })?;
    if bytes.len() as u64 > LARGEST {
        let what = format!("GitHub answered with more than {LARGEST} bytes");
        return Err(lost(ErrorKind::Invalid, what.into()));
    }
    let mut response = Response::builder().status(status);
    for (name, value) in &headers {
        response = response.header(name, value);
    }
    response.body(Full::from(bytes)).map_err(|error| {
        let what = format!(
            "{} answered {status} with a header that is none",
            url::redacted(url)
        );
        lost(ErrorKind::Invalid, Explanation::new(what).because(&error))
    })
}

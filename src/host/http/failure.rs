//! Requests without an answer, in plain words.

use super::{HEADERS, HttpRequest, connect_limit};
use crate::domain::model::Explanation;
use crate::host::tcp;
use crate::host::url::redacted;
use std::io;
use std::time::Duration;
use thiserror::Error;
use ureq::http;

/// What kept a request from being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It could never be: a URL, method, header or setting makes no sense.
    Invalid,
    /// There is no connection: nothing was sent.
    Unreachable,
    /// The peer could not show who it is: nothing was sent, and trying again will not help.
    Untrusted,
    /// There was no answer, or not all of it.
    Unanswered,
}

/// A request without an answer. Reads as "GET http://host/path: connection refused by host:80".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{method} {url}: {why}")]
pub struct HttpError {
    /// Whose fault it is.
    pub failure: Failure,
    /// Method of the request.
    pub method: String,
    /// URL of the request, [redacted].
    pub url: String,
    /// What happened, naming the peer, and what it came from.
    #[source]
    pub why: Explanation,
}

/// Where an exchange broke off.
pub(super) enum Broken {
    /// Before the answer's headers were complete.
    Call(ureq::Error),
    /// After `read` bytes of the body.
    Body {
        status: u16,
        read: u64,
        error: ureq::Error,
    },
}

impl From<http::Error> for Broken {
    fn from(error: http::Error) -> Self {
        Self::Call(error.into())
    }
}

/// Whether the peer went away.
pub(super) fn is_disconnect(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(error) if matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    ))
}

pub(super) fn explain(request: &HttpRequest<'_>, peer: &str, broken: Broken) -> HttpError {
    let (failure, why) = match broken {
        Broken::Call(error) => explain_call(&error, peer, request.timeout),
        Broken::Body { status, read, error } => {
            let what = match &error {
                ureq::Error::Timeout(_) => format!("the body did not end within {:?}", request.timeout),
                ureq::Error::Protocol(_) => "the body is not proper HTTP".to_owned(),
                _ => "the connection was cut before the body's end".to_owned(),
            };
            let why = Explanation::new(format!(
                "{peer} answered {status}, but {what} ({read} bytes came)"
            ));
            let why = match &error {
                ureq::Error::Protocol(error) => why.because(error),
                _ => why,
            };
            (Failure::Unanswered, why)
        }
    };
    HttpError {
        failure,
        method: request.method.to_owned(),
        url: redacted(request.url),
        why,
    }
}

fn explain_call(error: &ureq::Error, peer: &str, timeout: Duration) -> (Failure, Explanation) {
    use ureq::Error as E;
    let failure = match error {
        E::Http(_) | E::BadUri(_) | E::InvalidProxyUrl | E::RequireHttpsOnly(_) => Failure::Invalid,
        E::Rustls(_) | E::Tls(_) => Failure::Untrusted,
        E::Io(error) if error.kind() == io::ErrorKind::InvalidData => Failure::Untrusted,
        E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) | E::Other(_) | E::HostNotFound => {
            Failure::Unreachable
        }
        E::Io(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
            ) =>
        {
            Failure::Unreachable
        }
        _ => Failure::Unanswered,
    };
    let without_tls = || Explanation::new(format!("no TLS with {peer}"));
    let why = match error {
        E::Http(_) | E::BadUri(_) | E::InvalidProxyUrl | E::RequireHttpsOnly(_) => Explanation::of(error),
        E::Protocol(error) => {
            Explanation::new(format!("{peer} did not answer in proper HTTP")).because(error)
        }
        E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            format!("no connection to {peer} within {:?}", connect_limit(timeout)).into()
        }
        E::Timeout(_) => format!("no answer from {peer} within {timeout:?}").into(),
        E::Other(unreachable) => Explanation::of(unreachable.as_ref()),
        E::HostNotFound => format!("the name of {peer} has no address").into(),
        E::LargeResponseHeader(..) => {
            format!("{peer} answered with more than {HEADERS} bytes of headers").into()
        }
        E::Io(error) if error.kind() == io::ErrorKind::InvalidData => without_tls().because(error),
        E::Io(error) => tcp::describe(error, peer),
        E::Rustls(error) => without_tls().because(error),
        E::Tls(error) => without_tls().caused_by(*error),
        error => Explanation::new(format!("no answer from {peer}")).because(error),
    };
    (failure, why)
}

//! Requests without an answer, in plain words.

use super::{HEADERS, HttpRequest, connect_limit};
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
#[error("{method} {url}: {reason}")]
pub struct HttpError {
    /// Whose fault it is.
    pub failure: Failure,
    /// Method of the request.
    pub method: String,
    /// URL of the request, [redacted].
    pub url: String,
    /// What happened, naming the peer.
    pub reason: String,
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
    let (failure, reason) = match broken {
        Broken::Call(error) => explain_call(&error, peer, request.timeout),
        Broken::Body { status, read, error } => {
            let what = match error {
                ureq::Error::Timeout(_) => format!("the body did not end within {:?}", request.timeout),
                ureq::Error::Protocol(error) => format!("the body is not proper HTTP: {error}"),
                _ => "the connection was cut before the body's end".to_owned(),
            };
            let reason = format!("{peer} answered {status}, but {what} ({read} bytes came)");
            (Failure::Unanswered, reason)
        }
    };
    HttpError {
        failure,
        method: request.method.to_owned(),
        url: redacted(request.url),
        reason,
    }
}

fn explain_call(error: &ureq::Error, peer: &str, timeout: Duration) -> (Failure, String) {
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
    let reason = match error {
        E::Http(_) | E::BadUri(_) | E::InvalidProxyUrl | E::RequireHttpsOnly(_) => error.to_string(),
        E::Protocol(error) => format!("{peer} did not answer in proper HTTP: {error}"),
        E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            format!("no connection to {peer} within {:?}", connect_limit(timeout))
        }
        E::Timeout(_) => format!("no answer from {peer} within {timeout:?}"),
        E::Other(unreachable) => unreachable.to_string(),
        E::HostNotFound => format!("the name of {peer} has no address"),
        E::LargeResponseHeader(..) => format!("{peer} answered with more than {HEADERS} bytes of headers"),
        E::Io(error) if error.kind() == io::ErrorKind::InvalidData => format!("no TLS with {peer}: {error}"),
        E::Io(error) => tcp::describe(error, peer),
        E::Rustls(error) => format!("no TLS with {peer}: {error}"),
        E::Tls(error) => format!("no TLS with {peer}: {error}"),
        error => format!("no answer from {peer}: {error}"),
    };
    (failure, reason)
}

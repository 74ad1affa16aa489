//! Bodies on their way through: frame by frame, never stored.

use super::forward::Attempt;
use super::pool::Lease;
use super::worker::Serving;
use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// A backend that sends nothing for this long in the middle of an answer has hung.
const QUIET: Duration = Duration::from_secs(300);

/// When a request's body last moved.
#[derive(Debug)]
pub(super) struct Progress {
    begun: Instant,
    millis: AtomicU64,
}

impl Progress {
    /// Starts now.
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            millis: AtomicU64::new(0),
        }
    }

    fn moved(&self) {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
    }

    /// How long it has not moved.
    pub(super) fn quiet(&self) -> Duration {
        self.begun
            .elapsed()
            .saturating_sub(Duration::from_millis(self.millis.load(Ordering::Relaxed)))
    }
}

/// The body of a request, from the client to the backend.
#[derive(Debug)]
pub(super) enum Inbound {
    /// There is none.
    Empty,
    /// As it comes from the client.
    Streaming(Incoming, Arc<Progress>),
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Streaming(incoming, progress) => {
                let frame = ready!(Pin::new(incoming).poll_frame(context));
                progress.moved();
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Streaming(incoming, _) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Streaming(incoming, _) => incoming.size_hint(),
        }
    }
}

/// Why an answer was cut.
#[derive(Debug)]
pub(super) enum Cut {
    /// The connection to the backend broke.
    Broken(hyper::Error),
    /// The backend sent nothing for too long.
    Quiet,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(error) => write!(f, "the backend cut its answer: {error}"),
            Self::Quiet => write!(f, "the backend sent nothing for {} s", QUIET.as_secs()),
        }
    }
}

impl std::error::Error for Cut {}

/// The body of an answer.
pub(super) enum Outbound {
    /// The router's own words.
    Notice(Full<Bytes>),
    /// A backend's answer.
    Relayed(Box<Relay>),
}

/// A backend's body, its first frame already read. Holds the request in flight until it ends, and
/// then gives the connection back.
pub(super) struct Relay {
    incoming: Incoming,
    first: Option<Frame<Bytes>>,
    attempt: Attempt,
    lease: Option<Lease>,
    patience: Option<Pin<Box<Sleep>>>,
    _serving: Serving,
}

impl Relay {
    /// Relays a body, its first frame already read.
    pub(super) fn new(
        (incoming, first): (Incoming, Option<Frame<Bytes>>),
        attempt: Attempt,
        lease: Lease,
        serving: Serving,
    ) -> Self {
        let mut relay = Self {
            incoming,
            first,
            attempt,
            lease: Some(lease),
            patience: None,
            _serving: serving,
        };
        relay.give_back_at_end();
        relay
    }

    /// The whole answer was received: the connection can serve the next request.
    fn give_back_at_end(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) else {
            let patience = self
                .patience
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(QUIET)));
            ready!(patience.as_mut().poll(context));
            self.attempt.cut();
            return Poll::Ready(Some(Err(Cut::Quiet)));
        };
        self.patience = None;
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                self.give_back_at_end();
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                self.attempt.cut();
                Some(Err(Cut::Broken(error)))
            }
            None => {
                if let Some(lease) = self.lease.take() {
                    lease.give_back();
                }
                None
            }
        })
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Notice(text) => {
                let frame = ready!(Pin::new(text).poll_frame(context));
                Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})))
            }
            Self::Relayed(relay) => match relay.first.take() {
                Some(first) => Poll::Ready(Some(Ok(first))),
                None => relay.poll_source(context),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Notice(text) => text.is_end_stream(),
            Self::Relayed(relay) => relay.first.is_none() && relay.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Notice(text) => text.size_hint(),
            Self::Relayed(relay) => {
                let read = relay
                    .first
                    .as_ref()
                    .and_then(Frame::data_ref)
                    .map_or(0, Bytes::len) as u64;
                let rest = relay.incoming.size_hint();
                let mut hint = SizeHint::new();
                hint.set_lower(rest.lower() + read);
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper + read);
                }
                hint
            }
        }
    }
}

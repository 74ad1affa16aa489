//! One request: chosen a backend for, sent, answered, counted.

use super::body::{Inbound, Outbound, Progress, Relay};
use super::headers::{Peer, Refusal, prepare, prepare_response};
use super::pool::Lease;
use super::table::Backend;
use super::tunnel;
use super::worker::{Held, Serving, Worker};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::http::Extensions;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Longest wait for the head of an answer while the request's body does not move.
const HEAD: Duration = Duration::from_secs(60);
/// Most backends that one request is tried on.
const MOST_BACKENDS: usize = 3;

const UNROUTED: Refusal = Refusal::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "no route takes requests at the moment",
);
const UNREACHABLE: Refusal = Refusal::new(
    StatusCode::BAD_GATEWAY,
    "the backend did not accept the connection",
);
const UNANSWERED: Refusal = Refusal::new(
    StatusCode::BAD_GATEWAY,
    "the backend closed the connection before it answered",
);
const LATE: Refusal = Refusal::new(
    StatusCode::GATEWAY_TIMEOUT,
    "the backend did not begin to answer within 60 s",
);
const BODY_CUT: Refusal = Refusal::new(StatusCode::BAD_REQUEST, "the request's body was cut short");
const UNASKED: Refusal = Refusal::new(
    StatusCode::BAD_GATEWAY,
    "the backend switched to a protocol that was not asked for",
);

/// One try of one request on one backend: in flight until it is dropped. A client that leaves before
/// the answer is counted with the time that it had waited, and not as a failure of the backend.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) backend: Arc<Backend>,
    begun: Instant,
    counted: bool,
    failed: bool,
}

impl Attempt {
    /// Counts the request in.
    pub(super) fn begin(backend: Arc<Backend>) -> Self {
        backend.tally.enter();
        Self {
            backend,
            begun: Instant::now(),
            counted: false,
            failed: false,
        }
    }

    /// It did not take place.
    pub(super) fn void(mut self) {
        self.counted = true;
    }

    /// The first byte of an answer with this status came.
    fn answered(&mut self, status: StatusCode) {
        self.counted = true;
        self.backend.tally.request();
        self.backend.tally.latency(self.begun.elapsed());
        if status.is_server_error() {
            self.cut();
        }
    }

    /// There was no answer.
    fn unanswered(&mut self) {
        self.counted = true;
        self.backend.tally.request();
        self.cut();
    }

    /// The answer failed; counted once.
    pub(super) fn cut(&mut self) {
        if !self.failed {
            self.failed = true;
            self.backend.tally.error();
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.counted {
            self.backend.tally.request();
            self.backend.tally.latency(self.begun.elapsed());
        }
        self.backend.tally.leave();
    }
}

/// Whether sending it twice does the same as sending it once, by the method's definition; and it has
/// no body, which could be sent once only.
fn is_repeatable(request: &Request<Inbound>) -> bool {
    request.method().is_idempotent() && matches!(request.body(), Inbound::Empty)
}

/// The same request, without a body.
fn copy_of(request: &Request<Inbound>) -> Request<Inbound> {
    let mut copy = Request::new(Inbound::Empty);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}

/// A request on its way.
struct Outgoing {
    request: Request<Inbound>,
    /// Moves while the client sends the body.
    progress: Option<Arc<Progress>>,
    upgrade: bool,
}

/// How a try failed.
enum Failure {
    /// Nothing was sent.
    Unsent(Box<Outgoing>),
    /// It may have been sent.
    Final(Refusal),
}

/// Answers one request of the client.
pub(super) async fn answer(
    worker: Arc<Worker>,
    peer: Arc<Peer>,
    held: Arc<Held>,
    request: Request<Incoming>,
) -> Result<Response<Outbound>, Infallible> {
    Ok(relay(&worker, &peer, held, request)
        .await
        .unwrap_or_else(|refusal| refusal.response().map(Outbound::Notice)))
}

async fn relay(
    worker: &Arc<Worker>,
    peer: &Peer,
    held: Arc<Held>,
    mut request: Request<Incoming>,
) -> Result<Response<Outbound>, Refusal> {
    let serving = Serving::begin(held);
    let client = request
        .headers()
        .contains_key(UPGRADE)
        .then(|| hyper::upgrade::on(&mut request));
    let (mut parts, incoming) = request.into_parts();
    let upgrade = prepare(&mut parts, peer)?;
    parts.extensions = Extensions::new();
    let (body, progress) = if incoming.is_end_stream() {
        (Inbound::Empty, None)
    } else {
        let progress = Arc::new(Progress::new());
        (
            Inbound::Streaming(incoming, Arc::clone(&progress)),
            Some(progress),
        )
    };
    let mut outgoing = Outgoing {
        request: Request::from_parts(parts, body),
        progress,
        upgrade: upgrade.is_some(),
    };
    let mut tried = Vec::new();
    loop {
        let mut attempt =
            worker
                .enter(&tried)
                .ok_or(if tried.is_empty() { UNROUTED } else { UNREACHABLE })?;
        match exchange(worker, &mut attempt, outgoing).await {
            Ok((response, lease)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let client = client.filter(|_| upgrade.is_some()).ok_or(UNASKED)?;
                return Ok(switch(response, client, attempt, (lease, serving)));
            }
            Ok((response, lease)) => return deliver(response, attempt, (lease, serving)).await,
            Err(Failure::Final(refusal)) => return Err(refusal),
            Err(Failure::Unsent(unsent)) => {
                attempt.unanswered();
                tried.push(attempt.backend.id);
                if tried.len() == MOST_BACKENDS {
                    return Err(UNREACHABLE);
                }
                outgoing = *unsent;
            }
        }
    }
}

/// Sends the request to the attempt's backend, over an idle connection where there is one; when that
/// one turns out to have been closed, once more over a new one.
async fn exchange(
    worker: &Arc<Worker>,
    attempt: &mut Attempt,
    mut outgoing: Outgoing,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let backend = Arc::clone(&attempt.backend);
    let repeatable = is_repeatable(&outgoing.request);
    let mut may_reuse = !outgoing.upgrade;
    loop {
        let request = outgoing.request;
        let idle = may_reuse
            .then(|| Lease::idle(worker, backend.id, repeatable))
            .flatten();
        let (mut lease, copy) = match idle {
            Some(lease) => (lease, repeatable.then(|| copy_of(&request))),
            None => match Lease::fresh(worker, backend.id, &backend.authority).await {
                Ok(lease) => (lease, None),
                Err(_) => return Err(Failure::Unsent(Box::new(Outgoing { request, ..outgoing }))),
            },
        };
        let sent = lease.sender.try_send_request(request);
        let Some(result) = patiently(sent, outgoing.progress.as_deref()).await else {
            attempt.unanswered();
            return Err(Failure::Final(LATE));
        };
        let mut error = match result {
            Ok(response) => {
                attempt.answered(response.status());
                return Ok((response, lease));
            }
            Err(error) => error,
        };
        let again = error.take_message().or(copy);
        match again {
            Some(request) if lease.reused => outgoing.request = request,
            Some(request) => return Err(Failure::Unsent(Box::new(Outgoing { request, ..outgoing }))),
            None if error.error().is_user() => {
                // The client's doing: its body broke off.
                return Err(Failure::Final(BODY_CUT));
            }
            None => {
                attempt.unanswered();
                return Err(Failure::Final(UNANSWERED));
            }
        }
        may_reuse = false;
    }
}

/// The future's output, unless nothing moves for too long. The client's connection is polled every
/// [`TICK`](super::worker::TICK), and with it this.
async fn patiently<F: Future>(future: F, progress: Option<&Progress>) -> Option<F::Output> {
    let mut future = pin!(future);
    let begun = Instant::now();
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if begun.elapsed().min(progress.map_or(HEAD, Progress::quiet)) >= HEAD => {
            Poll::Ready(None)
        }
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Passes the answer on. Its first bytes, which usually came together with the head, are waited for by
/// one turn of the runtime, so that they leave in one write with it.
async fn deliver(
    response: Response<Incoming>,
    mut attempt: Attempt,
    (lease, serving): (Lease, Serving),
) -> Result<Response<Outbound>, Refusal> {
    let (mut parts, mut incoming) = response.into_parts();
    prepare_response(&mut parts.headers);
    parts.extensions = Extensions::new();
    let first = match first_frame(&mut incoming).await {
        Some(Err(_)) => {
            attempt.cut();
            return Err(UNANSWERED);
        }
        Some(Ok(frame)) => Some(frame),
        None => None,
    };
    let relay = Relay::new((incoming, first), attempt, lease, serving);
    Ok(Response::from_parts(parts, Outbound::Relayed(Box::new(relay))))
}

async fn first_frame(incoming: &mut Incoming) -> Option<Result<Frame<Bytes>, hyper::Error>> {
    if incoming.is_end_stream() {
        return None;
    }
    let mut turns = 1;
    poll_fn(|context| match Pin::new(&mut *incoming).poll_frame(context) {
        Poll::Pending if turns > 0 => {
            turns -= 1;
            // Behind the connection's own task, which was woken just before.
            context.waker().wake_by_ref();
            Poll::Pending
        }
        Poll::Pending => Poll::Ready(None),
        Poll::Ready(frame) => Poll::Ready(frame),
    })
    .await
}

/// Joins both sides of an upgraded connection.
fn switch(
    mut response: Response<Incoming>,
    client: OnUpgrade,
    attempt: Attempt,
    holding: (Lease, Serving),
) -> Response<Outbound> {
    let backend = hyper::upgrade::on(&mut response);
    let (mut parts, _) = response.into_parts();
    let protocol = parts.headers.get(UPGRADE).cloned();
    prepare_response(&mut parts.headers);
    parts.extensions = Extensions::new();
    if let Some(protocol) = protocol {
        parts.headers.insert(UPGRADE, protocol);
        parts
            .headers
            .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    tokio::spawn(async move {
        tunnel::join(client, backend).await;
        drop((attempt, holding));
    });
    Response::from_parts(parts, Outbound::Notice(http_body_util::Full::default()))
}

//! Serves client connections on one thread.

use super::forward::{Attempt, answer};
use super::headers::Peer;
use super::pool::Pool;
use super::table::{Routes, Table};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::net::sockopt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// Longest time from the start of a connection, or the end of an answer, to the end of the next
/// request's head. Ends slow senders and idle clients alike.
const HEAD: Duration = Duration::from_secs(60);
/// How exactly the limits on time are kept.
pub(super) const TICK: Duration = Duration::from_secs(2);
/// Largest request head in bytes (431 beyond it), and size of the read buffer.
const BUFFER: usize = 64 * 1024;
/// How often idle connections are looked through.
const SWEEP: Duration = Duration::from_secs(1);
/// After this much silence of a client TCP probes whether it is still there.
const PROBE_AFTER: Duration = Duration::from_secs(60);

/// A client connection's place among all, given back when the connection, or what it was upgraded to,
/// ends; and whether a request is under way on it.
#[derive(Debug)]
pub(super) struct Held {
    _permit: OwnedSemaphorePermit,
    load: Arc<AtomicUsize>,
    begun: Instant,
    serving: AtomicUsize,
    /// Milliseconds after `begun` at which the last answer ended.
    idle_from: AtomicU64,
}

impl Held {
    /// Counts a connection on the worker whose load is `load`.
    pub(super) fn new(permit: OwnedSemaphorePermit, load: Arc<AtomicUsize>) -> Self {
        load.fetch_add(1, Ordering::Relaxed);
        Self {
            _permit: permit,
            load,
            begun: Instant::now(),
            serving: AtomicUsize::new(0),
            idle_from: AtomicU64::new(0),
        }
    }

    /// How long no request has been under way.
    fn idle(&self) -> Duration {
        if self.serving.load(Ordering::Relaxed) > 0 {
            return Duration::ZERO;
        }
        let from = Duration::from_millis(self.idle_from.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(from)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.load.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request is under way on the connection, until this is dropped.
#[derive(Debug)]
pub(super) struct Serving(Arc<Held>);

impl Serving {
    /// From the end of the request's head on.
    pub(super) fn begin(held: Arc<Held>) -> Self {
        held.serving.fetch_add(1, Ordering::Relaxed);
        Self(held)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let millis = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.idle_from.store(millis, Ordering::Relaxed);
        self.0.serving.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client connection that was accepted.
pub(super) type Accepted = (TcpStream, SocketAddr, Held);

/// What the connections of one worker share. The locks are never waited for: one thread takes them.
pub(super) struct Worker {
    routes: Arc<Routes>,
    view: Mutex<(u64, Arc<Table>)>,
    pool: Mutex<Pool>,
    stopping: watch::Receiver<bool>,
}

impl Worker {
    /// A worker that serves by `routes` until `stopping` says so.
    pub(super) fn new(routes: Arc<Routes>, stopping: watch::Receiver<bool>) -> Arc<Self> {
        let generation = routes.generation();
        let table = routes.current();
        Arc::new(Self {
            routes,
            view: Mutex::new((generation, table)),
            pool: Mutex::default(),
            stopping,
        })
    }

    /// Serves what comes through `connections`, for ever.
    pub(super) async fn serve(self: Arc<Self>, mut connections: UnboundedReceiver<Accepted>) {
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                accepted = connections.recv() => match accepted {
                    Some(accepted) => { tokio::spawn(Arc::clone(&self).connection(accepted)); }
                    // Stopping: the connections are tasks of this runtime, which therefore goes on until
                    // the process ends.
                    None => return std::future::pending().await,
                },
                _ = sweep.tick() => {
                    let (_, table) = self.table();
                    self.pool().sweep(|backend| table.is_active(backend));
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, (stream, peer, held): Accepted) {
        let Ok(stream) = prepare(stream) else { return };
        let (peer, held) = (Arc::new(Peer::new(peer.ip())), Arc::new(held));
        let service =
            service_fn(|request| answer(Arc::clone(&self), Arc::clone(&peer), Arc::clone(&held), request));
        let mut connection = pin!(
            http1::Builder::new()
                .max_buf_size(BUFFER)
                .max_header_size(BUFFER)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
        );
        let mut stopping = self.stopping.clone();
        let mut stop = pin!(async move { stopping.wait_for(|stopping| *stopping).await.is_ok() });
        let mut tick = pin!(tokio::time::sleep(TICK));
        let mut finishing = false;
        // How it ends is the client's affair; what concerns a backend was counted. One timer for the
        // connection, instead of two for each request: it ends idle clients, and the polling that
        // follows lets those who wait for an answer look at the time.
        poll_fn(|context| {
            loop {
                if connection.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                if !finishing && stop.as_mut().poll(context).is_ready() {
                    finishing = true;
                    connection.as_mut().graceful_shutdown();
                } else if tick.as_mut().poll(context).is_ready() {
                    tick.as_mut().reset(tokio::time::Instant::now() + TICK);
                    if held.idle() > HEAD {
                        return Poll::Ready(());
                    }
                } else {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    /// Chooses a backend, none of `tried`, and counts the request in. `None` when there is none.
    pub(super) fn enter(&self, tried: &[u64]) -> Option<Attempt> {
        loop {
            let (generation, table) = self.table();
            let backend = if tried.is_empty() {
                table.pick(self.routes.ticket())?
            } else {
                table.another(tried)?
            };
            let attempt = Attempt::begin(Arc::clone(backend));
            if self.routes.generation() == generation {
                return Some(attempt);
            }
            attempt.void();
        }
    }

    /// The table that holds now, and its generation.
    fn table(&self) -> (u64, Arc<Table>) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.routes.generation();
        if view.0 != generation {
            *view = (generation, self.routes.current());
        }
        (view.0, Arc::clone(&view.1))
    }

    /// The idle connections.
    pub(super) fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prepare(stream: TcpStream) -> io::Result<tokio::net::TcpStream> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, PROBE_AFTER)?;
    tokio::net::TcpStream::from_std(stream)
}

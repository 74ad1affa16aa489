//! Idle connections to the backends, one pool per worker.

use super::body::Inbound;
use super::worker::Worker;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for a backend to accept a connection.
pub(super) const CONNECT: Duration = Duration::from_millis(1_500);
/// Longest time that a connection waits for its next request. Common servers close theirs after five
/// seconds (Node.js, uvicorn): ours goes first, so that no request meets a connection being closed.
const IDLE: Duration = Duration::from_secs(4);
/// The same for a request that could not be repeated if it met one.
const IDLE_UNREPEATABLE: Duration = Duration::from_secs(1);
/// Most idle connections per backend and worker.
const MOST: usize = 512;
/// Largest head of an answer, and read buffer of a connection, in bytes.
const BUFFER: usize = 64 * 1024;

struct Idle {
    sender: SendRequest<Inbound>,
    since: Instant,
}

/// Idle connections by backend, the newest last.
#[derive(Default)]
pub(super) struct Pool {
    idle: BTreeMap<u64, Vec<Idle>>,
}

impl Pool {
    /// A connection that is ready for a request.
    pub(super) fn take(&mut self, backend: u64, repeatable: bool) -> Option<SendRequest<Inbound>> {
        let connections = self.idle.get_mut(&backend)?;
        let longest = if repeatable { IDLE } else { IDLE_UNREPEATABLE };
        while let Some(Idle { sender, since }) = connections.pop() {
            if since.elapsed() < longest && sender.is_ready() && !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    fn put(&mut self, backend: u64, sender: SendRequest<Inbound>) {
        let connections = self.idle.entry(backend).or_default();
        if connections.len() < MOST && !sender.is_closed() {
            connections.push(Idle {
                sender,
                since: Instant::now(),
            });
        }
    }

    /// Closes what was idle too long, and everything to backends that get no requests.
    pub(super) fn sweep(&mut self, is_active: impl Fn(u64) -> bool) {
        self.idle.retain(|backend, connections| {
            connections.retain(|idle| idle.since.elapsed() < IDLE && !idle.sender.is_closed());
            is_active(*backend) && !connections.is_empty()
        });
    }
}

/// A connection in use.
pub(super) struct Lease {
    /// Sends the request.
    pub(super) sender: SendRequest<Inbound>,
    /// Whether it has served a request before.
    pub(super) reused: bool,
    backend: u64,
    worker: Arc<Worker>,
}

impl Lease {
    /// An idle connection to the backend, if there is one.
    pub(super) fn idle(worker: &Arc<Worker>, backend: u64, repeatable: bool) -> Option<Self> {
        let sender = worker.pool().take(backend, repeatable)?;
        Some(Self {
            sender,
            reused: true,
            backend,
            worker: Arc::clone(worker),
        })
    }

    /// A new connection to the backend at `authority`.
    ///
    /// # Errors
    /// When it does not accept one in time.
    pub(super) async fn fresh(worker: &Arc<Worker>, backend: u64, authority: &str) -> io::Result<Self> {
        let stream = timeout(CONNECT, TcpStream::connect(authority))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        // It ends when the sender is dropped; its errors reach whoever waits for an answer.
        tokio::spawn(connection.with_upgrades());
        Ok(Self {
            sender,
            reused: false,
            backend,
            worker: Arc::clone(worker),
        })
    }

    /// The answer was received in full: the connection waits for the next request.
    pub(super) fn give_back(self) {
        self.worker.pool().put(self.backend, self.sender);
    }
}

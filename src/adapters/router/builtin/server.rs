//! The router's process, from start to end.

use super::control::{self, Control};
use super::location::{Lock, StateDirectory};
use super::state;
use super::table::Routes;
use super::worker::{Accepted, Held, Worker};
use crate::domain::model::Explanation;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, setsid};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// How long requests may take to finish when the router is stopped.
pub(super) const GRACE: Duration = Duration::from_secs(30);
/// Descriptors kept for everything that is no proxied connection.
const RESERVED_DESCRIPTORS: u64 = 128;
/// Most client connections, whatever the descriptors allow.
const MOST_CONNECTIONS: u64 = 100_000;

/// What a router is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Directory of its own for the control socket and the routes.
    pub state_directory: PathBuf,
}

/// Why a router cannot run.
#[derive(Debug, Error)]
pub enum RouterError {
    /// The state directory or something in it.
    #[error("opening the router's state in {}: {source}", path.display())]
    State {
        /// The directory or file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// One router per state directory.
    #[error("starting a router on {}: one is running with this state already", .0.display())]
    AlreadyRunning(PathBuf),
    /// The address for clients.
    #[error("listening on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What happened, and what to do about it.
        source: Explanation,
    },
    /// Threads, signals, the runtime.
    #[error("starting the router's threads: {0}")]
    Runtime(#[from] io::Error),
}

/// Runs a router until it is told to stop, by SIGTERM, SIGINT or over its control socket; then no new
/// connections are accepted and requests under way have 30 s to finish.
///
/// Leaves the session of whoever started it, so that it outlives them.
///
/// # Errors
/// When it cannot start.
pub fn run(options: ServerOptions) -> Result<(), RouterError> {
    let ServerOptions {
        listen,
        state_directory,
    } = options;
    // Fails for the leader of a process group, which is a router started by hand: it stays.
    let _ = setsid();
    let connections = raise_descriptors();
    let in_state = |path: &PathBuf| {
        let path = path.clone();
        move |source| RouterError::State { path, source }
    };
    let directory = StateDirectory::create(&state_directory).map_err(in_state(&state_directory))?;
    let lock = directory
        .lock(Lock::Running)
        .map_err(in_state(&state_directory))?;
    let Some(_running) = lock else {
        return Err(RouterError::AlreadyRunning(state_directory));
    };
    let file = directory.routes();
    let restored = state::load(&file).map_err(in_state(&file))?;
    let listener = TcpListener::bind(listen)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|error| RouterError::Listen {
            address: listen,
            source: Explanation::from(&error).fix("stop what listens there or choose another address"),
        })?;
    let socket = control::bind(&directory).map_err(in_state(&state_directory))?;

    let routes = Arc::new(Routes::default());
    routes.replace(&restored);
    let (stop, stopping) = watch::channel(false);
    let workers = start_workers(&routes, &stopping)?;
    let control = Control::new(listen, routes, file, stop.clone());
    runtime()?.block_on(async {
        tokio::spawn(control.serve(tokio::net::UnixListener::from_std(socket)?));
        tokio::spawn(stop_on_signal(signals()?, stop));
        let places = Arc::new(Semaphore::new(connections));
        tokio::spawn(accept(
            tokio::net::TcpListener::from_std(listener)?,
            workers,
            Arc::clone(&places),
            stopping.clone(),
        ));
        let mut stopping = stopping;
        let _ = stopping.wait_for(|stopping| *stopping).await;
        let all = u32::try_from(connections).unwrap_or(u32::MAX);
        let _ = timeout(GRACE, places.acquire_many(all)).await;
        Ok(())
    })
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Raises the soft limit to the hard one and says how many client connections that is enough for:
/// each may need one more to a backend.
fn raise_descriptors() -> usize {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    let most = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limits.maximum,
        Err(_) => limits.current,
    };
    let connections = most.unwrap_or(u64::MAX).saturating_sub(RESERVED_DESCRIPTORS) / 2;
    usize::try_from(connections.clamp(16, MOST_CONNECTIONS)).unwrap_or(16)
}

/// A worker as the one who accepts sees it.
struct Hand {
    load: Arc<AtomicUsize>,
    connections: UnboundedSender<Accepted>,
}

/// One worker per core, each on its own thread.
fn start_workers(routes: &Arc<Routes>, stopping: &watch::Receiver<bool>) -> io::Result<Vec<Hand>> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    (0..cores)
        .map(|index| {
            let worker = Worker::new(Arc::clone(routes), stopping.clone());
            let (sender, receiver) = unbounded_channel();
            let runtime = runtime()?;
            thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn(move || runtime.block_on(worker.serve(receiver)))?;
            Ok(Hand {
                load: Arc::default(),
                connections: sender,
            })
        })
        .collect()
}

/// Accepts connections, each for the worker that has the fewest, until the router stops.
///
/// One listener without `SO_REUSEPORT`: with it a second process of the same user could listen on the
/// same address unnoticed, and the kernel would spread a few busy connections unevenly.
async fn accept(
    listener: tokio::net::TcpListener,
    workers: Vec<Hand>,
    places: Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let accepting = async {
            let place = Arc::clone(&places)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            let (stream, peer) = listener.accept().await?;
            stream.into_std().map(|stream| (stream, peer, place))
        };
        let accepted = tokio::select! {
            accepted = accepting => accepted,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        let Ok((stream, peer, place)) = accepted else {
            // The client left again, or there are no descriptors: neither passes faster by hurrying.
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        if let Some(hand) = workers
            .iter()
            .min_by_key(|hand| hand.load.load(Ordering::Relaxed))
        {
            let held = Held::new(place, Arc::clone(&hand.load));
            let _ = hand.connections.send((stream, peer, held));
        }
    }
}

/// A stream that gets a byte with each signal to stop.
fn signals() -> io::Result<tokio::net::UnixStream> {
    let (read, write) = UnixStream::pair()?;
    pipe::register(SIGTERM, write.try_clone()?)?;
    pipe::register(SIGINT, write)?;
    read.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(read)
}

async fn stop_on_signal(mut signals: tokio::net::UnixStream, stop: watch::Sender<bool>) {
    if signals.read_u8().await.is_ok() {
        stop.send_replace(true);
    }
}

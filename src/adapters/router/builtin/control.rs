//! The router's side of the control socket.

use super::location::StateDirectory;
use super::pool::CONNECT;
use super::protocol::{Cause, LONGEST_LINE, Order, PROTOCOL, Reply, RouterIdentity};
use super::state;
use super::table::{Routes, refusal};
use crate::domain::model::Route;
use crate::host::files::PRIVATE;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Most control connections at a time; more wait to be accepted.
const MOST_CONNECTIONS: usize = 32;
/// Longest wait for the next order, and for a reply to be taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// Carries orders out.
pub(super) struct Control {
    listen: SocketAddr,
    routes: Arc<Routes>,
    file: PathBuf,
    /// One shift at a time.
    shifting: Mutex<()>,
    stopping: watch::Sender<bool>,
}

impl Control {
    /// Control over `routes`, kept in `file`; an order to stop goes to `stopping`.
    pub(super) fn new(
        listen: SocketAddr,
        routes: Arc<Routes>,
        file: PathBuf,
        stopping: watch::Sender<bool>,
    ) -> Arc<Self> {
        Arc::new(Self {
            listen,
            routes,
            file,
            shifting: Mutex::new(()),
            stopping,
        })
    }

    /// Takes orders for ever.
    pub(super) async fn serve(self: Arc<Self>, listener: UnixListener) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let own = rustix::process::geteuid().as_raw();
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await; // no descriptors left
                continue;
            };
            // The directory keeps others out already; this holds even where it was opened up.
            if !stream
                .peer_cred()
                .is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
            {
                continue;
            }
            let control = Arc::clone(&self);
            tokio::spawn(async move {
                let _ = control.conversation(stream).await;
                drop(place);
            });
        }
    }

    /// One order after the other, until the other side leaves, falls silent or talks nonsense.
    async fn conversation(&self, stream: UnixStream) -> io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut bounded = (&mut read).take(LONGEST_LINE);
            let length = timeout(PATIENCE, bounded.read_until(b'\n', &mut line)).await??;
            if length == 0 {
                return Ok(());
            }
            let order = serde_json::from_slice::<Order>(&line);
            let understood = line.ends_with(b"\n") && order.is_ok();
            let (reply, stop) = match order {
                Ok(order) if understood => (self.obey(&order).await, order == Order::Stop),
                Ok(_) => (refused(Cause::Invalid, "the order has no end"), false),
                Err(error) => (refused(Cause::Invalid, format!("not an order: {error}")), false),
            };
            let mut text = serde_json::to_vec(&reply)?;
            text.push(b'\n');
            timeout(PATIENCE, write.write_all(&text)).await??;
            if stop {
                self.stopping.send_replace(true);
            }
            if !understood {
                return Ok(());
            }
        }
    }

    async fn obey(&self, order: &Order) -> Reply {
        match order {
            Order::Identity => Reply::Identity(RouterIdentity {
                pid: std::process::id(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                protocol: PROTOCOL,
                listen: self.listen,
            }),
            Order::Routes => Reply::Routes(self.routes.current().states()),
            Order::Shift(routes) => self.shift(routes).await,
            Order::Stop => Reply::Done,
        }
    }

    async fn shift(&self, wanted: &[Route]) -> Reply {
        if let Some(reason) = refusal(wanted) {
            return refused(Cause::Invalid, reason);
        }
        let _one_at_a_time = self.shifting.lock().await;
        if let Some(unreachable) = self.first_unreachable(wanted).await {
            return refused(Cause::Unreachable, unreachable);
        }
        let (file, routes) = (self.file.clone(), wanted.to_vec());
        let saved = tokio::task::spawn_blocking(move || state::save(&file, &routes)).await;
        if let Err(error) = saved.map_err(io::Error::other).flatten() {
            return refused(
                Cause::Storage,
                format!(
                    "the routes could not be written to {}: {error}",
                    self.file.display()
                ),
            );
        }
        self.routes.replace(wanted);
        Reply::Done
    }

    /// Who would get traffic for the first time and does not even accept a connection.
    async fn first_unreachable(&self, wanted: &[Route]) -> Option<String> {
        let table = self.routes.current();
        let mut checks = JoinSet::new();
        for route in table.newly_active(wanted) {
            let route = route.clone();
            checks.spawn(async move {
                let cause = match timeout(CONNECT, TcpStream::connect(route.address.authority())).await {
                    Ok(Ok(_)) => return None,
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => format!("no answer within {} ms", CONNECT.as_millis()),
                };
                Some(format!(
                    "{} ({}) does not accept connections at {}: {cause}; the routes stay as they were",
                    route.unit, route.slot, route.address
                ))
            });
        }
        while let Some(checked) = checks.join_next().await {
            match checked {
                Ok(None) => {}
                Ok(Some(unreachable)) => return Some(unreachable),
                Err(error) => return Some(error.to_string()),
            }
        }
        None
    }
}

fn refused(cause: Cause, message: impl Into<String>) -> Reply {
    Reply::Refused {
        cause,
        message: message.into(),
    }
}

/// Binds the control socket, readable and writable by its owner only. The caller holds the lock of
/// the state directory, so a socket that is there was left by a router that is gone.
///
/// # Errors
/// Those of the file system.
pub(super) fn bind(directory: &StateDirectory) -> io::Result<std::os::unix::net::UnixListener> {
    let path = directory.socket();
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(PRIVATE))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

//! The port's side of the builtin router: starts the process where needed, and talks to it.

use super::location::{Lock, StateDirectory};
use super::protocol::{Cause, LONGEST_LINE, Order, PROTOCOL, Reply, RouterIdentity};
use super::server::GRACE;
use super::stray::Stray;
use crate::domain::model::{Endpoint, ErrorKind, Explanation, PortError, Route, RouteState};
use crate::host::files::PRIVATE;
use crate::host::process::ProcessIdentity;
use crate::ports::{Clock, Granularity, Router};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Longest wait for the reply to an order. A shift waits for backends (1.5 s) and the disk.
const REPLY: Duration = Duration::from_secs(10);
/// Longest wait for a router to start.
const START: Duration = Duration::from_secs(5);
/// How long a router may have its address and not answer: one that was killed, or is starting.
const PASSING: Duration = Duration::from_millis(500);
/// How often a wait looks.
const LOOK: Duration = Duration::from_millis(10);

/// Which router is meant, and how to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterOptions {
    /// The greenroom executable.
    pub binary: PathBuf,
    /// Where clients connect; the port must be given.
    pub listen: SocketAddr,
    /// The router's own directory.
    pub state_directory: PathBuf,
}

/// A running builtin router.
#[derive(Debug)]
pub struct BuiltinRouter {
    directory: StateDirectory,
    entry: Endpoint,
}

impl BuiltinRouter {
    /// The router that runs with these options.
    ///
    /// # Errors
    /// `Missing` when none runs, `Conflict` when it listens elsewhere, `Denied` when its directory is
    /// not private, `Ambiguous` when it does not answer.
    pub fn connect(options: &RouterOptions) -> Result<Self, PortError> {
        let doing = format!("connecting to the router on {}", options.listen);
        let directory =
            StateDirectory::open(&options.state_directory).map_err(|error| storage(&doing, &error))?;
        let router = Self::new(directory, options.listen)?;
        router.check(options.listen, &doing)?;
        Ok(router)
    }

    /// The router that runs with these options, started if none does; a crashed one comes back with
    /// its routes.
    ///
    /// # Errors
    /// As [`BuiltinRouter::connect`], and `Conflict` when something else listens on the address,
    /// `Transient` when it does not start within five seconds.
    pub fn ensure(options: &RouterOptions, clock: &dyn Clock) -> Result<Self, PortError> {
        let doing = format!("starting the router on {}", options.listen);
        if options.listen.port() == 0 {
            return Err(PortError::new(
                ErrorKind::Invalid,
                doing,
                "the address needs a port",
            ));
        }
        let directory =
            StateDirectory::create(&options.state_directory).map_err(|error| storage(&doing, &error))?;
        let router = Self::new(directory, options.listen)?;
        let deadline = clock.monotonic() + START;
        let _starting = loop {
            match router
                .directory
                .lock(Lock::Starting)
                .map_err(|error| storage(&doing, &error))?
            {
                Some(lock) => break lock,
                None => wait(
                    clock,
                    deadline,
                    &doing,
                    "another process is starting it and does not finish",
                )?,
            }
        };
        if !router.is_vacant(options.listen, &doing, clock)? {
            return Ok(router);
        }
        let mut child = router.spawn(options).map_err(|error| storage(&doing, &error))?;
        let started = router.await_start(&mut child, options.listen, (clock, deadline));
        // One that was starting already may have answered. Then this one is not needed, and left alone it
        // would take over as soon as that one is stopped.
        let another = router.identity().is_ok_and(|identity| identity.pid != child.id());
        if started.is_err() || another {
            let _ = child.kill();
        }
        // Collects the exit status whenever the router ends, so that no zombie is left meanwhile.
        std::thread::spawn(move || child.wait());
        started.map(|()| router)
    }

    /// Who the router is.
    ///
    /// # Errors
    /// `Missing` when it does not run, `Ambiguous` when it does not answer.
    pub fn identity(&self) -> Result<RouterIdentity, PortError> {
        let doing = format!("asking the router on {} who it is", self.entry);
        match self.order(&Order::Identity, &doing)? {
            Reply::Identity(identity) => Ok(identity),
            other => Err(unexpected(&doing, &other)),
        }
    }

    /// Ends the router and waits until it has: requests under way have 30 s to finish. Does nothing
    /// when it does not run.
    ///
    /// # Errors
    /// `Ambiguous` when it does not answer or does not end.
    pub fn stop(&self, clock: &dyn Clock) -> Result<(), PortError> {
        let doing = format!("stopping the router on {}", self.entry);
        let identity = match self.identity() {
            Err(error) if error.kind == ErrorKind::Missing => return Ok(()),
            identity => identity?,
        };
        let Ok(process) = ProcessIdentity::of(identity.pid) else {
            return Ok(());
        };
        match self.order(&Order::Stop, &doing)? {
            Reply::Done => {}
            other => return Err(unexpected(&doing, &other)),
        }
        let deadline = clock.monotonic() + GRACE + START;
        while process.is_alive() {
            wait(clock, deadline, &doing, "it was told to stop and still runs")?;
        }
        Ok(())
    }

    fn new(directory: StateDirectory, listen: SocketAddr) -> Result<Self, PortError> {
        let reachable = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let url = format!("http://{}", SocketAddr::new(reachable, listen.port()));
        let entry = url
            .parse()
            .map_err(|error| PortError::new(ErrorKind::Invalid, format!("naming {url}"), &error))?;
        Ok(Self { directory, entry })
    }

    /// That it is the router that was meant.
    fn check(&self, listen: SocketAddr, doing: &str) -> Result<(), PortError> {
        let identity = self.identity()?;
        let problem = if identity.listen != listen {
            Explanation::new(format!(
                "the router with this state (process {}) listens on {}",
                identity.pid, identity.listen
            ))
            .fix("stop it first, or use its address")
        } else if identity.protocol != PROTOCOL {
            Explanation::new(format!(
                "the running router is greenroom {} and speaks another control protocol",
                identity.version
            ))
            .fix("stop it first")
        } else {
            return Ok(());
        };
        Err(PortError::new(ErrorKind::Conflict, doing, problem))
    }

    /// Whether a router has to be started. Whatever listens on its address and does not answer for it
    /// is not it; except for a moment, after it was killed, or while one is starting whose greenroom
    /// was killed.
    fn is_vacant(&self, listen: SocketAddr, doing: &str, clock: &dyn Clock) -> Result<bool, PortError> {
        let deadline = clock.monotonic() + PASSING;
        loop {
            match self.check(listen, doing) {
                Err(error) if error.kind == ErrorKind::Missing => {}
                checked => return checked.map(|()| false),
            }
            match TcpListener::bind(listen) {
                Ok(_) => return Ok(true),
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                    return Err(PortError::new(ErrorKind::Denied, doing, &error));
                }
                Err(_) if clock.monotonic() >= deadline => break,
                Err(_) => wait(clock, deadline, doing, "the address is in use")?,
            }
        }
        let problem = Stray::on(listen).map_or_else(
            || {
                Explanation::new("something that greenroom did not start listens there")
                    .fix("stop it or choose another address")
            },
            |stray| stray.in_the_way(),
        );
        Err(PortError::new(ErrorKind::Conflict, doing, problem))
    }

    /// Starts the process: no terminal, nothing of this one's environment (it may hold secrets of the
    /// run that the router outlives), no hold on any directory.
    fn spawn(&self, options: &RouterOptions) -> io::Result<Child> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(PRIVATE)
            .open(self.directory.log())?;
        Command::new(&options.binary)
            .arg("router")
            .arg("--listen")
            .arg(options.listen.to_string())
            .arg("--state")
            .arg(self.directory.path())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
    }

    fn await_start(
        &self,
        child: &mut Child,
        listen: SocketAddr,
        (clock, deadline): (&dyn Clock, Duration),
    ) -> Result<(), PortError> {
        let doing = format!("starting the router on {listen}");
        loop {
            match self.check(listen, &doing) {
                Err(error) if error.kind == ErrorKind::Missing => {}
                checked => return checked,
            }
            // One that was starting already may have been first: then that is the router.
            if let Ok(Some(status)) = child.try_wait()
                && !matches!(self.directory.lock(Lock::Running), Ok(None))
            {
                let said = self.said().unwrap_or_default();
                return Err(PortError::new(
                    ErrorKind::Transient,
                    doing,
                    format!("it ended at once ({status}): {}", said.trim()),
                ));
            }
            wait(
                clock,
                deadline,
                &doing,
                "it does not answer on its control socket",
            )?;
        }
    }

    /// Returns the last error that the process wrote, else its last line.
    fn said(&self) -> io::Result<String> {
        let mut file = File::open(self.directory.log())?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(1024)))?;
        let mut end = Vec::new();
        file.take(1024).read_to_end(&mut end)?;
        let text = String::from_utf8_lossy(&end);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        // An error says what it came from and what helps on lines of their own below it.
        let error = lines.iter().rposition(|line| line.starts_with("error:"));
        let begin = error.unwrap_or(lines.len().saturating_sub(1));
        Ok(lines.get(begin..).unwrap_or_default().join(" "))
    }

    fn order(&self, order: &Order, doing: &str) -> Result<Reply, PortError> {
        let failed = |kind| move |error: io::Error| PortError::new(kind, doing, &error);
        let mut stream = self.dial().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                PortError::new(ErrorKind::Missing, doing, "it does not run")
            }
            io::ErrorKind::PermissionDenied => PortError::new(ErrorKind::Denied, doing, &error),
            _ => PortError::new(ErrorKind::Transient, doing, &error),
        })?;
        let mut text =
            serde_json::to_vec(order).map_err(|error| PortError::new(ErrorKind::Invalid, doing, &error))?;
        text.push(b'\n');
        if text.len() as u64 > LONGEST_LINE {
            return Err(PortError::new(
                ErrorKind::Invalid,
                doing,
                "too many routes for one router",
            ));
        }
        stream.write_all(&text).map_err(failed(ErrorKind::Ambiguous))?;
        let mut line = Vec::new();
        BufReader::new(stream.take(LONGEST_LINE))
            .read_until(b'\n', &mut line)
            .map_err(failed(ErrorKind::Ambiguous))?;
        serde_json::from_slice(&line).map_err(|error| {
            PortError::new(ErrorKind::Ambiguous, doing, "its reply makes no sense").because(&error)
        })
    }

    /// Connects without waiting: a router that hangs has a full queue, and its callers must not hang too.
    fn dial(&self) -> io::Result<UnixStream> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::net::connect(&socket, &SocketAddrUnix::new(self.directory.socket())?)?;
        let stream = UnixStream::from(socket);
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(REPLY))?;
        stream.set_write_timeout(Some(REPLY))?;
        Ok(stream)
    }
}

impl Router for BuiltinRouter {
    fn name(&self) -> &str {
        "builtin"
    }

    fn granularity(&self) -> Granularity {
        Granularity::Percent
    }

    fn entry(&self) -> Endpoint {
        self.entry.clone()
    }

    fn routes(&self) -> Result<Vec<RouteState>, PortError> {
        let doing = format!("reading the routes of the router on {}", self.entry);
        match self.order(&Order::Routes, &doing)? {
            Reply::Routes(routes) => Ok(routes),
            other => Err(unexpected(&doing, &other)),
        }
    }

    fn shift(&self, routes: &[Route]) -> Result<(), PortError> {
        let doing = format!("shifting traffic on {}", self.entry);
        match self.order(&Order::Shift(routes.to_vec()), &doing)? {
            Reply::Done => Ok(()),
            other => Err(unexpected(&doing, &other)),
        }
    }
}

/// What a reply that is not the wanted one means.
fn unexpected(doing: &str, reply: &Reply) -> PortError {
    match reply {
        Reply::Refused { cause, message } => {
            let kind = match cause {
                Cause::Invalid => ErrorKind::Invalid,
                Cause::Unreachable | Cause::Storage => ErrorKind::Transient,
            };
            PortError::new(kind, doing, message.as_str())
        }
        other => PortError::new(
            ErrorKind::Ambiguous,
            doing,
            format!("it answered something else: {other:?}"),
        ),
    }
}

/// Waits one look, unless the time is up.
fn wait(clock: &dyn Clock, deadline: Duration, doing: &str, otherwise: &str) -> Result<(), PortError> {
    if clock.monotonic() >= deadline {
        return Err(PortError::new(ErrorKind::Ambiguous, doing, otherwise));
    }
    clock
        .sleep(LOOK)
        .map_err(|signal| PortError::new(ErrorKind::Transient, doing, &signal))
}

pub(super) fn storage(doing: &str, error: &io::Error) -> PortError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::Missing,
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Transient,
    };
    PortError::new(kind, doing, error)
}

//! A small HTTP service to deploy: what the tests and the demo ship.
//!
//! It listens on 127.0.0.1:`PORT` (`HOST` changes the address), answers `/` with "hello from
//! `VERSION`" and `/health` with the JSON that greenroom's HTTP probe reads, more of it with
//! `?detailed=true`. On SIGTERM it finishes what is under way and exits with status 0.
//!
//! `BEHAVIOUR` makes it misbehave, several separated by commas:
//! - `unhealthy`: `/health` answers 503;
//! - `errors=0.3`: that share of the answers other than `/health` is a 500;
//! - `slow=200ms`: answers other than `/health` take that long;
//! - `startup=500ms`: it listens only after that time.
//!
//! It uses no more than the standard library needs help with: signals, and civil time.

#![expect(
    clippy::disallowed_methods,
    reason = "a service of its own, not a part of greenroom: it reads its environment and sleeps by itself"
)]

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, thread};

/// Longest request head in bytes.
const LONGEST_HEAD: u64 = 64 * 1024;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_environment()?;
    let signals = Signals::new([SIGTERM, SIGINT])?;
    thread::sleep(settings.behaviour.startup);
    let listener = TcpListener::bind((settings.host.as_str(), settings.port))?;
    let service = Arc::new(Service::new(settings));
    stop_on_signal(signals, Arc::clone(&service), listener.local_addr()?);
    for (number, stream) in (0u64..).zip(listener.incoming()) {
        if service.stopping.load(Ordering::SeqCst) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let service = Arc::clone(&service);
        thread::Builder::new().stack_size(128 * 1024).spawn(move || {
            // A client that leaves or talks nonsense ends its own connection only.
            let _ = service.serve(number, &stream);
            service.forget(number);
        })?;
    }
    drop(listener);
    service.finish();
    Ok(())
}

/// Closes idle connections and wakes the main thread when a signal comes.
fn stop_on_signal(mut signals: Signals, service: Arc<Service>, address: std::net::SocketAddr) {
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            service.stopping.store(true, Ordering::SeqCst);
            service.close_idle();
            let _ = TcpStream::connect(address);
        }
    });
}

/// How it misbehaves.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Behaviour {
    unhealthy: bool,
    errors: f64,
    slow: Duration,
    startup: Duration,
}

impl Behaviour {
    fn parse(text: &str) -> Result<Self, String> {
        let mut behaviour = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let wrong = |_: String| format!("BEHAVIOUR: {word:?} has no valid value");
            match name {
                "ok" => {}
                "unhealthy" => behaviour.unhealthy = true,
                "errors" => behaviour.errors = share(value).map_err(wrong)?,
                "slow" => behaviour.slow = period(value).map_err(wrong)?,
                "startup" => behaviour.startup = period(value).map_err(wrong)?,
                _ => return Err(format!("BEHAVIOUR: {word:?} is not known")),
            }
        }
        Ok(behaviour)
    }
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| text.to_owned())
}

fn period(text: &str) -> Result<Duration, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = digits.parse().map_err(|_| text.to_owned())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        _ => Err(text.to_owned()),
    }
}

/// What the environment says.
struct Settings {
    host: String,
    port: u16,
    version: String,
    environment: String,
    behaviour: Behaviour,
}

impl Settings {
    fn from_environment() -> Result<Self, Box<dyn Error>> {
        let read = |name: &str, otherwise: &str| env::var(name).unwrap_or_else(|_| otherwise.to_owned());
        Ok(Self {
            host: read("HOST", "127.0.0.1"),
            port: read("PORT", "8080").parse()?,
            version: read("VERSION", "0.0.0"),
            environment: read("ENVIRONMENT", "development"),
            behaviour: Behaviour::parse(&read("BEHAVIOUR", "ok"))?,
        })
    }
}

/// The running service.
struct Service {
    settings: Settings,
    begun: Instant,
    answers: AtomicU64,
    stopping: AtomicBool,
    /// Open connections, each with whether a request is under way on it.
    connections: Mutex<HashMap<u64, (TcpStream, bool)>>,
    ended: Condvar,
}

impl Service {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            begun: Instant::now(),
            answers: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            connections: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<u64, (TcpStream, bool)>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, number: u64) {
        self.connections().remove(&number);
        self.ended.notify_all();
    }

    fn close_idle(&self) {
        for (stream, busy) in self.connections().values() {
            if !busy {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Waits until every connection has ended.
    fn finish(&self) {
        let mut connections = self.connections();
        while !connections.is_empty() {
            connections = self
                .ended
                .wait(connections)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Marks the connection busy or idle; false when an idle one has to go.
    fn mark(&self, number: u64, busy: bool) -> bool {
        if let Some(connection) = self.connections().get_mut(&number) {
            connection.1 = busy;
        }
        busy || !self.stopping.load(Ordering::SeqCst)
    }

    fn serve(&self, number: u64, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        self.connections().insert(number, (stream.try_clone()?, false));
        let mut reader = BufReader::new(stream);
        while self.mark(number, false) {
            if reader.fill_buf()?.is_empty() {
                break;
            }
            self.mark(number, true);
            let Some(request) = Request::read(&mut reader)? else {
                break;
            };
            let (status, kind, body) = self.answer(&request.target);
            let keep = request.keep && !self.stopping.load(Ordering::SeqCst);
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: {}\r\n\r\n",
                body.len(),
                if keep { "keep-alive" } else { "close" }
            );
            let body = if request.head_only { "" } else { &body };
            (&*stream).write_all(format!("{head}{body}").as_bytes())?;
            if !keep {
                break;
            }
        }
        Ok(())
    }

    fn answer(&self, target: &str) -> (&'static str, &'static str, String) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Settings {
            version, behaviour, ..
        } = &self.settings;
        if path == "/health" {
            let status = if behaviour.unhealthy {
                "503 Service Unavailable"
            } else {
                "200 OK"
            };
            return (status, "application/json", self.health(query == "detailed=true"));
        }
        thread::sleep(behaviour.slow);
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        if fails(number, behaviour.errors) {
            ("500 Internal Server Error", "text/plain", "failed\n".to_owned())
        } else if path == "/" {
            ("200 OK", "text/plain", format!("hello from {version}\n"))
        } else {
            ("404 Not Found", "text/plain", "not found\n".to_owned())
        }
    }

    fn health(&self, detailed: bool) -> String {
        let Settings {
            version,
            environment,
            behaviour,
            ..
        } = &self.settings;
        let (status, database) = if behaviour.unhealthy {
            ("error", "disconnected")
        } else {
            ("ok", "connected")
        };
        let mut health = serde_json::json!({
            "status": status,
            "timestamp": timestamp(),
            "version": version,
            "uptime": self.begun.elapsed().as_secs(),
            "environment": environment,
            "database": { "status": database, "isOffline": behaviour.unhealthy },
        });
        if detailed {
            health["system"] = serde_json::json!({
                "platform": env::consts::OS,
                "cpus": thread::available_parallelism().map_or(1, usize::from),
                "memory": memory(),
            });
            health["process"] = serde_json::json!({
                "pid": std::process::id(),
                "underWay": self.connections().values().filter(|(_, busy)| *busy).count(),
                "answers": self.answers.load(Ordering::Relaxed),
            });
        }
        health.to_string()
    }
}

/// Whether the answer with this number is one of the failing share; spread evenly.
fn fails(number: u64, share: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a small service counts few answers")]
    let reached = |number: u64| (number as f64 * share).floor();
    reached(number + 1) > reached(number)
}

/// Now, as in `2023-03-22T12:34:56.789Z`.
fn timestamp() -> String {
    chrono::DateTime::<chrono::Utc>::from(SystemTime::now())
        .format("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

/// Memory of the machine in bytes, and the share in use in percent.
fn memory() -> serde_json::Value {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let read = |name: &str| {
        text.lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .split_whitespace()
                    .next()?
                    .parse::<u64>()
                    .ok()
            })
            .unwrap_or(0)
            * 1024
    };
    let (total, free) = (read("MemTotal:"), read("MemAvailable:"));
    serde_json::json!({
        "total": total,
        "free": free,
        "usage": (total.saturating_sub(free) * 100).checked_div(total).unwrap_or(0),
    })
}

/// As much of a request as this service needs.
struct Request {
    target: String,
    keep: bool,
    head_only: bool,
}

impl Request {
    /// The next request; `None` at the end or when it makes no sense. Its body is read and dropped.
    fn read(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Self>> {
        let mut head = reader.take(LONGEST_HEAD);
        let mut first = String::new();
        head.read_line(&mut first)?;
        let mut words = first.split_whitespace();
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Ok(None);
        };
        let mut request = Self {
            target: target.to_owned(),
            keep: version == "HTTP/1.1",
            head_only: method == "HEAD",
        };
        let (mut length, mut chunked) = (0, false);
        loop {
            let mut line = String::new();
            if head.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "connection" if value.eq_ignore_ascii_case("close") => request.keep = false,
                "content-length" => length = value.parse().map_err(io::Error::other)?,
                "transfer-encoding" => chunked = true,
                _ => {}
            }
        }
        if chunked {
            skip_chunks(reader)?;
        } else {
            io::copy(&mut reader.take(length), &mut io::sink())?;
        }
        Ok(Some(request))
    }
}

fn skip_chunks(reader: &mut BufReader<&TcpStream>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        reader.take(64).read_line(&mut line)?;
        let size =
            u64::from_str_radix(line.split(';').next().unwrap_or("").trim(), 16).map_err(io::Error::other)?;
        // The chunk and its line end; after the last one, the empty line after the trailers.
        if size > 0 {
            io::copy(&mut reader.take(size + 2), &mut io::sink())?;
            continue;
        }
        loop {
            line.clear();
            if reader.take(LONGEST_HEAD).read_line(&mut line)? <= 2 {
                return Ok(());
            }
        }
    }
}

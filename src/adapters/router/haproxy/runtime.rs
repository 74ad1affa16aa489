//! The runtime interface: a line of orders over a connection of its own, text back until it closes.

use crate::domain::model::{ErrorKind, Explanation, PortError};
use crate::host::tcp;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest reply that is read, in bytes: some 15,000 servers.
const LONGEST: usize = 8 * 1024 * 1024;
/// How much of a reply is shown, in characters.
const SHOWN: usize = 300;
/// How the replies to orders begin that have something to say and succeeded.
const DONE: [&str; 3] = ["IP changed", "port changed", "no need to change"];

/// Where the interface is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// `host:port`.
    Tcp(String),
    /// A socket's path.
    Unix(PathBuf),
}

/// The runtime interface of one `HAProxy`.
#[derive(Debug, Clone)]
pub(super) struct Runtime {
    place: Place,
    timeout: Duration,
}

impl Runtime {
    /// The interface at `text`; or what is wrong with that.
    pub(super) fn parse(text: &str, timeout: Duration) -> Result<Self, Explanation> {
        let tcp = |rest: &str| {
            let (host, port) = rest.rsplit_once(':')?;
            let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
            let named = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
            (!host.is_empty() && host.chars().all(named)).then(|| Place::Tcp(format!("{host}:{port}")))
        };
        let place = match (text.strip_prefix("tcp://"), text.strip_prefix("unix://")) {
            (Some(rest), _) => tcp(rest),
            (_, Some(path)) => path.starts_with('/').then(|| Place::Unix(PathBuf::from(path))),
            _ => None,
        };
        let place = place.ok_or_else(|| {
            Explanation::new("this is no address of a runtime interface")
                .fix("write it as tcp://host:port or unix:///path")
        })?;
        Ok(Self { place, timeout })
    }

    /// The reply to a question, which changes nothing.
    pub(super) fn ask(&self, question: &str, doing: &str) -> Result<String, PortError> {
        self.exchange(question)
            .map_err(|failure| failure.told(self, ErrorKind::Transient, doing))
    }

    /// The reply to orders; they may have been carried out where it does not come.
    pub(super) fn order(&self, orders: &str, doing: &str) -> Result<String, PortError> {
        self.exchange(orders)
            .map_err(|failure| failure.told(self, ErrorKind::Ambiguous, doing))
    }

    fn exchange(&self, line: &str) -> Result<String, Failure> {
        match &self.place {
            Place::Tcp(authority) => {
                let stream = tcp::connect(authority, self.timeout)
                    .map_err(|error| Failure::before(ErrorKind::Transient, error.0))?;
                let limits = |left| {
                    stream.set_read_timeout(Some(left))?;
                    stream.set_write_timeout(Some(left))
                };
                converse(&stream, line, self.timeout, limits)
            }
            Place::Unix(path) => {
                let stream = dial(path).map_err(|error| unix_failure(&error))?;
                let limits = |left| {
                    stream.set_read_timeout(Some(left))?;
                    stream.set_write_timeout(Some(left))
                };
                converse(&stream, line, self.timeout, limits)
            }
        }
        .and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| Failure::after("its reply is no text".to_owned()))
        })
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp(authority) => write!(f, "tcp://{authority}"),
            Place::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// Why there is no reply.
struct Failure {
    /// What kind of error it is, where nothing was sent.
    unsent: Option<ErrorKind>,
    why: Explanation,
}

impl Failure {
    fn before(kind: ErrorKind, why: impl Into<Explanation>) -> Self {
        Self {
            unsent: Some(kind),
            why: why.into(),
        }
    }

    fn after(why: impl Into<Explanation>) -> Self {
        Self {
            unsent: None,
            why: why.into(),
        }
    }

    fn told(self, runtime: &Runtime, sent: ErrorKind, doing: &str) -> PortError {
        let why = self.why.while_doing(&format!(
            "the runtime interface of HAProxy at {runtime} does not answer"
        ));
        PortError::new(self.unsent.unwrap_or(sent), doing, why)
    }
}

fn unix_failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::before(
            ErrorKind::Transient,
            Explanation::new("there is no such socket")
                .fix("see that HAProxy runs here, with `stats socket` at this path"),
        ),
        io::ErrorKind::ConnectionRefused => Failure::before(ErrorKind::Transient, "nobody listens"),
        io::ErrorKind::PermissionDenied => Failure::before(
            ErrorKind::Denied,
            Explanation::new("no permission")
                .fix("let this user in with `user`, `group` and `mode` at `stats socket`"),
        ),
        io::ErrorKind::WouldBlock => Failure::before(ErrorKind::Transient, "too many wait for it"),
        io::ErrorKind::InvalidInput => {
            Failure::before(ErrorKind::Invalid, "the path is too long for a socket")
        }
        _ => Failure::before(ErrorKind::Transient, error),
    }
}

/// Connects without waiting: a process that hangs has a full queue, and its callers must not hang too.
fn dial(path: &Path) -> io::Result<UnixStream> {
    let address =
        SocketAddrUnix::new(path).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "too long"))?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &address)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Sends a line and reads until the other side closes, all within `timeout`.
fn converse<S>(
    stream: &S,
    line: &str,
    timeout: Duration,
    limits: impl Fn(Duration) -> io::Result<()>,
) -> Result<Vec<u8>, Failure>
where
    for<'s> &'s S: Read + Write,
{
    let begun = Instant::now();
    let late = || Failure::after(format!("no end of its reply within {timeout:?}"));
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => late(),
        _ => Failure::after(&error),
    };
    let mut stream = stream;
    limits(timeout).map_err(failed)?;
    stream.write_all(format!("{line}\n").as_bytes()).map_err(failed)?;
    let (mut reply, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let left = timeout.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(late());
        }
        limits(left).map_err(failed)?;
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => reply.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
        if reply.len() > LONGEST {
            return Err(Failure::after(format!(
                "its reply is longer than {LONGEST} bytes"
            )));
        }
    }
    // Even an order that has nothing to say is answered with an empty line.
    if reply.is_empty() {
        return Err(Failure::after(
            "it closed the connection without a reply".to_owned(),
        ));
    }
    Ok(reply)
}

/// What was said to orders beyond that they were carried out. The words are no programming interface:
/// they explain, they do not decide.
pub(super) fn remarks(said: &str) -> String {
    let lines = said.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !DONE.iter().any(|done| line.starts_with(done)));
    let mut lines: Vec<&str> = lines.collect();
    lines.dedup();
    lines.join(" ")
}

/// What kind of refusal these words are.
pub(super) fn kind(said: &str) -> ErrorKind {
    if said.contains("Permission denied") {
        ErrorKind::Denied
    } else if said.contains("Unknown command") {
        ErrorKind::Unsupported
    } else {
        ErrorKind::Invalid
    }
}

/// As one line without control characters, and bounded: it comes from a stranger. With advice where the
/// words are known.
pub(super) fn clean(said: &str) -> String {
    let mut line: String = said
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .take(SHOWN)
        .collect();
    if said.contains("Permission denied") {
        line.push_str(" (give the socket `level admin` in haproxy.cfg)");
    } else if said.contains("static LB algorithm") {
        line.push_str(" (use `balance roundrobin` or `leastconn`)");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const SHORT: Duration = Duration::from_millis(200);

    fn runtime(text: &str) -> Runtime {
        Runtime::parse(text, SHORT).unwrap()
    }

    #[test]
    fn addresses_are_tcp_or_unix() {
        for text in [
            "tcp://10.0.0.1:9999",
            "tcp://[::1]:1",
            "tcp://lb.test:80",
            "unix:///run/h.sock",
        ] {
            assert_eq!(runtime(text).to_string(), text);
        }
        for text in [
            "",
            "10.0.0.1:9999",
            "tcp://h",
            "tcp://:1",
            "tcp://h:0",
            "tcp://h:1\nshow",
            "unix://run/h.sock",
            "http://h:1",
        ] {
            let problem = Runtime::parse(text, SHORT).unwrap_err();
            assert!(
                problem.to_string().contains("tcp://host:port or unix:///path"),
                "{text}"
            );
        }
    }

    /// A server that answers the first line with `reply`, and closes or not.
    fn answering(reply: &'static [u8], closes: bool) -> (String, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let text = format!("tcp://{}", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = [0; 6];
            stream.read_exact(&mut line).unwrap();
            stream.write_all(reply).unwrap();
            if !closes {
                // Until the other side has had enough.
                let _ = stream.read(&mut line);
            }
        });
        (text, serving)
    }

    #[test]
    fn a_reply_is_whole_text_in_time() {
        for (reply, closes, problem) in [
            (&b"\n"[..], true, None),
            (b"", true, Some("without a reply")),
            (b"half", false, Some("no end of its reply within 200ms")),
            (b"\xff\xfe", true, Some("no text")),
        ] {
            let (text, serving) = answering(reply, closes);
            let answer = runtime(&text).order("hello", "testing");
            match problem {
                None => assert_eq!(answer.unwrap(), "\n"),
                Some(problem) => {
                    let error = answer.unwrap_err();
                    assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
                    assert!(error.to_string().contains(problem), "{error}");
                }
            }
            serving.join().unwrap();
        }
    }

    #[test]
    fn where_nothing_was_sent_it_is_no_guess() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = runtime(&format!("tcp://{gone}"))
            .order("x", "testing")
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient, "{error}");
        let error = runtime("unix:///nowhere/h.sock")
            .order("x", "testing")
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient);
        assert!(error.to_string().contains("no such socket"), "{error}");
        let long = format!("unix:///{}", "x".repeat(200));
        assert_eq!(
            runtime(&long).ask("x", "testing").unwrap_err().kind,
            ErrorKind::Invalid
        );
    }

    #[test]
    fn remarks_are_what_is_not_a_success() {
        let said = "\nIP changed from '1.1.1.1' to '2.2.2.2' by 'stats socket command'\n\n\
            no need to change the addr, no need to change the port by 'stats socket command'\n\n";
        assert_eq!(remarks(said), "");
        let said = "\nNo such server.\n\n\nPermission denied\n\nPermission denied\n";
        assert_eq!(remarks(said), "No such server. Permission denied");
        assert_eq!(kind(said), ErrorKind::Denied);
        assert_eq!(kind("No such server."), ErrorKind::Invalid);
        assert!(clean("Permission denied\u{1b}[0m").contains("level admin"));
        assert!(clean(&"x".repeat(900)).len() <= SHOWN);
    }
}

//! TCP connections to `host:port`, in bounded time and with errors in plain words.

use crate::domain::model::Explanation;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use thiserror::Error;

/// Why there is no connection, as a sentence for people that names the peer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unreachable(#[source] pub Explanation);

/// The addresses of `authority` (`host:port`). Addresses written as numbers cost nothing; names go
/// through the system's resolver, which cannot be cancelled, so they are asked on a thread of their
/// own that is left behind when the time is up.
///
/// # Errors
/// When the name is unknown, is no `host:port`, or is not answered within `timeout`.
pub fn resolve(authority: &str, timeout: Duration) -> Result<Vec<SocketAddr>, Unreachable> {
    if let Ok(address) = authority.parse() {
        return Ok(vec![address]);
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let (answer, answered) = mpsc::sync_channel(1);
    let asked = authority.to_owned();
    thread::spawn(move || answer.send(asked.to_socket_addrs().map(Vec::from_iter)));
    match answered.recv_timeout(timeout) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(Ok(_)) => Err(Unreachable(format!("the name {host} has no address").into())),
        Ok(Err(error)) => Err(Unreachable(
            Explanation::new(format!("the name {host} could not be resolved")).because(&error),
        )),
        Err(_) => Err(Unreachable(
            format!("the name {host} was not resolved within {timeout:?}").into(),
        )),
    }
}

/// Connects to `authority` (`host:port`): every address that it has, one after the other, within
/// `timeout` altogether.
///
/// # Errors
/// When no address can be connected to; the reason is that of the last one tried.
pub fn connect(authority: &str, timeout: Duration) -> Result<TcpStream, Unreachable> {
    let started = Instant::now();
    let addresses = resolve(authority, timeout)?;
    let mut last = late(authority, timeout);
    for (index, address) in addresses.iter().enumerate() {
        let left = timeout.saturating_sub(started.elapsed());
        // Addresses still untried keep their share of the time.
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(1);
        if share.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => last = late(authority, timeout),
            Err(error) => last = Unreachable(describe(&error, authority)),
        }
    }
    Err(last)
}

fn late(authority: &str, timeout: Duration) -> Unreachable {
    Unreachable(format!("no connection to {authority} within {timeout:?}").into())
}

/// What a failed connection says to a person.
pub fn describe(error: &io::Error, authority: &str) -> Explanation {
    Explanation::new(match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("connection refused by {authority}"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            format!("connection reset by {authority}")
        }
        io::ErrorKind::UnexpectedEof => format!("connection closed by {authority} before it answered"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            format!("no route to {authority}")
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => format!("no answer from {authority} in time"),
        _ => return Explanation::new(format!("no connection to {authority}")).because(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn numbers_need_no_resolver_and_names_do() {
        assert_eq!(
            resolve("[::1]:80", Duration::ZERO).unwrap(),
            ["[::1]:80".parse().unwrap()]
        );
        let addresses = resolve("localhost:80", 5 * SECOND).unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn an_unknown_name_is_named_without_its_port() {
        let error = resolve("no-such-host.invalid:80", 10 * SECOND).unwrap_err();
        assert!(
            error
                .0
                .message
                .starts_with("the name no-such-host.invalid could not"),
            "{error}"
        );
        assert!(connect("nonsense", SECOND).is_err());
    }

    #[test]
    fn a_port_where_nothing_listens_refuses_and_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(connect(&address, SECOND).is_ok());
        drop(listener);
        assert_eq!(
            connect(&address, SECOND).unwrap_err().to_string(),
            format!("connection refused by {address}")
        );
    }
}

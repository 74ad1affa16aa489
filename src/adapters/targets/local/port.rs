//! Free ports.

use crate::host::random;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

/// How many ports below the ephemeral ones are used.
const RANGE: u16 = 12_000;

/// Hands out loopback ports, no port twice, whichever greenroom on this machine asks.
#[derive(Default)]
pub(super) struct Ports {
    given: Mutex<BTreeMap<u16, Claim>>,
}

/// A port is this process's: until it ends, no other greenroom is given it. The name of a socket in the abstract
/// namespace (unix(7)), which like ports belongs to the network namespace and goes with its process.
struct Claim(#[expect(dead_code, reason = "held, never used")] UnixListener);

impl Claim {
    fn of(port: u16) -> io::Result<Self> {
        let name = SocketAddr::from_abstract_name(format!("greenroom-port-{port}"))?;
        UnixListener::bind_addr(&name).map(Self)
    }
}

impl Ports {
    /// A port on which nobody listens. Between now and the moment the service binds it, no outgoing
    /// connection gets it: those come from the ephemeral range (ip(7), `ip_local_port_range`), and this
    /// port from below it.
    pub(super) fn choose(&self) -> io::Result<u16> {
        let ephemeral = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
            .ok()
            .and_then(|range| range.split_whitespace().next()?.parse::<u16>().ok())
            .unwrap_or(32_768);
        // Where the ephemeral range leaves too little room, it has to do.
        let end = if ephemeral < 2_048 { 32_768 } else { ephemeral };
        let start = end.saturating_sub(RANGE).max(1_024);
        for _ in 0..256 {
            let random = u16::from_str_radix(&random::hex(2)?, 16).unwrap_or(0);
            let port = start + random % (end - start);
            let claim = match Claim::of(port) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
                claim => claim?,
            };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                self.given().insert(port, claim);
                return Ok(port);
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("no free port was found between {start} and {end}"),
        ))
    }

    /// The port may be chosen again.
    pub(super) fn give_back(&self, port: u16) {
        self.given().remove(&port);
    }

    fn given(&self) -> MutexGuard<'_, BTreeMap<u16, Claim>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_port_is_given_twice_not_even_by_two() {
        let (one, other) = (Ports::default(), Ports::default());
        let given: BTreeSet<u16> = (0..200)
            .flat_map(|_| [one.choose().unwrap(), other.choose().unwrap()])
            .collect();
        assert_eq!(given.len(), 400);
        for port in given {
            one.give_back(port);
        }
        assert!(one.choose().is_ok());
    }
}

//! Free ports.

use crate::host::random;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

/// How many ports below the ephemeral ones are used.
const RANGE: u16 = 12_000;

/// Hands out loopback ports, no port twice.
#[derive(Default)]
pub(super) struct Ports {
    given: Mutex<BTreeSet<u16>>,
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
            let fresh = self
                .given
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(port);
            if fresh && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(port);
            }
            if fresh {
                self.give_back(port);
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("no free port was found between {start} and {end}"),
        ))
    }

    /// The port may be chosen again.
    pub(super) fn give_back(&self, port: u16) {
        self.given
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let ports = Ports::default();
        let given: BTreeSet<u16> = (0..300).map(|_| ports.choose().unwrap()).collect();
        assert_eq!(given.len(), 300);
    }
}

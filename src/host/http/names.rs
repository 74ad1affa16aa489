//! The addresses behind names.

use super::CONNECT;
use crate::host::tcp;
use crate::host::url::authority;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Addresses of one name that are tried; ureq has room for 16.
const ADDRESSES: usize = 8;

/// The system's names, through [`tcp::resolve`]: ureq's own resolver starts a thread for every
/// request with a time limit, even where the host is a number or the connection is kept.
#[derive(Debug)]
pub(super) struct Names {
    kept: Duration,
    known: Mutex<BTreeMap<String, (Instant, Vec<SocketAddr>)>>,
}

impl Names {
    /// Remembers a name's addresses for as long as `kept`.
    pub(super) fn new(kept: Duration) -> Self {
        Self {
            kept,
            known: Mutex::default(),
        }
    }

    fn remembered(&self, authority: &str) -> Option<Vec<SocketAddr>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, addresses) = known.get(authority)?;
        (since.elapsed() < self.kept).then(|| addresses.clone())
    }

    fn addresses(&self, authority: &str, timeout: Duration) -> Result<Vec<SocketAddr>, tcp::Unreachable> {
        if let Some(addresses) = self.remembered(authority) {
            return Ok(addresses);
        }
        let addresses = tcp::resolve(authority, timeout)?;
        if !self.kept.is_zero() {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(authority.to_owned(), (Instant::now(), addresses.clone()));
        }
        Ok(addresses)
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &http::Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = self
            .addresses(&authority(&uri.to_string()), (*timeout.after).min(CONNECT))
            .map_err(|unreachable| ureq::Error::Other(Box::new(unreachable)))?;
        let mut resolved = self.empty();
        for address in addresses.into_iter().take(ADDRESSES) {
            resolved.push(address);
        }
        Ok(resolved)
    }
}

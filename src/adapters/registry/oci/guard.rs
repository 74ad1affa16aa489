//! Where a registry may send greenroom with its requests: a server that names an address inside the
//! network (the cloud's metadata service, this machine) would have it asked in its stead.

use crate::host::tcp;
use crate::host::url::{UrlOrigin, origin};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest wait for the addresses behind a name.
const NAMES: Duration = Duration::from_secs(10);

/// How far inside an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Anyone's.
    Public,
    /// The organisation's network.
    Private,
    /// This machine.
    Loopback,
    /// The link: the cloud's metadata service, and nothing else that is ever wanted.
    Link,
}

/// What another server sends us to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// A token server, which gets the credentials.
    Realm,
    /// An upload, which gets the content.
    Upload,
    /// Content that is checked when it comes, and is asked for without credentials.
    Download,
}

/// Remembers what was permitted.
#[derive(Debug, Default)]
pub(super) struct Guard {
    permitted: Mutex<BTreeSet<(String, String)>>,
}

impl Guard {
    /// Whether the server at `from` may send us to `to`; else why not.
    pub(super) fn permit(&self, from: &str, to: &str, errand: Errand) -> Result<(), String> {
        let (Some(own), Some(foreign)) = (origin(from), origin(to)) else {
            return Err("it is no http or https URL without user and password".to_owned());
        };
        if own == foreign {
            return Ok(());
        }
        if own.scheme == "https" && foreign.scheme == "http" {
            return Err("it leads from https to http, where everyone can read along".to_owned());
        }
        if own.host == foreign.host {
            return Ok(());
        }
        let pair = (own.host.clone(), foreign.host.clone());
        let resolved = errand != Errand::Download;
        let mut permitted = self.permitted.lock().unwrap_or_else(PoisonError::into_inner);
        if resolved && permitted.contains(&pair) {
            return Ok(());
        }
        let (inner, outer) = (reach(&own, resolved), reach(&foreign, resolved));
        allowed(inner, outer, errand)?;
        if errand == Errand::Realm
            && inner == Reach::Loopback
            && outer == Reach::Public
            && foreign.scheme == "http"
        {
            return Err("it would take the credentials across the internet in plain HTTP".to_owned());
        }
        if resolved {
            permitted.insert(pair);
        }
        Ok(())
    }
}

/// Whether a server as far inside as `own` may name one as far inside as `foreign`.
fn allowed(own: Reach, foreign: Reach, errand: Errand) -> Result<(), String> {
    let fits = match foreign {
        Reach::Public => true,
        Reach::Private => own >= Reach::Private || errand == Errand::Download,
        Reach::Loopback => own == Reach::Loopback,
        Reach::Link => false,
    };
    if fits {
        return Ok(());
    }
    let what = match foreign {
        Reach::Loopback => "this machine",
        Reach::Link => "a link-local address (a cloud's metadata service)",
        Reach::Private | Reach::Public => "a private address",
    };
    Err(format!(
        "it leads to {what}, which the registry has no business with"
    ))
}

/// The innermost address of a host. A name that has none is nobody's: the request itself will fail.
fn reach(origin: &UrlOrigin, resolved: bool) -> Reach {
    let host = origin.host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse() {
        return reach_of(address);
    }
    if host == "localhost" || host.ends_with(".localhost") {
        return Reach::Loopback;
    }
    if !resolved {
        return Reach::Public;
    }
    let addresses = tcp::resolve(&format!("{host}:{}", origin.port), NAMES).unwrap_or_default();
    addresses
        .iter()
        .map(|address| reach_of(address.ip()))
        .max()
        .unwrap_or(Reach::Public)
}

fn reach_of(address: IpAddr) -> Reach {
    match address.to_canonical() {
        IpAddr::V4(address) => reach_of_v4(address),
        IpAddr::V6(address) => reach_of_v6(address),
    }
}

fn reach_of_v4(address: Ipv4Addr) -> Reach {
    let [first, second, ..] = address.octets();
    if address.is_loopback() || first == 0 {
        Reach::Loopback
    } else if address.is_link_local() || address.is_broadcast() || address.is_multicast() {
        Reach::Link
    // 100.64.0.0/10: carriers' and overlays' addresses (RFC 6598), a metadata service among them.
    } else if address.is_private() || (first == 100 && second & 0xC0 == 64) {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn reach_of_v6(address: Ipv6Addr) -> Reach {
    let first = address.segments()[0];
    // fd00:ec2::254 is the metadata service of EC2.
    let is_metadata = address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    if address.is_loopback() || address.is_unspecified() {
        Reach::Loopback
    } else if first & 0xffc0 == 0xfe80 || address.is_multicast() || is_metadata {
        Reach::Link
    } else if first & 0xfe00 == 0xfc00 {
        Reach::Private
    } else {
        Reach::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_leads_only_to_where_it_is_itself_or_to_the_public() {
        let guard = Guard::default();
        let (public, corp, here) = (
            "https://8.8.8.8/v2/",
            "https://10.0.0.1/v2/",
            "http://127.0.0.1:5000/",
        );
        let credentials = guard.permit(here, "http://1.1.1.1/token", Errand::Realm);
        assert!(credentials.unwrap_err().contains("plain HTTP"));
        for (from, to, realm, download) in [
            (public, "https://1.1.1.1/token", true, true),
            (public, "https://8.8.8.8:444/token", true, true),
            (public, "http://1.1.1.1/token", false, false),
            (public, "https://169.254.169.254/latest", false, false),
            (public, "https://[fe80::1]/", false, false),
            (public, "https://[fd00:ec2::254]/", false, false),
            (public, "https://[::ffff:169.254.169.254]/", false, false),
            (public, "https://10.0.0.1/", false, true),
            (public, "https://192.168.1.1/", false, true),
            (public, "https://100.100.100.200/", false, true),
            (public, "https://127.0.0.1/", false, false),
            (public, "https://[::1]/", false, false),
            (public, "https://localhost/", false, false),
            (public, "https://0.0.0.0/", false, false),
            (public, "https://u:p@1.1.1.1/", false, false),
            (public, "file:///etc/passwd", false, false),
            (corp, "https://10.0.0.2/", true, true),
            (corp, "https://127.0.0.1/", false, false),
            (here, "http://127.0.0.1:5001/token", true, true),
            (here, "http://localhost:5001/token", true, true),
            (here, "http://169.254.169.254/", false, false),
        ] {
            for (errand, expected) in [
                (Errand::Realm, realm),
                (Errand::Upload, realm),
                (Errand::Download, download),
            ] {
                assert_eq!(
                    guard.permit(from, to, errand).is_ok(),
                    expected,
                    "{from} {to} {errand:?}"
                );
            }
        }
    }
}

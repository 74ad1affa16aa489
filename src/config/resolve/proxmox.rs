//! What has to fit together in a Proxmox target.

use super::super::diagnostic::Diagnostic;
use super::super::environment::Network;
use super::super::place::Span;
use super::super::proxmox::{AddressRange, Guest, Proxmox, RemoteRouter};
use core::net::IpAddr;

/// Reports what does not fit. `at` is where the target is written.
pub(super) fn check(
    proxmox: &Proxmox,
    network: Option<&Network>,
    at: Option<Span>,
    problems: &mut Vec<Diagnostic>,
) {
    check_range(proxmox, problems);
    if let Some(at) = at {
        check_trust(proxmox, at, problems);
        check_service_address(proxmox, network, at, problems);
    }
    check_container(proxmox, problems);
    check_addresses(proxmox, network, problems);
}

/// A unit has two guests for a while: the one that serves, and the one that is to take over.
fn check_range(proxmox: &Proxmox, problems: &mut Vec<Diagnostic>) {
    let range = &proxmox.vm_id_range;
    if range.start > range.end {
        problems.push(
            Diagnostic::error(
                range.place,
                format!(
                    "the range of VM ids ends at {} before it starts at {}",
                    range.end, range.start
                ),
            )
            .help(format!("write {{ start: {}, end: {} }}", range.end, range.start)),
        );
        return;
    }
    let (room, wanted) = (range.end - range.start + 1, proxmox.count.saturating_mul(2));
    if room < wanted {
        problems.push(
            Diagnostic::error(
                range.place,
                format!(
                    "the range of VM ids is too small for {} guests: it has {room} ids, and each guest needs \
                     two, one for its successor",
                    proxmox.count
                ),
            )
            .help("widen `vmIdRange`, or lower `count`"),
        );
    }
}

fn check_trust(proxmox: &Proxmox, at: Span, problems: &mut Vec<Diagnostic>) {
    let given = [
        proxmox.ca_file.is_some(),
        proxmox.fingerprint.is_some(),
        proxmox.insecure,
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        problems.push(
            Diagnostic::error(at, "the host's certificate is checked in more than one way")
                .help("keep one of `caFile`, `fingerprint` and `insecure`"),
        );
    }
    if let Some(fingerprint) = &proxmox.fingerprint {
        let digits = fingerprint.chars().filter(|c| *c != ':');
        if digits.clone().count() != 64 || !digits.clone().all(|c| c.is_ascii_hexdigit()) {
            problems.push(
                Diagnostic::error(at, "`fingerprint` is not a sha256 fingerprint").help(
                    "write its 64 hex digits, with colons or without, as `pvenode cert info` shows them",
                ),
            );
        }
    }
}

fn check_container(proxmox: &Proxmox, problems: &mut Vec<Diagnostic>) {
    let Some(Guest::Container(container)) = &proxmox.guest else {
        return;
    };
    let given = [
        container.oci_image.is_some(),
        container.template.is_some(),
        container.clone.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() != 1 {
        problems.push(
            Diagnostic::error(container.place, "what the container is made of is not clear")
                .help("give exactly one of `ociImage: {}`, `template: local:vztmpl/…` and `clone: ID`"),
        );
    }
}

fn check_addresses(proxmox: &Proxmox, network: Option<&Network>, problems: &mut Vec<Diagnostic>) {
    let Some(addresses) = &proxmox.addresses else {
        return;
    };
    let AddressRange { start, end } = addresses.value;
    let room = count(start, end);
    let wanted = u128::from(proxmox.count) * 2;
    let problem = match network {
        _ if room.is_none() => Some("the range of addresses ends before it starts".to_owned()),
        None => Some("addresses are given, but the environment has no `network`".to_owned()),
        Some(network) if !network.subnet.contains(&start) || !network.subnet.contains(&end) => Some(format!(
            "the range of addresses lies outside of the subnet {}",
            network.subnet.value
        )),
        Some(_) if room.is_some_and(|room| room < wanted) => Some(format!(
            "the range of addresses is too small for {} guests and their successors",
            proxmox.count
        )),
        Some(_) => None,
    };
    problems.extend(problem.map(|problem| {
        Diagnostic::error(addresses.place, problem)
            .help("give a `start` and an `end` in the subnet, with two addresses for each guest")
    }));
}

fn check_service_address(
    proxmox: &Proxmox,
    network: Option<&Network>,
    at: Span,
    problems: &mut Vec<Diagnostic>,
) {
    let Some(RemoteRouter::Address(service)) = &proxmox.router else {
        return;
    };
    let address = service.listen.ip();
    let fits =
        network.is_some_and(|network| network.subnet.contains(&address) && network.gateway.value != address);
    if proxmox.count > 1 {
        problems.push(
            Diagnostic::error(at, "one address cannot serve more than one guest")
                .help("leave `count` out, or use `router: { haproxy: … }`"),
        );
    }
    if !fits {
        problems.push(
            Diagnostic::error(
                at,
                format!(
                    "the service's address {address} is no address of the environment's subnet that is free"
                ),
            )
            .help("use one of `network.subnet` that is not the gateway"),
        );
    }
}

/// How many addresses there are from `start` to `end`; `None` where there is no such range.
fn count(start: IpAddr, end: IpAddr) -> Option<u128> {
    let (first, last) = match (start, end) {
        (IpAddr::V4(start), IpAddr::V4(end)) => (u128::from(u32::from(start)), u128::from(u32::from(end))),
        (IpAddr::V6(start), IpAddr::V6(end)) => (u128::from(start), u128::from(end)),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    };
    last.checked_sub(first).map(|more| more.saturating_add(1))
}

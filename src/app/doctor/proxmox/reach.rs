//! The way to the hosts: the token, the network, the certificate.

use super::super::check::DoctorCheck;
use crate::adapters::proxmox::calls::cluster;
use crate::adapters::proxmox::{Api, HttpTransport, NoAnswerKind, ProxmoxSettings, Transport};
use crate::app::workspace::Workspace;
use crate::config::proxmox::Proxmox;
use crate::domain::model::Secret;
use crate::host::http::{Fingerprint, HttpSettings};
use std::sync::Arc;
use std::time::Duration;

/// How long a host's address is remembered: one look.
const NAMES: Duration = Duration::from_secs(60);
/// No certificate has this fingerprint: whoever is asked for it shows their own.
const NOBODYS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The token, or what is wrong with it.
pub(super) fn token(workspace: &Workspace, proxmox: &Proxmox) -> Result<Secret, DoctorCheck> {
    let what = "token";
    let create = "pveum user token add USER@REALM TOKENID --privsep 1";
    let Some(source) = &proxmox.token else {
        return Err(DoctorCheck::setup(what, "none is configured")
            .fix("write `token: { env: PROXMOX_TOKEN }`")
            .fix(create));
    };
    let token = workspace
        .secret_sources()
        .resolve("token", &source.value)
        .map_err(|error| DoctorCheck::setup(what, error.to_string()).fix(create))?;
    let text = token.expose();
    let whole = text.split_once('=').is_some_and(|(name, secret)| {
        !secret.is_empty()
            && name
                .split_once('!')
                .is_some_and(|(user, id)| user.contains('@') && !id.is_empty())
    });
    if whole {
        return Ok(token);
    }
    Err(DoctorCheck::setup(what, "it does not have the form USER@REALM!TOKENID=SECRET").fix(create))
}

/// The name of a token, which is no secret.
pub(super) fn name_of(token: &Secret) -> String {
    token.expose().split('=').next().unwrap_or_default().to_owned()
}

/// A look at each host, and the way in by the first that can be asked.
pub(super) fn hosts(
    workspace: &Workspace,
    proxmox: &Proxmox,
    token: &Secret,
) -> (Vec<DoctorCheck>, Option<Api>) {
    let mut checks = Vec::new();
    let mut way = None;
    for host in std::iter::once(&proxmox.host).chain(&proxmox.fallback_hosts) {
        let (check, transport) = one(workspace, proxmox, token, host);
        checks.push(check);
        way = way.or(transport);
    }
    (checks, way.map(Api::new))
}

fn one(
    workspace: &Workspace,
    proxmox: &Proxmox,
    token: &Secret,
    host: &str,
) -> (DoctorCheck, Option<Arc<dyn Transport>>) {
    let what = format!("host {host}");
    let http = HttpSettings {
        ca_file: proxmox.ca_file.as_ref().map(|file| workspace.root.join(file)),
        pin: proxmox.fingerprint.as_ref().and_then(|pin| pin.parse().ok()),
        insecure: proxmox.insecure,
        names_kept: NAMES,
        ..HttpSettings::default()
    };
    let transport = match transport(host, token, http) {
        Ok(transport) => transport,
        Err(why) => return (DoctorCheck::setup(what, why).fix("greenroom check"), None),
    };
    let peer = transport.peer();
    let (name, port) = peer.rsplit_once(':').unwrap_or((&peer, "8006"));
    // Before anything is sent: whoever is not known by their certificate is asked for it.
    let unchecked = proxmox.insecure.then(|| shown(host, token)).flatten();
    match transport.send(&cluster::version()) {
        // Whether the token is let in is another matter.
        Ok(_) if proxmox.insecure => (unsafe_way(what, &peer, unchecked.as_deref()), Some(transport)),
        Ok(_) => {
            let found = format!("{peer} answers, {}", trust(proxmox, host));
            (DoctorCheck::ok(what, found), Some(transport))
        }
        Err(none) if none.kind == NoAnswerKind::Untrusted => {
            let check = DoctorCheck::access(what, none.to_string()).fix(format!(
                "scp root@{name}:/etc/pve/pve-root-ca.pem pve-root-ca.pem, and write `caFile: pve-root-ca.pem`"
            ));
            let pin = shown(host, token).map(|fingerprint| {
                format!(
                    "or, if `pvenode cert info` on the node shows the same, write `fingerprint: {fingerprint}`"
                )
            });
            (pin.into_iter().fold(check, DoctorCheck::fix), None)
        }
        Err(none) => {
            let check = DoctorCheck::access(what, none.to_string()).fix(format!(
                "nc -vz {name} {port}   # from here; on the node: systemctl status pveproxy"
            ));
            (check, None)
        }
    }
}

/// A host that answers and whose certificate nobody looks at.
fn unsafe_way(what: String, peer: &str, fingerprint: Option<&str>) -> DoctorCheck {
    let fingerprint = fingerprint.unwrap_or("…");
    DoctorCheck::warning(
        what,
        format!("{peer} answers, and its certificate is not checked: anyone on the way reads the token"),
    )
    .fix(format!(
        "write `fingerprint: {fingerprint}` instead of `insecure`, or `caFile: pve-root-ca.pem` with the file \
         /etc/pve/pve-root-ca.pem of a node"
    ))
}

fn transport(host: &str, token: &Secret, http: HttpSettings) -> Result<Arc<dyn Transport>, String> {
    let settings = ProxmoxSettings {
        hosts: vec![host.to_owned()],
        token: token.clone(),
        http,
    };
    match HttpTransport::new(&settings) {
        Ok(transport) => Ok(Arc::new(transport)),
        Err(error) => Err(error.to_string()),
    }
}

fn trust(proxmox: &Proxmox, host: &str) -> &'static str {
    if host.starts_with("http://") {
        "on this machine and without encryption"
    } else if proxmox.fingerprint.is_some() {
        "with the certificate that is pinned (it changes when the node renews it)"
    } else if proxmox.ca_file.is_some() {
        "with a certificate of the cluster's own authority"
    } else {
        "with a certificate of a public authority"
    }
}

/// The fingerprint of the certificate that a host shows. Nothing is sent: the connection ends with the
/// certificate, which is not the one that is asked for.
fn shown(host: &str, token: &Secret) -> Option<String> {
    let http = HttpSettings {
        pin: NOBODYS.parse::<Fingerprint>().ok(),
        ..HttpSettings::default()
    };
    let transport = transport(host, token, http).ok()?;
    let text = transport.send(&cluster::version()).err()?.to_string();
    let (_, rest) = text.split_once("the fingerprint ")?;
    let fingerprint = rest.split([',', ' ']).next()?;
    fingerprint.parse::<Fingerprint>().ok()?;
    Some(fingerprint.to_owned())
}

//! The doctor's way to the hosts: whom it trusts, and what it says where it trusts nobody.

use crate::proxmox::tls::Server;
use crate::support::ran::greenroom;
use serde_json::Value;
use std::fs;

/// What the doctor says about the hosts of an environment whose `proxmox` block holds `trust`.
fn hosts(host: &str, trust: &str) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "service: web
environments:
  - name: staging
    type: staging
    network: {{ subnet: 10.0.0.0/24, gateway: 10.0.0.1 }}
    proxmox:
      host: {host}
      node: pve1
      storage: local-zfs
      vmIdRange: {{ start: 2000, end: 2009 }}
      token: {{ env: TOKEN }}
      guest: {{ vm: {{ template: 9000 }} }}
{trust}"
    );
    fs::write(directory.path().join("greenroom.yaml"), text).unwrap();
    let words = ["--format", "json", "doctor", "-e", "staging"];
    let output = greenroom(directory.path(), &words)
        .env("TOKEN", "ci@pve!greenroom=secret")
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let checks = found["checks"].as_array().unwrap().iter();
    let is_host = |check: &&Value| check["what"].as_str().unwrap().starts_with("host ");
    checks.filter(is_host).cloned().collect()
}

#[test]
fn a_certificate_that_nobody_signed_is_shown_and_not_trusted() {
    let server = Server::start("-no_ssl3");
    let fingerprint = server.fingerprint();
    let hosts = |trust: &str| hosts(&server.url, trust);
    let unknown = &hosts("")[0];
    assert_eq!(
        (&unknown["standing"], &unknown["cause"]),
        (&"failed".into(), &"access".into()),
        "{unknown}"
    );
    let fixes = unknown["fix"].to_string();
    assert!(
        fixes.contains("pve-root-ca.pem") && fixes.contains(&format!("fingerprint: {fingerprint}")),
        "{fixes}"
    );

    let pinned = &hosts(&format!("      fingerprint: \"{fingerprint}\"\n"))[0];
    assert_eq!(pinned["standing"], "ok", "{pinned}");
    let authority = server.certificate();
    let signed = &hosts(&format!("      caFile: {}\n", authority.display()))[0];
    assert_eq!(signed["standing"], "ok", "{signed}");
    let insecure = &hosts("      insecure: true\n")[0];
    assert_eq!(insecure["standing"], "warning", "{insecure}");
    assert!(insecure["fix"].to_string().contains(&fingerprint), "{insecure}");
    let other = fingerprint.replace(|c: char| c.is_ascii_digit(), "9");
    let changed = &hosts(&format!("      fingerprint: \"{other}\"\n"))[0];
    assert_eq!(changed["standing"], "failed", "{changed}");
    assert!(
        changed["found"].as_str().unwrap().contains(&fingerprint),
        "{changed}"
    );
}

#[test]
fn each_host_is_asked_by_itself() {
    let server = Server::start("-no_ssl3");
    let pin = format!("      fingerprint: \"{}\"\n", server.fingerprint());
    let found = hosts(
        "127.0.0.1:1",
        &format!("{pin}      fallbackHosts: [\"{}\"]\n", server.url),
    );
    let standings: Vec<&str> = found
        .iter()
        .map(|check| check["standing"].as_str().unwrap())
        .collect();
    assert_eq!(standings, ["failed", "ok"], "{found:?}");
    assert!(
        found[0]["fix"].to_string().contains("nc -vz 127.0.0.1 1 "),
        "{}",
        found[0]
    );
}

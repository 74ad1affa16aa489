//! Suites of checks.

use super::super::diagnostic::Diagnostic;
use super::super::place::Located;
use super::super::raw::{RawCheck, RawHttp};
use super::super::scalar::plain;
use super::super::unsupported::{Part, Unsupported};
use crate::domain::model::{
    Check, CheckKind, CommandProbe, HttpExpectation, HttpProbe, Period, ProbeSpec, Suite,
};
use std::collections::{BTreeMap, BTreeSet};

/// Every suite by name.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) suites: BTreeMap<String, Suite>,
    /// What of a suite cannot be performed.
    pub(super) unsupported: BTreeMap<String, Vec<Unsupported>>,
}

/// Of one sample that is not a command.
const SAMPLE_TIMEOUT: Period = Period::from_secs(10);
/// Of a command.
const COMMAND_TIMEOUT: Period = Period::from_secs(300);

pub(super) fn resolve(
    raw: BTreeMap<String, Vec<Located<RawCheck>>>,
    problems: &mut Vec<Diagnostic>,
) -> Known {
    let mut known = Known::default();
    for (name, raw_checks) in raw {
        let mut checks = Vec::new();
        let mut names = BTreeSet::new();
        for raw_check in raw_checks {
            let place = raw_check.value.name.place;
            if !names.insert(raw_check.value.name.value.clone()) {
                let check = &raw_check.value.name.value;
                problems.push(
                    Diagnostic::error(
                        place,
                        format!("the suite `{name}` has two checks named `{check}`"),
                    )
                    .help("give each check a name of its own"),
                );
            }
            if raw_check.value.load.is_some() {
                known
                    .unsupported
                    .entry(name.clone())
                    .or_default()
                    .push(Unsupported {
                        part: Part::Suite,
                        what: format!("the load check `{}`", raw_check.value.name.value),
                        place,
                    });
            }
            checks.extend(check(raw_check, problems));
        }
        known.suites.insert(name.clone(), Suite { name, checks });
    }
    known
}

fn check(raw: Located<RawCheck>, problems: &mut Vec<Diagnostic>) -> Option<Check> {
    let place = raw.place;
    let raw = raw.value;
    let forms = [
        raw.http.is_some(),
        raw.tcp.is_some(),
        raw.command.is_some(),
        raw.startup.is_some(),
        raw.load.is_some(),
    ];
    if forms.iter().filter(|given| **given).count() != 1 {
        problems.push(
            Diagnostic::error(
                raw.name.place,
                format!("the check `{}` must say exactly one thing to do", raw.name.value),
            )
            .help("give it one of `http`, `tcp`, `command`, `startup` and `load`"),
        );
        return None;
    }
    if let (Some(code), None) = (&raw.expected_exit_code, &raw.command) {
        problems.push(
            Diagnostic::error(code.place, "only a `command` has an exit code")
                .help("take out `expectedExitCode`"),
        );
    }
    let timeout = raw.timeout.unwrap_or(if raw.command.is_some() {
        COMMAND_TIMEOUT
    } else {
        SAMPLE_TIMEOUT
    });
    if timeout.is_zero() {
        problems.push(Diagnostic::error(place, "the timeout of a check is zero").help("give it some time"));
    }
    let probe = if let Some(http) = raw.http {
        ProbeSpec::Http(http_probe(http, problems))
    } else if let Some(tcp) = raw.tcp {
        ProbeSpec::Tcp(tcp.address.and_then(|address| tcp_address(&address, problems)))
    } else if let Some(command) = raw.command {
        ProbeSpec::Command(CommandProbe {
            argv: command.value.0,
            exit_code: raw.expected_exit_code.map_or(0, |code| code.value),
        })
    } else {
        ProbeSpec::Startup(raw.startup?.within)
    };
    Some(Check {
        name: raw.name.value,
        kind: raw.kind.unwrap_or(CheckKind::Functional),
        probe,
        timeout,
    })
}

fn http_probe(raw: RawHttp, problems: &mut Vec<Diagnostic>) -> HttpProbe {
    let method = raw.method.map_or_else(
        || "GET".to_owned(),
        |method| {
            if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) {
                problems.push(
                    Diagnostic::error(method.place, "not an HTTP method")
                        .help("write it in capitals: GET, POST, HEAD"),
                );
            }
            method.value
        },
    );
    let path = raw.path.map_or_else(
        || "/".to_owned(),
        |path| {
            check_path(&path, problems);
            path.value
        },
    );
    HttpProbe {
        method,
        path,
        headers: plain(raw.headers),
        body: raw.body,
        expect: HttpExpectation {
            status: raw.status.0,
            headers: plain(raw.expect_headers),
            json: raw
                .json
                .into_iter()
                .map(|(path, value)| (path, value.0))
                .collect(),
            contains: raw.contains,
            latency: raw.latency,
        },
    }
}

/// A path below a base URL: begins with `/`, one line, no blanks.
pub(super) fn check_path(path: &Located<String>, problems: &mut Vec<Diagnostic>) {
    if !path.starts_with('/') {
        problems.push(
            Diagnostic::error(path.place, "a path begins with `/`").help(format!("write /{}", path.value)),
        );
    } else if path.chars().any(|c| c.is_control() || c == ' ') {
        problems.push(
            Diagnostic::error(path.place, "a path holds no blanks or control characters")
                .help("write %20 for a blank"),
        );
    }
}

fn tcp_address(address: &Located<String>, problems: &mut Vec<Diagnostic>) -> Option<String> {
    let valid = address
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
    // A template is filled in later.
    if valid || address.contains("{{") {
        return Some(address.value.clone());
    }
    problems.push(
        Diagnostic::error(address.place, "not an address of the form host:port")
            .help("write it like db.internal:5432"),
    );
    None
}

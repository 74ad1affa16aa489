//! The rules of `docs/architecture.md` as tables, and what breaks them.

use super::scan::{Path, Scan};

/// The modules that decide and do nothing else.
const PURE: &[&str] = &[
    "model",
    "oci",
    "ports",
    "config",
    "trigger",
    "tagging",
    "policy",
    "rollout",
    "analysis",
    "history",
    "report",
    "retention",
    "scan",
    "scaffold",
];

/// What implements a port.
const ADAPTERS: &[&str] = &[
    "target",
    "backup",
    "router",
    "registry",
    "builder",
    "ledger",
    "probe",
    "scanner",
    "signature",
    "forge",
];

/// Where adapters are chosen by what is configured, each port in one place.
const COMPOSITION_ROOT: &[(&str, &[&str])] = &[
    ("app::world", &["target", "backup", "router", "probe"]),
    ("app::workspace", &["ledger", "registry"]),
    ("app::build", &["builder"]),
    ("app::scan::tools", &["scanner"]),
    ("app::forge", &["forge"]),
    ("app::signature", &["signature"]),
];

/// What stands below `app`: the use cases join it, the fakes stand in for it.
const MAY_NAME_ALL: &[&str] = &[
    "model",
    "oci",
    "ports",
    "config",
    "trigger",
    "tagging",
    "policy",
    "rollout",
    "analysis",
    "history",
    "report",
    "retention",
    "images",
    "engine",
    "parallel",
    "host",
    "proxmox",
    "target",
    "backup",
    "router",
    "registry",
    "signature",
    "builder",
    "ledger",
    "probe",
    "scan",
    "scanner",
    "forge",
    "scaffold",
];

/// Who may name whom, besides itself. `app` may name adapters only in [`COMPOSITION_ROOT`].
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("oci", &["model"]),
    ("ports", &["model", "oci"]),
    ("config", &["model"]),
    ("trigger", &["model"]),
    ("tagging", &["model"]),
    ("scan", &["model"]),
    ("scaffold", &["model"]),
    ("rollout", &["model"]),
    ("analysis", &["model", "ports"]),
    ("policy", &["model", "ports"]),
    ("retention", &["model", "oci", "tagging"]),
    ("images", &["model", "oci", "ports", "parallel", "retention"]),
    // The records hold the rollout's events and what scans came to, and who holds the lease.
    ("history", &["model", "ports", "rollout", "scan"]),
    // What is told to a forge is in the words of its port.
    ("report", &["model", "ports", "rollout", "history", "scan"]),
    ("parallel", &[]),
    (
        "engine",
        &["model", "ports", "parallel", "rollout", "analysis", "history"],
    ),
    ("host", &["model", "ports"]),
    // The API that a target, a backup and a router speak: no port of its own, and chosen by none.
    ("proxmox", &["model", "ports", "host"]),
    ("target", &["model", "oci", "ports", "host", "proxmox"]),
    ("backup", &["model", "ports", "proxmox"]),
    ("router", &["model", "ports", "host", "proxmox"]),
    ("registry", &["model", "oci", "ports", "parallel", "host"]),
    ("signature", &["model", "ports", "host"]),
    ("builder", &["model", "oci", "ports", "host"]),
    ("ledger", &["model", "ports", "host"]),
    ("probe", &["model", "ports", "host"]),
    ("scanner", &["model", "ports", "host"]),
    ("forge", &["model", "ports", "host"]),
    ("app", MAY_NAME_ALL),
    // A command shows the values that a use case returned.
    (
        "cli",
        &[
            "app",
            "model",
            "ports",
            "config",
            "trigger",
            "rollout",
            "history",
            "report",
            "host",
            "scan",
            // What a prune would delete, and what it did.
            "images",
            "retention",
            // What there is to choose from, and the templates.
            "scaffold",
        ],
    ),
    ("testing", MAY_NAME_ALL),
    ("main", &["cli"]),
];

/// Adapters whose technologies, one folder or file each, know nothing of each other.
const SEPARATE: &[&str] = &["target", "router", "signature"];

/// The home of every crate in `[dependencies]`; an empty list means everywhere.
pub(crate) const CRATES: &[(&str, &[&str])] = &[
    ("serde", &[]),
    ("serde_json", &[]),
    ("thiserror", &[]),
    ("chrono", &["model", "config"]),
    ("clap", &["cli"]),
    ("minijinja", &["report", "app::template", "scaffold::render"]),
    ("similar", &["scaffold::change"]),
    ("mimalloc", &["main"]),
    // YAML, its diagnostics and its schema.
    ("serde_yaml", &["config"]),
    ("annotate_snippets", &["config"]),
    ("ipnet", &["config", "proxmox::guest"]),
    ("schemars", &["config", "model"]),
    ("strsim", &["config"]),
    ("semver", &["tagging"]),
    ("toml", &["tagging"]),
    // Digests and images.
    (
        "sha2",
        &[
            "model",
            "report",
            "registry",
            "builder",
            "target::local",
            "target::proxmox",
            "host::http",
        ],
    ),
    (
        "base64",
        &[
            "registry::oci",
            "forge",
            "builder::credentials",
            "host::git::credentials",
        ],
    ),
    ("httpdate", &["registry::oci"]),
    ("flate2", &["builder", "target", "forge"]),
    ("tar", &["builder", "target"]),
    // The two async parts: the router's proxy, and what drives octocrab.
    ("tokio", &["router::builtin", "forge::github"]),
    ("http_body_util", &["router::builtin", "forge::github"]),
    ("hyper", &["router::builtin"]),
    ("hyper_util", &["router::builtin"]),
    // GitHub, and what its client and its transport are made of.
    ("octocrab", &["forge::github"]),
    ("tower", &["forge::github"]),
    ("http", &["forge::github"]),
    ("bytes", &["forge::github"]),
    ("sigstore_verify", &["signature::sigstore"]),
    // The machine.
    ("rustls", &["host::http"]),
    ("ureq", &["host::http", "host::url"]),
    ("getrandom", &["host::random"]),
    (
        "rustix",
        &[
            "host",
            "target::local",
            "router::builtin",
            "router::haproxy",
            "registry",
            "ledger",
            "builder",
        ],
    ),
    ("signal_hook", &["host::signals", "router::builtin"]),
];

/// Parts of the standard library that have a home, and why.
const HOMES: &[(&[&str], &[&str], &str)] = &[
    (
        &[
            "std::io::stdin",
            "std::io::stdout",
            "std::io::stderr",
            "std::io::Stdin",
            "std::io::Stdout",
            "std::io::Stderr",
        ],
        &["cli", "host"],
        "only cli and host touch the standard streams",
    ),
    (
        &["std::env::consts"],
        &["host::platform"],
        "the platform is read in host::platform",
    ),
    (
        &["std::env::args", "std::env::args_os"],
        &["main", "cli"],
        "the arguments are handed to cli",
    ),
    (
        &["std::env"],
        &["host::environment"],
        "the environment is read once, in host::environment",
    ),
    (
        &["std::process::Command"],
        &["host", "target", "router"],
        "commands are data; host, target and router start processes",
    ),
    (
        &["std::process::exit", "std::process::abort"],
        &[],
        "the outcome is returned from main",
    ),
    (
        // octocrab switches chrono's own clock on.
        &["std::time::SystemTime", "chrono::Utc::now", "chrono::Local"],
        &["host::clock"],
        "the time comes from ports::Clock",
    ),
    (
        &["std::thread::sleep", "std::thread::park_timeout"],
        &["host::clock"],
        "waiting goes through ports::Clock, where a signal can end it",
    ),
    (
        &[
            "crate::proxmox::calls::agent::exec",
            "crate::proxmox::calls::agent::write_file",
            "crate::proxmox::calls::backup::restore",
            "crate::proxmox::calls::container::configure",
            "crate::proxmox::calls::guest::delete_snapshot",
            "crate::proxmox::calls::guest::destroy",
            "crate::proxmox::calls::guest::resize",
            "crate::proxmox::calls::guest::rollback",
            "crate::proxmox::calls::guest::shutdown",
            "crate::proxmox::calls::guest::snapshot",
            "crate::proxmox::calls::guest::start",
            "crate::proxmox::calls::guest::stop",
            "crate::proxmox::calls::service::plug",
            "crate::proxmox::calls::service::unplug",
            "crate::proxmox::calls::vm::configure",
            "crate::proxmox::calls::vm::configure_now",
        ],
        &["proxmox::guest"],
        "a guest is changed in proxmox::guest, which takes a proof that it is greenroom's own",
    ),
];

/// What a pure module never names.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::os",
    "std::process",
    "std::thread",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::time::UNIX_EPOCH",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "tokio",
    "hyper",
    "ureq",
    "rustix",
    "getrandom",
    "rustls",
    "signal_hook",
    "tempfile",
];

/// Macros that write to the standard streams.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln"];

/// Macros that are not left behind, or that bring in text from elsewhere.
const UNFINISHED: &[&str] = &["todo", "unimplemented", "dbg", "include"];

/// Where the code is right and the rule is too coarse: the module, what it names, and why.
pub(crate) const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "cli::router",
        "crate::router::builtin",
        "the command is the router's own process, which needs no project",
    ),
    (
        "cli::console",
        "crate::engine::Observer",
        "a console listens to the events as they are recorded",
    ),
    (
        "cli::shell",
        "std::env::current_exe",
        "read once, beside the environment, for the router's process",
    ),
    (
        "app::demo::clients",
        "std::thread::park_timeout",
        "a client of the demo rests between its requests; it is no part of a deployment",
    ),
    (
        "app::demo::proxmox",
        "crate::testing::proxmox",
        "the demo brings along a Proxmox that is none",
    ),
    (
        "app::demo::proxmox",
        "std::thread::park_timeout",
        "its guests take a moment, and are no part of a deployment",
    ),
];

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The module that names it.
    pub(crate) module: String,
    /// Where.
    pub(crate) line: usize,
    /// What it names, in full.
    pub(crate) named: String,
    /// The rule.
    pub(crate) rule: String,
}

/// Everything in the module that breaks a rule, exceptions included.
pub(crate) fn violations(module: &[String], scan: &Scan) -> Vec<Violation> {
    let own = module.get(1..).unwrap_or_default().join("::");
    let of = |line: usize, named: String, rule: String| Violation {
        module: own.clone(),
        line,
        named,
        rule,
    };
    let mut found = Vec::new();
    for (line, path) in &scan.names {
        let broken = arrow(&own, path)
            .or_else(|| impure(&own, path))
            .or_else(|| homeless(&own, path));
        found.extend(broken.map(|rule| of(*line, path.join("::"), rule)));
    }
    for (line, name) in &scan.macros {
        if PRINTING.contains(&name.as_str()) && !within(&own, "cli") && !within(&own, "host") {
            found.push(of(
                *line,
                format!("{name}!"),
                "only cli and host touch the standard streams".to_owned(),
            ));
        }
        if UNFINISHED.contains(&name.as_str()) {
            found.push(of(
                *line,
                format!("{name}!"),
                "nothing unfinished is left behind".to_owned(),
            ));
        }
    }
    found
}

/// Whether an exception covers it.
pub(crate) fn is_excepted(violation: &Violation, exception: &(&str, &str, &str)) -> bool {
    within(&violation.module, exception.0) && within(&violation.named, exception.1)
}

/// The arrow between two modules of this crate, where it is forbidden.
fn arrow(own: &str, path: &Path) -> Option<String> {
    if path.first().is_none_or(|first| first != "crate") {
        return None;
    }
    let from = top(own);
    let to = path.get(1)?.as_str();
    if !ARROWS.iter().any(|(module, _)| *module == to) {
        return (to == "*").then(|| "a glob over the whole crate hides its arrows".to_owned());
    }
    if from == to {
        return siblings(own, path);
    }
    let allowed = ARROWS
        .iter()
        .find(|(module, _)| *module == from)
        .map(|(_, to)| *to);
    let allowed = allowed.unwrap_or_default();
    if !allowed.contains(&to) {
        return Some(if allowed.is_empty() {
            format!("{from} → {to}: {from} may name no other module")
        } else {
            format!("{from} → {to}: {from} may name only {}", allowed.join(", "))
        });
    }
    if from != "app" || !ADAPTERS.contains(&to) {
        return None;
    }
    let (root, _) = COMPOSITION_ROOT.iter().find(|(_, ports)| ports.contains(&to))?;
    (!within(own, root)).then(|| format!("{own} → {to}: only {root} names a {to}"))
}

/// One technology of a port that names another.
fn siblings(own: &str, path: &Path) -> Option<String> {
    let port = top(own);
    let technology = own.split("::").nth(1)?;
    let other = path.get(2)?;
    (SEPARATE.contains(&port) && technology != other)
        .then(|| format!("{port}::{technology} → {port}::{other}: an adapter never names another adapter"))
}

fn impure(own: &str, path: &Path) -> Option<String> {
    let pure = PURE.contains(&top(own));
    let effect = IMPURE.iter().find(|effect| names(path, effect))?;
    pure.then(|| {
        format!(
            "{} is pure: it names no clock, environment, file, process or network ({effect})",
            top(own)
        )
    })
}

/// A part of the standard library, or another crate, outside its home.
fn homeless(own: &str, path: &Path) -> Option<String> {
    for (parts, homes, why) in HOMES {
        if parts.iter().any(|part| names(path, part)) {
            return (!homes.iter().any(|home| within(own, home))).then(|| (*why).to_owned());
        }
    }
    let (name, homes) = CRATES
        .iter()
        .find(|(name, _)| path.first().is_some_and(|first| first == name))?;
    (!homes.is_empty() && !homes.iter().any(|home| within(own, home)))
        .then(|| format!("{name} stays in {}", homes.join(", ")))
}

/// Whether the path names `part` or something in it; a glob names everything below it.
fn names(path: &Path, part: &str) -> bool {
    let part: Vec<&str> = part.split("::").collect();
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    let words = match words.as_slice() {
        // `core` and `std` are one library.
        ["core" | "alloc", rest @ ..] => [&["std"], rest].concat(),
        words => words.to_vec(),
    };
    match words.split_last() {
        Some((&"*", above)) => part.starts_with(above) || above.starts_with(&part),
        _ => words.starts_with(&part),
    }
}

/// Whether a path of words lies in (or is) another.
fn within(module: &str, home: &str) -> bool {
    module
        .strip_prefix(home)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn top(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::scan::{module_of, scan};
    use super::*;

    fn rules(file: &str, text: &str) -> Vec<String> {
        let module = module_of(file);
        let scan = scan(&module, text).unwrap();
        violations(&module, &scan)
            .into_iter()
            .map(|found| found.rule)
            .collect()
    }

    /// File, text, and how the rule that it breaks begins.
    const FORBIDDEN: &[(&str, &str, &str)] = &[
        ("src/model/tag.rs", "use crate::ports::Clock;", "model → ports"),
        ("src/ports.rs", "use crate::rollout::Plan;", "ports → rollout"),
        (
            "src/rollout/plan.rs",
            "use super::super::{model::Tag, engine::each};",
            "rollout → engine",
        ),
        (
            "src/config/tree.rs",
            "fn f() { crate::host::files::read() }",
            "config → host",
        ),
        (
            "src/config/tree.rs",
            "mod a { mod b { use super::super::super::super::host; } }",
            "config → host",
        ),
        (
            "src/trigger/glob.rs",
            "fn f(x: &dyn crate::ports::Repository) {}",
            "trigger → ports",
        ),
        (
            "src/report/json.rs",
            "macro_rules! m { () => { $crate::engine::x() } }",
            "report → engine",
        ),
        ("src/engine/observe.rs", "use crate::probe;", "engine → probe"),
        ("src/host/clock.rs", "use crate::rollout::Step;", "host → rollout"),
        (
            "src/ledger/lease.rs",
            "use crate::config::environment::Environment;",
            "ledger → config",
        ),
        (
            "src/registry/layout.rs",
            "use crate::rollout::Plan;",
            "registry → rollout",
        ),
        (
            "src/builder/files.rs",
            "use crate::registry::layout::LayoutRegistry;",
            "builder → registry",
        ),
        (
            "src/target/local/mod.rs",
            "use super::super::router::builtin;",
            "target → router",
        ),
        (
            "src/target/command.rs",
            "use super::local;",
            "target::command → target::local",
        ),
        (
            "src/app/deploy/mod.rs",
            "use crate::target::local::LocalTarget;",
            "app::deploy → target: only app::world names a target",
        ),
        (
            "src/app/build.rs",
            "use crate::target::local;",
            "app::build → target: only app::world names a target",
        ),
        (
            "src/app/scan/gate.rs",
            "use crate::scanner::CommandScanner;",
            "app::scan::gate → scanner: only app::scan::tools names a scanner",
        ),
        (
            "src/scanner/command.rs",
            "use crate::scan::ScanReport;",
            "scanner → scan",
        ),
        (
            "src/app/audit.rs",
            "use crate::ledger::raw;",
            "app::audit → ledger: only app::workspace names a ledger",
        ),
        ("src/app/world/mod.rs", "use crate::cli::exit;", "app → cli"),
        ("src/cli/run.rs", "use crate::engine::Session;", "cli → engine"),
        ("src/cli/run.rs", "use crate::target::local;", "cli → target"),
        ("src/main.rs", "use greenroom::app::World;", "main → app"),
        (
            "src/model/mod.rs",
            "use crate::testing::FakeClock;",
            "model → testing",
        ),
        ("src/testing/clock.rs", "use crate::app::World;", "testing → app"),
        (
            "src/report/mod.rs",
            "use crate::*;",
            "a glob over the whole crate",
        ),
    ];

    #[test]
    fn forbidden_arrows_are_found_however_they_are_written() {
        for (file, text, rule) in FORBIDDEN {
            let found = rules(file, text);
            assert!(
                found.len() == 1 && found[0].starts_with(rule),
                "{file}: {text}: {found:?}"
            );
        }
    }

    #[test]
    fn effects_in_pure_modules_are_found() {
        for text in [
            "use std::fs;",
            "use std::*;",
            "use std::time::*;",
            "use std::{collections::BTreeMap, time::{Duration, Instant}};",
            "fn f() { ::std::env::var(\"HOME\") }",
            "use std as s; fn f() { s::net::TcpStream::connect(1) }",
            "use std::os::unix::net::UnixStream;",
            "fn f() { std::thread::spawn(g) }",
            "use std::io::{self, stdout};",
            "use rustix::fs;",
        ] {
            let found = rules("src/rollout/machine.rs", text);
            assert!(
                found.iter().any(|rule| rule.starts_with("rollout is pure")),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_allowed_is_not_reported() {
        for (file, text) in [
            (
                "src/rollout/plan.rs",
                "use crate::model::*; use super::step::Step; use std::time::Duration;",
            ),
            (
                "src/report/json.rs",
                "use std::fmt; use std::io::Write; use crate::rollout::Event;",
            ),
            (
                "src/router/builtin/headers.rs",
                "use std::net::IpAddr; use super::pool::Pool; use tokio::net;",
            ),
            (
                "src/config/range.rs",
                "use std::net::{IpAddr, SocketAddr}; use ipnet::IpNet;",
            ),
            ("src/app/world/mod.rs", "use crate::target::local::LocalTarget;"),
            (
                "src/target/local/slot.rs",
                "use super::state; use crate::target::local::port; use std::fs;",
            ),
            ("src/cli/run.rs", "use clap::Parser; fn f() { println!() }"),
            (
                "src/model/tag.rs",
                "#[cfg(test)] mod tests { use crate::testing::FakeClock; use std::fs; }",
            ),
            (
                "src/main.rs",
                "use std::process::ExitCode; fn main() -> ExitCode { greenroom::cli::main() }",
            ),
        ] {
            assert_eq!(rules(file, text), [] as [&str; 0], "{file}: {text}");
        }
    }

    /// What leaves its home: the file, what stands there, and how the rule begins.
    const HOMELESS: &[(&str, &str, &str)] = &[
        ("src/app/run.rs", "use clap::Parser;", "clap stays in cli"),
        (
            "src/app/load.rs",
            "use serde_yaml::Value;",
            "serde_yaml stays in config",
        ),
        (
            "src/cli/run.rs",
            "fn f() { minijinja::render!(x) }",
            "minijinja stays in",
        ),
        ("src/engine/session.rs", "use tokio::time;", "tokio stays in"),
        (
            "src/app/forge.rs",
            "use octocrab::Octocrab;",
            "octocrab stays in forge::github",
        ),
        (
            "src/probe/tcp.rs",
            "fn f() { println!(\"{x}\") }",
            "only cli and host",
        ),
        (
            "src/target/local/log.rs",
            "fn f() { write!(std::io::stderr(), \"\") }",
            "only cli and host",
        ),
        (
            "src/app/context.rs",
            "fn f() { std::env::current_dir() }",
            "the environment is read once",
        ),
        (
            "src/builder/files.rs",
            "use std::process::Command;",
            "commands are data",
        ),
        (
            "src/host/runner.rs",
            "fn f() { std::process::exit(1) }",
            "the outcome is returned",
        ),
        (
            "src/engine/retry.rs",
            "use std::thread; fn f() { thread::sleep(d) }",
            "waiting goes through",
        ),
        (
            "src/ledger/lease.rs",
            "use std::time::SystemTime;",
            "the time comes from",
        ),
        (
            "src/model/time.rs",
            "use chrono::Utc; fn f() { Utc::now() }",
            "the time comes from",
        ),
        (
            "src/target/proxmox/end.rs",
            "use crate::proxmox::calls::guest as calls; fn f() { calls::destroy(g) }",
            "a guest is changed in proxmox::guest",
        ),
        (
            "src/app/status.rs",
            "fn f() { crate::proxmox::calls::agent::exec(g, c, i) }",
            "a guest is changed in proxmox::guest",
        ),
        ("src/cli/run.rs", "fn f() { todo!() }", "nothing unfinished"),
        ("src/cli/run.rs", "include!(\"a.rs\");", "nothing unfinished"),
    ];

    #[test]
    fn what_leaves_its_home_is_found() {
        for (file, text, rule) in HOMELESS {
            let found = rules(file, text);
            assert!(
                found.len() == 1 && found[0].starts_with(rule),
                "{file}: {text}: {found:?}"
            );
        }
    }

    #[test]
    fn an_exception_covers_its_module_and_its_name_only() {
        let exception = ("engine::keeper", "std::thread", "why");
        let violation = |module: &str, named: &str| Violation {
            module: module.to_owned(),
            line: 1,
            named: named.to_owned(),
            rule: String::new(),
        };
        assert!(is_excepted(
            &violation("engine::keeper", "std::thread::spawn"),
            &exception
        ));
        assert!(!is_excepted(
            &violation("engine::keepers", "std::thread::spawn"),
            &exception
        ));
        assert!(!is_excepted(
            &violation("engine::keeper", "std::threading"),
            &exception
        ));
        assert!(!is_excepted(&violation("engine", "std::thread"), &exception));
    }
}

//! The rules of `docs/architecture.md` as tables, and what breaks them.

use super::scan::{Path, Scan};

/// The folders that decide, or hold what is decided about, and do nothing else.
const PURE: &[&str] = &["domain", "ports", "config", "report", "scaffold"];

/// Folders of rooms: what lies in one is named without it in the tables below.
const FOLDERS: &[&str] = &["domain", "adapters"];

/// Clients of one vendor: they lie beside the adapters, and are none. A use case may speak to them.
const VENDORS: &[&str] = &["proxmox"];

/// The floors of `app`, from the lowest: a file names nothing of a higher one. Words, the project, the world and
/// the gates, announcements and deployments; every other file of `app` is a use case.
const FLOORS: &[&[&str]] = &[FLOOR_WORDS, FLOOR_PROJECT, FLOOR_GATES, FLOOR_DEPLOY];
const FLOOR_WORDS: &[&str] = &["attended", "connections", "context", "error", "forge", "watch"];
const FLOOR_PROJECT: &[&str] = &[
    "cluster",
    "decide",
    "facts",
    "hold",
    "identify",
    "images",
    "listed",
    "load",
    "record",
    "restricted",
    "temporary",
    "template",
    "workspace",
];
const FLOOR_GATES: &[&str] = &[
    "approve",
    "image_build",
    "lock",
    "proof",
    "protection",
    "release",
    "scan",
    "signature",
    "world",
];
const FLOOR_DEPLOY: &[&str] = &["announce", "deploy"];

/// Where adapters are chosen by what is configured, each port in one place.
const COMPOSITION_ROOT: &[(&str, &[&str])] = &[
    ("app::world", &["targets", "backup", "router", "probe"]),
    ("app::workspace", &["ledger", "registry"]),
    ("app::image_build", &["builder"]),
    ("app::scan::tools", &["scanner"]),
    ("app::connections", &["forge"]),
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
    "targets",
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
    ("analysis", &["model"]),
    ("policy", &["model"]),
    ("retention", &["model", "oci", "tagging"]),
    ("images", &["model", "oci", "ports", "parallel", "retention"]),
    // The records hold the rollout's events and what scans came to.
    ("history", &["model", "rollout", "scan"]),
    ("report", &["model", "rollout", "history", "scan"]),
    ("parallel", &[]),
    (
        "engine",
        &["model", "ports", "parallel", "rollout", "analysis", "history"],
    ),
    ("host", &["model", "ports"]),
    // The API that a target, a backup and a router speak: no port of its own, and chosen by none.
    ("proxmox", &["model", "ports", "host"]),
    ("targets", &["model", "oci", "ports", "host", "proxmox"]),
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
    // A story of use cases, told with the fakes.
    (
        "demo",
        &[
            "app", "config", "host", "model", "ports", "report", "rollout", "history", "testing", "proxmox",
        ],
    ),
    // A command shows the values that a use case returned.
    (
        "cli",
        &[
            "app",
            "demo",
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
const SEPARATE: &[&str] = &["targets", "router", "signature"];

/// Where the variants of `TargetConfig` may be named: the configuration itself, where adapters are chosen, and
/// exhaustive matches about one target each. Everybody else asks a method of `TargetConfig`, whose match is
/// exhaustive, so that the compiler leads whoever adds a target through every place that has to know it. Clippy's
/// lint on wildcards sees neither `if let`, `let … else` nor `matches!`.
const TARGET_MATCHES: &[&str] = &[
    "config",
    "app::world",
    "app::doctor::site",
    "app::acceptance::derive",
];

/// The home of every crate in `[dependencies]`; an empty list means everywhere.
pub(crate) const CRATES: &[(&str, &[&str])] = &[
    ("serde", &[]),
    ("serde_json", &[]),
    ("thiserror", &[]),
    ("chrono", &["domain::model", "config"]),
    ("clap", &["cli"]),
    ("minijinja", &["report", "app::template", "scaffold::render"]),
    ("similar", &["scaffold::change"]),
    ("mimalloc", &["main"]),
    // YAML, its diagnostics and its schema.
    ("serde_yaml", &["config"]),
    ("annotate_snippets", &["config"]),
    ("ipnet", &["config", "adapters::proxmox::guest"]),
    ("schemars", &["config", "domain::model"]),
    ("strsim", &["config"]),
    ("semver", &["domain::tagging"]),
    ("toml", &["domain::tagging"]),
    // Digests and images.
    (
        "sha2",
        &[
            "domain::model",
            "report",
            "adapters::registry",
            "adapters::builder",
            "adapters::targets::local",
            "adapters::targets::proxmox",
            "host::http",
        ],
    ),
    (
        "base64",
        &[
            "adapters::registry::oci",
            "adapters::forge",
            "adapters::builder::credentials",
            "host::git::credentials",
        ],
    ),
    ("httpdate", &["adapters::registry::oci"]),
    (
        "flate2",
        &["adapters::builder", "adapters::targets", "adapters::forge"],
    ),
    ("tar", &["adapters::builder", "adapters::targets"]),
    // The two async parts: the router's proxy, and what drives octocrab.
    ("tokio", &["adapters::router::builtin", "adapters::forge::github"]),
    (
        "http_body_util",
        &["adapters::router::builtin", "adapters::forge::github"],
    ),
    ("hyper", &["adapters::router::builtin"]),
    ("hyper_util", &["adapters::router::builtin"]),
    // GitHub, and what its client and its transport are made of.
    ("octocrab", &["adapters::forge::github"]),
    ("tower", &["adapters::forge::github"]),
    ("http", &["adapters::forge::github"]),
    ("bytes", &["adapters::forge::github"]),
    ("sigstore_verify", &["adapters::signature::sigstore"]),
    // The machine.
    ("rustls", &["host::http"]),
    ("ureq", &["host::http", "host::url"]),
    ("getrandom", &["host::random"]),
    (
        "rustix",
        &[
            "host",
            "adapters::targets::local",
            "adapters::router::builtin",
            "adapters::router::haproxy",
            "adapters::registry",
            "adapters::ledger",
            "adapters::builder",
        ],
    ),
    ("signal_hook", &["host::signals", "adapters::router::builtin"]),
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
        &["host", "adapters::targets", "adapters::router"],
        "commands are data; host, targets and router start processes",
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
            "crate::adapters::proxmox::calls::agent::exec",
            "crate::adapters::proxmox::calls::agent::write_file",
            "crate::adapters::proxmox::calls::backup::restore",
            "crate::adapters::proxmox::calls::container::configure",
            "crate::adapters::proxmox::calls::guest::delete_snapshot",
            "crate::adapters::proxmox::calls::guest::destroy",
            "crate::adapters::proxmox::calls::guest::resize",
            "crate::adapters::proxmox::calls::guest::rollback",
            "crate::adapters::proxmox::calls::guest::shutdown",
            "crate::adapters::proxmox::calls::guest::snapshot",
            "crate::adapters::proxmox::calls::guest::start",
            "crate::adapters::proxmox::calls::guest::stop",
            "crate::adapters::proxmox::calls::service::plug",
            "crate::adapters::proxmox::calls::service::unplug",
            "crate::adapters::proxmox::calls::vm::configure",
            "crate::adapters::proxmox::calls::vm::configure_now",
        ],
        &["adapters::proxmox::guest"],
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
        "crate::adapters::router::builtin",
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
        "demo::clients",
        "std::thread::park_timeout",
        "a client of the demo rests between its requests; it is no part of a deployment",
    ),
    (
        "demo::proxmox",
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
            .or_else(|| homeless(&own, path))
            .or_else(|| target_variant(&own, path));
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
        if name == "json" && within(&own, "cli") {
            found.push(of(
                *line,
                "json!".to_owned(),
                "documents for programs are values of report::document; cli writes them".to_owned(),
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

/// A variant of `TargetConfig`, outside of where it may be taken apart. A variant begins with a capital, a
/// method does not.
fn target_variant(own: &str, path: &Path) -> Option<String> {
    let named = path.windows(2).any(|words| {
        words[0] == "TargetConfig" && (words[1] == "*" || words[1].starts_with(char::is_uppercase))
    });
    let allowed = TARGET_MATCHES.iter().any(|module| within(own, module));
    (named && !allowed).then(|| {
        "what a target is stands in config/target.rs: ask a method of TargetConfig, with an exhaustive match"
            .to_owned()
    })
}

/// The arrow between two modules of this crate, where it is forbidden.
fn arrow(own: &str, path: &Path) -> Option<String> {
    if path.first().is_none_or(|first| first != "crate") {
        return None;
    }
    let inside = path.get(1..)?.join("::");
    let (from, to) = (room(own), room(&inside));
    if !ARROWS.iter().any(|(module, _)| *module == to) {
        return (to == "*")
            .then(|| "a glob over the whole crate, or a folder of it, hides its arrows".to_owned());
    }
    if from == to {
        return siblings(own, &inside);
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
    let adapter = within(&inside, "adapters") && !VENDORS.contains(&to);
    if from != "app" || !adapter {
        return None;
    }
    let mut roots = COMPOSITION_ROOT.iter().filter(|(_, ports)| ports.contains(&to));
    if roots.clone().any(|(root, _)| within(own, root)) {
        return None;
    }
    let (root, _) = roots.next()?;
    Some(format!("{own} → {to}: only {root} names {to}"))
}

/// One technology of a port that names another.
fn siblings(own: &str, other: &str) -> Option<String> {
    let port = room(own);
    let technology = |module: &str| -> Option<String> {
        let folder = usize::from(FOLDERS.contains(&top(module)));
        module.split("::").nth(folder + 1).map(str::to_owned)
    };
    let (technology, other) = (technology(own)?, technology(other)?);
    (SEPARATE.contains(&port) && technology != other)
        .then(|| format!("{port}::{technology} → {port}::{other}: an adapter never names another adapter"))
}

fn impure(own: &str, path: &Path) -> Option<String> {
    let pure = PURE.iter().any(|folder| within(own, folder));
    let effect = IMPURE.iter().find(|effect| names(path, effect))?;
    pure.then(|| {
        format!(
            "{} is pure: it names no clock, environment, file, process or network ({effect})",
            room(own)
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

/// The room of a module: its folder in the crate, or in one of [`FOLDERS`].
pub(crate) fn room(module: &str) -> &str {
    let mut words = module.split("::");
    let first = words.next().unwrap_or_default();
    if FOLDERS.contains(&first) {
        return words.next().unwrap_or(first);
    }
    first
}

/// The floor of a file of `app`, from 0; `None` for every other file, and for the list of what `app` holds.
pub(crate) fn floor(file: &str) -> Option<usize> {
    let inside = file.strip_prefix("src/app/")?.strip_suffix(".rs")?;
    let name = inside.split('/').next()?;
    if name == "mod" {
        return None;
    }
    let known = FLOORS.iter().position(|names| names.contains(&name));
    Some(known.unwrap_or(FLOORS.len()))
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
        (
            "src/domain/model/tag.rs",
            "use crate::ports::Clock;",
            "model → ports",
        ),
        (
            "src/ports/mod.rs",
            "use crate::domain::rollout::Plan;",
            "ports → rollout",
        ),
        (
            "src/domain/rollout/plan.rs",
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
            "src/domain/trigger/glob.rs",
            "fn f(x: &dyn crate::ports::Repository) {}",
            "trigger → ports",
        ),
        (
            "src/report/json.rs",
            "macro_rules! m { () => { $crate::engine::x() } }",
            "report → engine",
        ),
        (
            "src/engine/observe.rs",
            "use crate::adapters::probe;",
            "engine → probe",
        ),
        (
            "src/host/clock.rs",
            "use crate::domain::rollout::Step;",
            "host → rollout",
        ),
        (
            "src/adapters/ledger/lease.rs",
            "use crate::config::environment::Environment;",
            "ledger → config",
        ),
        (
            "src/adapters/registry/layout.rs",
            "use crate::domain::rollout::Plan;",
            "registry → rollout",
        ),
        (
            "src/adapters/builder/files.rs",
            "use crate::adapters::registry::layout::LayoutRegistry;",
            "builder → registry",
        ),
        (
            "src/adapters/targets/local/mod.rs",
            "use super::super::router::builtin;",
            "targets → router",
        ),
        (
            "src/adapters/targets/command.rs",
            "use super::local;",
            "targets::command → targets::local",
        ),
        (
            "src/app/deploy/mod.rs",
            "use crate::adapters::targets::local::LocalTarget;",
            "app::deploy → targets: only app::world names targets",
        ),
        (
            "src/app/identify.rs",
            "use crate::adapters::targets::local;",
            "app::identify → targets: only app::world names targets",
        ),
        (
            "src/app/scan/gate.rs",
            "use crate::adapters::scanner::CommandScanner;",
            "app::scan::gate → scanner: only app::scan::tools names scanner",
        ),
        (
            "src/adapters/scanner/command.rs",
            "use crate::domain::scan::ScanReport;",
            "scanner → scan",
        ),
        (
            "src/app/audit.rs",
            "use crate::adapters::ledger::raw;",
            "app::audit → ledger: only app::workspace names ledger",
        ),
        ("src/app/world/mod.rs", "use crate::cli::exit;", "app → cli"),
        ("src/cli/run.rs", "use crate::engine::Session;", "cli → engine"),
        (
            "src/cli/run.rs",
            "use crate::adapters::targets::local;",
            "cli → targets",
        ),
        ("src/main.rs", "use greenroom::app::World;", "main → app"),
        (
            "src/domain/model/mod.rs",
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
    fn a_target_is_taken_apart_in_few_places_only() {
        for text in [
            "use crate::config::TargetConfig; fn f() { if let Some(TargetConfig::Local(local)) = &x {} }",
            "use crate::config::target::TargetConfig; fn f() { let Some(TargetConfig::Ecs(_)) = x else { return }; }",
            "use crate::config::TargetConfig as T; fn f() -> bool { matches!(x, T::Proxmox(_)) }",
            "use crate::config::TargetConfig::*;",
            "use crate::config::{TargetConfig::{Docker, Compose}};",
        ] {
            for file in ["src/app/shutdown.rs", "src/app/doctor/mod.rs", "src/cli/plan.rs"] {
                let found = rules(file, text);
                assert!(
                    found.iter().any(|rule| rule.starts_with("what a target is")),
                    "{file}: {text}: {found:?}"
                );
            }
            assert_eq!(rules("src/app/world/mod.rs", text), [] as [&str; 0], "{text}");
        }
        let method = "use crate::config::TargetConfig; fn f() { x.map(TargetConfig::as_str) }";
        assert_eq!(rules("src/app/shutdown.rs", method), [] as [&str; 0]);
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
            let found = rules("src/domain/rollout/machine.rs", text);
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
                "src/domain/rollout/plan.rs",
                "use crate::domain::model::*; use super::step::Step; use std::time::Duration;",
            ),
            (
                "src/report/json.rs",
                "use std::fmt; use std::io::Write; use crate::domain::rollout::Event;",
            ),
            (
                "src/adapters/router/builtin/headers.rs",
                "use std::net::IpAddr; use super::pool::Pool; use tokio::net;",
            ),
            (
                "src/config/range.rs",
                "use std::net::{IpAddr, SocketAddr}; use ipnet::IpNet;",
            ),
            (
                "src/app/world/mod.rs",
                "use crate::adapters::targets::local::LocalTarget;",
            ),
            (
                "src/adapters/targets/local/slot.rs",
                "use super::state; use crate::adapters::targets::local::port; use std::fs;",
            ),
            ("src/cli/run.rs", "use clap::Parser; fn f() { println!() }"),
            (
                "src/domain/model/tag.rs",
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
            "octocrab stays in adapters::forge::github",
        ),
        (
            "src/adapters/probe/tcp.rs",
            "fn f() { println!(\"{x}\") }",
            "only cli and host",
        ),
        (
            "src/adapters/targets/local/log.rs",
            "fn f() { write!(std::io::stderr(), \"\") }",
            "only cli and host",
        ),
        (
            "src/app/context.rs",
            "fn f() { std::env::current_dir() }",
            "the environment is read once",
        ),
        (
            "src/adapters/builder/files.rs",
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
            "src/adapters/ledger/lease.rs",
            "use std::time::SystemTime;",
            "the time comes from",
        ),
        (
            "src/domain/model/time.rs",
            "use chrono::Utc; fn f() { Utc::now() }",
            "the time comes from",
        ),
        (
            "src/adapters/targets/proxmox/end.rs",
            "use crate::adapters::proxmox::calls::guest as calls; fn f() { calls::destroy(g) }",
            "a guest is changed in proxmox::guest",
        ),
        (
            "src/app/status.rs",
            "fn f() { crate::adapters::proxmox::calls::agent::exec(g, c, i) }",
            "a guest is changed in proxmox::guest",
        ),
        ("src/cli/run.rs", "fn f() { todo!() }", "nothing unfinished"),
        ("src/cli/run.rs", "include!(\"a.rs\");", "nothing unfinished"),
        (
            "src/cli/run.rs",
            "fn f() { shell.json(&serde_json::json!({})) }",
            "documents for programs",
        ),
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

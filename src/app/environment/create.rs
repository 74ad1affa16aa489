//! A new environment: its file, checked against all others before it is written.

use super::rights::Rights;
use crate::app::error::{AppError, Problems};
use crate::app::load;
use crate::app::workspace::{PIPELINE, Workspace};
use crate::config::proxmox::RemoteRouter;
use crate::config::{Environment, TargetConfig, Vendor};
use crate::domain::model::{EnvironmentName, EnvironmentType, Explanation};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// What the new environment is to be.
#[derive(Debug, Clone)]
pub struct EnvironmentOptions {
    /// Its name.
    pub name: EnvironmentName,
    /// The environment that it takes everything from that is not given here.
    pub from: Option<EnvironmentName>,
    /// What it is for.
    pub kind: Option<EnvironmentType>,
    /// In one line.
    pub description: Option<String>,
    /// Where clients reach it.
    pub url: Option<String>,
    /// Its subnet, with the gateway in it.
    pub network: Option<(String, IpAddr)>,
    /// The address of the router on this machine, for processes on this machine.
    pub listen: Option<SocketAddr>,
    /// Guests of a Proxmox cluster.
    pub proxmox: ProxmoxOptions,
}

/// What of a Proxmox cluster the new environment is to have.
#[derive(Debug, Clone, Default)]
pub struct ProxmoxOptions {
    /// The cluster's address.
    pub host: Option<String>,
    /// The node.
    pub node: Option<String>,
    /// The storage.
    pub storage: Option<String>,
    /// Ids of its guests, both ends included.
    pub vm_ids: Option<(u32, u32)>,
    /// The template that is cloned.
    pub template: Option<u32>,
    /// The pool.
    pub pool: Option<String>,
    /// The variable that holds the token.
    pub token: Option<String>,
    /// Its backend of the `HAProxy` that the environment of `from` has, too.
    pub backend: Option<String>,
    /// The service's own address, where that of `from` has one.
    pub service: Option<SocketAddr>,
}

impl ProxmoxOptions {
    fn is_some(&self) -> bool {
        let Self {
            host,
            node,
            storage,
            vm_ids,
            template,
            pool,
            token,
            backend,
            service,
        } = self;
        [host, node, storage, pool, token, backend]
            .iter()
            .any(|text| text.is_some())
            || vm_ids.is_some()
            || template.is_some()
            || service.is_some()
    }
}

/// A new environment that fits, with nothing written yet.
pub struct EnvironmentDraft {
    /// Its file, below the project's directory.
    pub file: PathBuf,
    /// What is in it.
    pub text: String,
    /// What it needs in its cluster; `None` where it does not run on Proxmox.
    pub rights: Option<Rights>,
    /// The variable that its token is read from.
    pub token: Option<String>,
}

/// Drafts a new environment and holds it against everything that is configured.
///
/// # Errors
/// [`AppError::Usage`] where something is missing or there already; [`AppError::Configuration`] with every
/// problem that the project would have with it, an overlapping subnet or range of ids among them.
pub fn draft(
    workspace: &Workspace,
    config: Option<&Path>,
    wish: &EnvironmentOptions,
) -> Result<EnvironmentDraft, AppError> {
    let name = &wish.name;
    if workspace.project.environments.contains_key(name) {
        return Err(AppError::usage(
            Explanation::new(format!("there is an environment {name} already"))
                .fix("choose another name, or edit its file"),
        ));
    }
    let file = PathBuf::from(format!("environments/{name}.yaml"));
    if workspace.root.join(&file).exists() {
        return Err(taken(&file));
    }
    let proxmox = on_proxmox(workspace, wish)?;
    let token = proxmox.then(|| wish.proxmox.token.clone().unwrap_or_else(|| variable(name)));
    let text = text(wish, token.as_deref());
    let directory = workspace.context.environment.directory();
    let pipeline = match config {
        Some(config) => directory.join(config),
        None => workspace.root.join(PIPELINE),
    };
    // Shown as a project's files are shown everywhere.
    let pipeline = pipeline.strip_prefix(directory).unwrap_or(&pipeline);
    let loaded = load::load_with(pipeline, &file, &text);
    let sources = loaded.sources;
    let project = loaded
        .outcome
        .map_err(|problems| AppError::Configuration(Box::new(Problems { problems, sources })))?;
    let Some(environment) = project.environments.get(name) else {
        return Err(AppError::usage(
            Explanation::new(format!("{} names no file {}", pipeline.display(), file.display()))
                .fix("add it to `environments:` first (environments/*.yaml names all of them)"),
        ));
    };
    let rights = Rights::of(environment);
    if let Some(odd) = rights.as_ref().and_then(Rights::oddity) {
        return Err(AppError::usage(
            Explanation::new(format!(
                "{odd:?} is no name of Proxmox's (letters, digits, '-', '_', '.')"
            ))
            .fix("see --pool, --node and --storage"),
        ));
    }
    Ok(EnvironmentDraft {
        rights,
        file,
        text,
        token,
    })
}

/// Writes the draft's file, which must not be there.
///
/// # Errors
/// When it is there by now, or cannot be written.
pub fn write(workspace: &Workspace, draft: &EnvironmentDraft) -> Result<(), AppError> {
    let path = workspace.root.join(&draft.file);
    let doing = || format!("writing {}", draft.file.display());
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(AppError::io(doing()))?;
    }
    let opened = OpenOptions::new().write(true).create_new(true).open(&path);
    let mut opened = opened.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(&draft.file),
        _ => AppError::io(doing())(error),
    })?;
    opened
        .write_all(draft.text.as_bytes())
        .and_then(|()| opened.sync_all())
        .map_err(AppError::io(doing()))
}

fn taken(file: &Path) -> AppError {
    AppError::usage(
        Explanation::new(format!(
            "{} is there already and is not overwritten",
            file.display()
        ))
        .fix("choose another name"),
    )
}

/// Whether it is to run on Proxmox. Names everything that is missing, also of what two environments
/// cannot share.
fn on_proxmox(workspace: &Workspace, wish: &EnvironmentOptions) -> Result<bool, AppError> {
    let from = wish
        .from
        .as_ref()
        .map(|from| workspace.environment(from))
        .transpose()?;
    let target = from.and_then(|from| from.target.as_ref());
    let inherited = target.and_then(TargetConfig::vendor);
    let given = &wish.proxmox;
    let proxmox = inherited.is_some() || given.is_some();
    if let Some(target) = target.filter(|_| proxmox && inherited.is_none()) {
        return Err(AppError::usage(
            Explanation::new(format!(
                "the environment of --from does not run on Proxmox but has `{}`",
                target.as_str()
            ))
            .fix("leave it out, or what is about Proxmox"),
        ));
    }
    if from.is_none() && !proxmox && wish.listen.is_none() {
        return Err(AppError::usage(
            "say where it runs: --from an environment, --listen for processes on this machine, or --host, --node, --storage and --vm-ids for guests of a Proxmox cluster",
        ));
    }
    let missing = missing(wish, from, proxmox);
    if missing.is_empty() {
        return Ok(proxmox);
    }
    Err(AppError::usage(format!(
        "two environments cannot share these, so that they are needed for {}: {}",
        wish.name,
        missing.join(", ")
    )))
}

/// The options that are missing for what two environments cannot share, and for what a cluster needs.
fn missing(wish: &EnvironmentOptions, from: Option<&Environment>, proxmox: bool) -> Vec<&'static str> {
    let given = &wish.proxmox;
    let target = from.and_then(|from| from.target.as_ref());
    let inherited = target
        .and_then(TargetConfig::vendor)
        .map(|Vendor::Proxmox(proxmox)| proxmox);
    let listens = target.is_some_and(|target| target.listens().is_some());
    let router = inherited.and_then(|proxmox| proxmox.router.as_ref());
    let subnet = proxmox || from.is_some_and(|from| from.network.is_some());
    let needed = [
        (
            "--url",
            from.is_some_and(|from| from.url.is_some()) && wish.url.is_none(),
        ),
        ("--listen", listens && wish.listen.is_none()),
        ("--subnet and --gateway", subnet && wish.network.is_none()),
        ("--vm-ids", proxmox && given.vm_ids.is_none()),
        ("--host", proxmox && given.host.is_none() && inherited.is_none()),
        ("--node", proxmox && given.node.is_none() && inherited.is_none()),
        (
            "--storage",
            proxmox && given.storage.is_none() && inherited.is_none(),
        ),
        (
            "--backend",
            matches!(router, Some(RemoteRouter::Haproxy(_))) && given.backend.is_none(),
        ),
        (
            "--service-address",
            matches!(router, Some(RemoteRouter::Address(_))) && given.service.is_none(),
        ),
    ];
    needed
        .into_iter()
        .filter_map(|(flag, missing)| missing.then_some(flag))
        .collect()
}

/// The variable that holds its token: `PROXMOX_TOKEN_STAGING`.
fn variable(name: &EnvironmentName) -> String {
    let upper = name.as_str().to_ascii_uppercase();
    let safe = upper
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    format!("PROXMOX_TOKEN_{}", safe.collect::<String>())
}

/// The file, with a header that says what it is.
fn text(wish: &EnvironmentOptions, token: Option<&str>) -> String {
    let EnvironmentOptions { name, from, .. } = wish;
    let mut text =
        format!("# Environment {name}: made by `greenroom environment create`, yours from here on.\n");
    // Writing to a String cannot fail.
    let mut put = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    match from {
        Some(from) => put(format!(
            "# What is not written here is as in {from} (`extends`): see `greenroom environment show {name}`."
        )),
        None => {
            put("# What is not written here has its default: see `greenroom environment show`.".to_owned());
        }
    }
    put("# Every key is explained in greenroom's docs/configuration.yaml; `greenroom check` checks this file.".to_owned());
    put(String::new());
    put(format!("name: {}", quoted(name.as_str())));
    let kind = wish.kind.or(from.is_none().then_some(EnvironmentType::Staging));
    if let Some(kind) = kind {
        put(format!("type: {kind}"));
    }
    if let Some(description) = &wish.description {
        put(format!("description: {}", quoted(description)));
    }
    if let Some(from) = from {
        put(format!("extends: {}", quoted(from.as_str())));
    }
    if let Some(url) = &wish.url {
        put("# Where clients reach the service, and checks look.".to_owned());
        put(format!("url: {}", quoted(url)));
    }
    if let Some((subnet, gateway)) = &wish.network {
        put("# A subnet of its own: guests get their addresses from it.".to_owned());
        put(format!(
            "network: {{ subnet: {}, gateway: {gateway} }}",
            quoted(subnet)
        ));
    }
    if let Some(listen) = wish.listen {
        put("# Processes on this machine, behind greenroom's own router at this address.".to_owned());
        put(format!("local: {{ listen: {} }}", quoted(&listen.to_string())));
    }
    if let Some(token) = token {
        proxmox(wish, token, &mut put);
    }
    text
}

fn proxmox(wish: &EnvironmentOptions, token: &str, put: &mut impl FnMut(String)) {
    let given = &wish.proxmox;
    put("proxmox:".to_owned());
    for (key, value) in [
        ("host", &given.host),
        ("node", &given.node),
        ("storage", &given.storage),
    ] {
        if let Some(value) = value {
            put(format!("  {key}: {}", quoted(value)));
        }
    }
    if let Some((start, end)) = given.vm_ids {
        put("  # Ids of its own. Guests outside are never touched, and those inside only with greenroom's mark.".to_owned());
        put(format!("  vmIdRange: {{ start: {start}, end: {end} }}"));
    }
    let pool = given
        .pool
        .clone()
        .unwrap_or_else(|| format!("greenroom-{}", wish.name));
    put("  # The pool that its token is confined to.".to_owned());
    put(format!("  pool: {}", quoted(&pool)));
    put("  # The variable that holds USER@REALM!TOKENID=SECRET.".to_owned());
    put(format!("  token: {{ env: {} }}", quoted(token)));
    if let Some(backend) = &given.backend {
        put("  # A backend of its own in the same HAProxy.".to_owned());
        put(format!(
            "  router: {{ haproxy: {{ backend: {} }} }}",
            quoted(backend)
        ));
    }
    if let Some(service) = given.service {
        put("  # The service's own address, which moves from guest to guest.".to_owned());
        put(format!(
            "  router: {{ address: {{ listen: {} }} }}",
            quoted(&service.to_string())
        ));
    }
    match given.template {
        Some(template) => put(format!("  guest: {{ vm: {{ template: {template} }} }}")),
        None if wish.from.is_none() => {
            put("  # What a guest is; nothing is deployed without it.".to_owned());
            put("  # guest: { vm: { template: 9000, cores: 2, memory: 2048, workload: { docker: { port: 8080 } } } }".to_owned());
        }
        None => {}
    }
}

/// As YAML reads it back, whatever is in it: JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain);
    // Words that YAML takes for something else.
    let special = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if word && !special.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

//! `greenroom environment create`.

use crate::app::environment::{
    EnvironmentDraft, EnvironmentOptions, PoolMade, ProxmoxOptions, draft, make_pool, write,
};
use crate::app::{AppError, Exit, document};
use crate::cli::shell::Shell;
use crate::domain::model::{EnvironmentName, EnvironmentType};
use std::net::{IpAddr, SocketAddr};

/// Create an environment: its file, checked against all others, and what its Proxmox cluster needs
///
/// Writes environments/NAME.yaml and never over a file that is there. A subnet or a range of ids that
/// overlaps another environment's is refused. For guests of a Proxmox cluster the pool is made where the
/// environment's token is at hand and may do that, and the commands are shown that make the pool, the role,
/// the token and its rights, for an administrator to run.
///
/// Example: greenroom environment create qa --from staging --subnet 192.168.4.0/24 --gateway 192.168.4.1
/// --vm-ids 4000-4099
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The new environment
    name: EnvironmentName,
    /// Take everything that is not given here from this environment
    #[arg(long, value_name = "ENV")]
    from: Option<EnvironmentName>,
    /// What it is for (development, test, acceptance, staging, production); as in --from, else staging
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<EnvironmentType>,
    /// What it is, in one line
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Where clients reach the service
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Its subnet: 192.168.4.0/24
    #[arg(long, value_name = "CIDR", requires = "gateway")]
    subnet: Option<String>,
    /// The gateway in it
    #[arg(long, value_name = "IP", requires = "subnet")]
    gateway: Option<IpAddr>,
    /// Processes on this machine behind a router at this address: 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["host", "node", "storage", "vm_ids"])]
    listen: Option<SocketAddr>,
    /// Show the file and the commands, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    proxmox: ProxmoxArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Guests of a Proxmox cluster")]
struct ProxmoxArgs {
    /// The cluster's address
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Node that guests are made on
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// Storage that they are put on
    #[arg(long, value_name = "STORAGE")]
    storage: Option<String>,
    /// Ids that they may have, both ends included: 4000-4099
    #[arg(long, value_name = "FIRST-LAST", value_parser = range)]
    vm_ids: Option<(u32, u32)>,
    /// Id of the template that is cloned
    #[arg(long, value_name = "ID")]
    template: Option<u32>,
    /// The pool that they are put into; greenroom-NAME where none is named
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// Its own backend, where the environment of --from has an HAProxy
    #[arg(
        long,
        value_name = "BACKEND",
        requires = "from",
        conflicts_with = "service_address"
    )]
    backend: Option<String>,
    /// The service's own address and port, where the environment of --from has one: 192.168.4.10:80
    #[arg(long, value_name = "ADDRESS", requires = "from")]
    service_address: Option<SocketAddr>,
    /// Variable that holds the API token; PROXMOX_TOKEN_NAME where none is named
    #[arg(long, value_name = "VARIABLE")]
    token_variable: Option<String>,
}

fn range(text: &str) -> Result<(u32, u32), String> {
    let ends = text.split_once('-');
    let ends = ends.and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)));
    ends.ok_or_else(|| "write it as FIRST-LAST, such as 4000-4099".to_owned())
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let made = draft(&workspace, shell.global.config.as_deref(), &args.wish())?;
    let mut pool = None;
    if !args.dry_run {
        write(&workspace, &made)?;
        pool = make_pool(&shell.workspace()?, &args.name)?;
    }
    if shell.is_json() {
        let document = document::created(&args.name, &made, pool.as_ref(), !args.dry_run);
        shell.json(&document);
        return Ok(Exit::Done);
    }
    if args.dry_run {
        shell.say(&format!("{} would be:\n", made.file.display()));
        shell.say(&made.text);
    } else {
        shell.say(&format!("wrote {}", made.file.display()));
    }
    match &pool {
        Some(PoolMade::Made(name)) => shell.say(&format!("made the pool {name}")),
        Some(PoolMade::There(name)) => shell.say(&format!("the pool {name} is there already")),
        Some(PoolMade::Left(why)) => shell.warn(&format!("note: the pool was not made: {why}")),
        None => {}
    }
    rights(shell, args, &made);
    shell.tell(&format!(
        "next: greenroom doctor -e {0}, then greenroom plan -e {0}",
        args.name
    ));
    Ok(Exit::Done)
}

fn rights(shell: &Shell, args: &Args, made: &EnvironmentDraft) {
    let (Some(rights), Some(variable)) = (&made.rights, &made.token) else {
        return;
    };
    shell.say("\nAs root on a node of the cluster (what is there already is refused without harm):");
    for command in rights.commands() {
        shell.say(&format!("  {command}"));
    }
    shell.say(&format!(
        "On Proxmox VE 8 write VM.Monitor instead of VM.GuestAgent.Audit and VM.GuestAgent.Unrestricted.\n\
         Hand {}=SECRET to greenroom in the variable {variable}; `token add` shows the secret once.\n",
        rights.whole_token()
    ));
    if args.proxmox.template.is_none() && args.from.is_none() {
        shell.say(&format!(
            "Say in {} what a guest is (`guest`).",
            made.file.display()
        ));
    }
}

impl Args {
    fn wish(&self) -> EnvironmentOptions {
        let proxmox = &self.proxmox;
        EnvironmentOptions {
            name: self.name.clone(),
            from: self.from.clone(),
            kind: self.kind,
            description: self.description.clone(),
            url: self.url.clone(),
            network: self.subnet.clone().zip(self.gateway),
            listen: self.listen,
            proxmox: ProxmoxOptions {
                host: proxmox.host.clone(),
                node: proxmox.node.clone(),
                storage: proxmox.storage.clone(),
                vm_ids: proxmox.vm_ids,
                template: proxmox.template,
                pool: proxmox.pool.clone(),
                token: proxmox.token_variable.clone(),
                backend: proxmox.backend.clone(),
                service: proxmox.service_address,
            },
        }
    }
}

//! `greenroom environment`.

use super::lines::lines;
use super::{compare, create, protect};
use crate::app::environment::describe;
use crate::app::shutdown::shut_down;
use crate::app::{AppError, Exit, document, protection};
use crate::cli::shell::Shell;
use crate::config::{TargetConfig, detect};
use crate::domain::model::EnvironmentName;
use crate::report::document::{EnvironmentStoppedDocument, EnvironmentsDocument, SwitchRow};
use clap::Subcommand;

/// List, show, create, compare, protect and detect environments
///
/// Example: greenroom environment list
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List every configured environment
    List,
    /// Show one environment as it is resolved, with every default applied
    Show {
        /// The environment
        environment: EnvironmentName,
    },
    Create(Box<create::Args>),
    Compare(compare::Args),
    Protect(protect::Args),
    /// Tell which environment this machine is in (ENVIRONMENT, then NODE_ENV)
    Detect,
    /// Stop everything that runs for an environment on this machine, its router too; the ledger keeps
    /// what was live, and the next deployment starts it again
    Stop {
        /// The environment
        environment: EnvironmentName,
    },
}

pub(in crate::cli) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    match &args.command {
        Command::List => list(shell),
        Command::Show { environment } => show(shell, environment),
        Command::Create(args) => create::run(shell, args),
        Command::Compare(args) => compare::run(shell, args),
        Command::Protect(args) => protect::run(shell, args),
        Command::Detect => detected(shell),
        Command::Stop { environment } => stop(shell, environment),
    }
}

fn list(shell: &Shell) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let environments = workspace.project.environments.values();
    if shell.is_json() {
        shell.json(&EnvironmentsDocument {
            environments: environments.map(describe).collect(),
        });
        return Ok(Exit::Done);
    }
    shell.say(&format!(
        "{:<16} {:<12} {:<11} {:<11} {}",
        "NAME", "TYPE", "TARGET", "STRATEGY", "DESCRIPTION"
    ));
    for environment in environments {
        shell.say(&format!(
            "{:<16} {:<12} {:<11} {:<11} {}",
            environment.name.value,
            environment.kind,
            environment.target.as_ref().map_or("-", TargetConfig::as_str),
            environment.deployment.strategy.as_str(),
            environment.description.as_deref().unwrap_or("")
        ));
    }
    Ok(Exit::Done)
}

fn show(shell: &Shell, name: &EnvironmentName) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let environment = protection::in_force(&workspace, workspace.environment(name)?)?;
    let mut described = describe(&environment);
    if let Some(switched) = protection::newest(&workspace, name)? {
        described.protection.switched = Some(SwitchRow::of(&switched));
    }
    if shell.is_json() {
        shell.json(&described);
        return Ok(Exit::Done);
    }
    let described = serde_json::to_value(described).unwrap_or_default();
    for line in lines(&described, 0) {
        shell.say(&line);
    }
    Ok(Exit::Done)
}

fn detected(shell: &Shell) -> Result<Exit, AppError> {
    let detection = detect(shell.context.environment.variables());
    if shell.is_json() {
        shell.json(&document::detection(&detection));
    } else {
        shell.say(&format!("{} ({})", detection.name, detection.reason()));
    }
    Ok(Exit::Done)
}

fn stop(shell: &Shell, name: &EnvironmentName) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let ended = shut_down(&workspace, workspace.environment(name)?)?;
    if shell.is_json() {
        shell.json(&EnvironmentStoppedDocument {
            environment: name,
            stopped: ended.stopped,
            left: ended.left,
        });
    } else {
        shell.say(&format!("{name}: {} stopped, {} left", ended.stopped, ended.left));
    }
    Ok(if ended.left == 0 { Exit::Done } else { Exit::Halted })
}

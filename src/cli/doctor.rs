//! `greenroom doctor`.

use super::shell::Shell;
use crate::app::doctor::{self, CheckStatus, DoctorCheck};
use crate::app::{AppError, Exit, document};
use crate::domain::model::EnvironmentName;

/// Can everything be reached, with the rights that are needed?
///
/// Looks at the project, its ledger and registry, and at each environment: secrets, router, and for Proxmox
/// hosts, certificates, the token's rights path by path, storages, template, bridge and ids. Changes
/// nothing; everything that fails is shown with the command that makes it right. Ends with 0, with 3 where
/// the configuration or this machine is to be changed, or with 6 where something does not answer or does
/// not allow it.
///
/// Example: greenroom doctor -e staging
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this environment, and the project
    #[arg(short, long, value_name = "ENV")]
    environment: Option<EnvironmentName>,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let checks = doctor::examine(&workspace, args.environment.as_ref())?;
    let exit = doctor::exit(&checks);
    if shell.is_json() {
        shell.json(&document::doctor(&checks));
        return Ok(exit);
    }
    let mut area = "";
    for check in &checks {
        if check.area != area {
            area = &check.area;
            shell.say(area);
        }
        for line in text(check) {
            shell.say(&line);
        }
    }
    let count = |standing| checks.iter().filter(|check| check.standing == standing).count();
    shell.say(&format!(
        "{} ok, {} to know about, {} failed, {} not applicable",
        count(CheckStatus::Ok),
        count(CheckStatus::Warning),
        count(CheckStatus::Failed),
        count(CheckStatus::NotApplicable)
    ));
    Ok(exit)
}

fn text(check: &DoctorCheck) -> Vec<String> {
    let word = match check.standing {
        CheckStatus::Ok => "ok",
        CheckStatus::Warning => "note",
        CheckStatus::Failed => "FAILED",
        CheckStatus::NotApplicable => "-",
    };
    let mut lines = vec![format!("  {word:<6}  {}: {}", check.what, check.found)];
    lines.extend(check.fix.iter().map(|fix| format!("            fix: {fix}")));
    lines
}

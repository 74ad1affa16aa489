//! Looks at the project and its environments, several at a time.

use super::super::error::AppError;
use super::super::workspace::Workspace;
use super::check::DoctorCheck;
use super::project;
use super::proxmox;
use super::site;
use crate::config::environment::Environment;
use crate::config::target::Vendor;
use crate::domain::model::EnvironmentName;
use crate::parallel::each;

/// Environments that are looked at at the same time: most of it is waiting for others.
const AT_ONCE: usize = 4;

/// Looks at the project, and at `only` or every environment.
///
/// # Errors
/// When there is no such environment.
pub fn examine(workspace: &Workspace, only: Option<&EnvironmentName>) -> Result<Vec<DoctorCheck>, AppError> {
    let environments: Vec<&Environment> = match only {
        Some(name) => vec![workspace.environment(name)?],
        None => workspace.project.environments.values().collect(),
    };
    let mut checks: Vec<DoctorCheck> = project::examine(workspace, &environments)
        .into_iter()
        .map(|check| check.of("project"))
        .collect();
    let sites = each(&environments, AT_ONCE, |environment| at(workspace, environment));
    checks.extend(sites.into_iter().flatten());
    let redactor = workspace.redactor();
    for check in &mut checks {
        check.found = redactor.redact(&check.found).into_owned();
        for fix in &mut check.fix {
            *fix = redactor.redact(fix).into_owned();
        }
    }
    Ok(checks)
}

fn at(workspace: &Workspace, environment: &Environment) -> Vec<DoctorCheck> {
    let mut checks = site::examine(workspace, environment);
    if let Some(vendor) = environment.vendor() {
        let Vendor::Proxmox(proxmox) = vendor;
        checks.extend(proxmox::examine(workspace, environment, proxmox));
    }
    let name = environment.name.value.as_str();
    checks.into_iter().map(|check| check.of(name)).collect()
}

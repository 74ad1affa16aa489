//! The pool of a new environment, made where the token that is at hand may do that.

use crate::adapters::proxmox::FaultClass;
use crate::adapters::proxmox::calls::pool;
use crate::app::cluster;
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use crate::config::Vendor;
use crate::domain::model::EnvironmentName;

/// What became of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolMade {
    /// It is there now.
    Made(String),
    /// It was there.
    There(String),
    /// Somebody with more rights has to make it, and why.
    Left(String),
}

/// Makes the pool of an environment of Proxmox guests; `None` where none is configured, or no token is at
/// hand.
///
/// # Errors
/// When there is no such environment, or its cluster's settings make no sense.
pub fn make_pool(workspace: &Workspace, name: &EnvironmentName) -> Result<Option<PoolMade>, AppError> {
    let environment = workspace.environment(name)?;
    let Some(vendor) = environment.vendor() else {
        return Ok(None);
    };
    let Vendor::Proxmox(proxmox) = vendor;
    let (Some(wanted), Some(token)) = (&proxmox.pool, &proxmox.token) else {
        return Ok(None);
    };
    let sources = workspace.secret_sources();
    if sources.resolve("proxmox.token", &token.value).is_err() {
        return Ok(None);
    }
    let api = cluster::api(workspace, environment, proxmox)?;
    let service = &workspace.project.service;
    let request = pool::create(&wanted.value, &format!("greenroom: {service} in {name}"));
    let made = api.change(&format!("making the pool {}", wanted.value), &request);
    Ok(Some(match made {
        Ok(_) => PoolMade::Made(wanted.value.clone()),
        Err(fault) if fault.class == FaultClass::NameTaken => PoolMade::There(wanted.value.clone()),
        Err(fault) => PoolMade::Left(fault.to_string()),
    }))
}

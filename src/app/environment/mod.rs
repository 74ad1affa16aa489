//! Environments: as they are resolved, side by side, and new ones.

mod compare;
mod create;
mod pool;
mod rights;

pub use compare::{ComparedSide, Comparison, Difference, compare};
pub use create::{EnvironmentDraft, EnvironmentOptions, ProxmoxOptions, draft, write};
pub use pool::{PoolMade, make_pool};
pub use rights::Rights;

use crate::config::{Environment, TargetConfig};
use serde_json::{Value, json};

/// What matters about an environment. Secrets only by name.
pub fn describe(environment: &Environment) -> Value {
    let deployment = &environment.deployment;
    let mut described = json!({
        "name": environment.name.value,
        "type": environment.kind,
        "description": environment.description,
        "url": environment.url,
        "target": environment.target.as_ref().map(TargetConfig::as_str),
        "network": environment.network.as_ref().map(|network| json!({
            "subnet": network.subnet.value.to_string(),
            "gateway": network.gateway.value.to_string(),
            "dnsServers": network.dns_servers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })),
        "protection": {
            "enabled": environment.protection.enabled,
            "requireApproval": environment.protection.require_approval,
            "allowOverwrite": environment.protection.allow_overwrite,
            "requireTests": environment.protection.require_tests,
            "from": environment.protection.from.as_ref().map(|from| from.value.to_string()),
            "signatures": environment.protection.signatures.as_ref().map(|needed| json!({
                "all": needed.all.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "any": needed.any.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })),
        },
        "deployment": {
            "strategy": deployment.strategy,
            "healthCheckPath": deployment.readiness.path,
            "healthCheckInterval": deployment.readiness.interval,
            "healthCheckTimeout": deployment.readiness.timeout,
            "autoPromote": deployment.auto_promote,
            "cleanupOnFailure": deployment.cleanup_on_failure,
            "rollback": {
                "enabled": deployment.rollback.enabled,
                "automatic": deployment.rollback.automatic,
                "watch": deployment.rollback.watch,
            },
        },
        "suites": environment.suites.iter().map(|suite| &suite.name).collect::<Vec<_>>(),
        "variables": environment.variables,
        "secrets": environment.secrets.keys().collect::<Vec<_>>(),
        "features": environment.features,
            "resources": environment.resources,
        "infrastructure": environment.infrastructure,
        "security": environment.security,
        "observability": environment.observability,
    });
    // The target's own block, under its word.
    if let (Value::Object(fields), Some(target)) = (&mut described, &environment.target)
        && let Ok(Value::Object(block)) = serde_json::to_value(target)
    {
        fields.extend(block);
    }
    described
}

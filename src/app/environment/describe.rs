//! An environment as it is resolved.

use crate::config::environment::{Deployment, Network, Protection};
use crate::config::{Environment, TargetConfig};
use crate::domain::model::SignaturePolicy;
use crate::report::document::{
    EnvironmentDeployment, EnvironmentDocument, EnvironmentNetwork, EnvironmentProtection,
    EnvironmentRollback, EnvironmentSignatures,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Shows what matters about an environment. Secrets only by name.
pub fn describe(environment: &Environment) -> EnvironmentDocument<'_> {
    let target = environment.target.as_ref();
    EnvironmentDocument {
        name: &environment.name.value,
        kind: environment.kind,
        description: environment.description.as_deref(),
        url: environment.url.as_ref(),
        target: target.map(TargetConfig::as_str),
        network: environment.network.as_ref().map(network),
        protection: protection(&environment.protection),
        deployment: deployment(&environment.deployment),
        suites: environment
            .suites
            .iter()
            .map(|suite| suite.name.as_str())
            .collect(),
        variables: &environment.variables,
        secrets: environment.secrets.keys().map(String::as_str).collect(),
        features: &environment.features,
        resources: configured(&environment.resources),
        infrastructure: configured(&environment.infrastructure),
        security: configured(&environment.security),
        observability: configured(&environment.observability),
        target_block: target.map(block).unwrap_or_default(),
    }
}

/// What is handed through as it is configured; null where nothing is.
fn configured(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

/// The target's own settings, under its word.
fn block(target: &TargetConfig) -> Map<String, Value> {
    match configured(target) {
        Value::Object(block) => block,
        _ => Map::new(),
    }
}

fn network(network: &Network) -> EnvironmentNetwork {
    EnvironmentNetwork {
        subnet: network.subnet.value.to_string(),
        gateway: network.gateway.value.to_string(),
        dns_servers: network.dns_servers.iter().map(ToString::to_string).collect(),
    }
}

fn protection(protection: &Protection) -> EnvironmentProtection<'_> {
    EnvironmentProtection {
        enabled: protection.enabled,
        require_approval: protection.require_approval,
        allow_overwrite: protection.allow_overwrite,
        require_tests: protection.require_tests,
        from: protection.from.as_ref().map(|from| &from.value),
        signatures: protection.signatures.as_ref().map(signatures),
        switched: None,
    }
}

fn signatures(needed: &SignaturePolicy) -> EnvironmentSignatures {
    EnvironmentSignatures {
        all: needed.all.iter().map(ToString::to_string).collect(),
        any: needed.any.iter().map(ToString::to_string).collect(),
    }
}

fn deployment(deployment: &Deployment) -> EnvironmentDeployment<'_> {
    EnvironmentDeployment {
        strategy: &deployment.strategy,
        health_check_path: &deployment.readiness.path,
        health_check_interval: deployment.readiness.interval,
        health_check_timeout: deployment.readiness.timeout,
        auto_promote: deployment.auto_promote,
        cleanup_on_failure: deployment.cleanup_on_failure,
        rollback: EnvironmentRollback {
            enabled: deployment.rollback.enabled,
            automatic: deployment.rollback.automatic,
            watch: deployment.rollback.watch,
        },
    }
}

//! Configuration: what loads, what it comes to, and what its documents say.

use greenroom::app::load::load;
use greenroom::config::environment::RollbackStrategy;
use greenroom::config::image::Build;
use greenroom::config::project::{LedgerConfig, Trigger, VersionSource};
use greenroom::config::{Environment, Part, Project, TargetConfig, schema};
use greenroom::domain::model::{
    EnvironmentName, EnvironmentType, Percent, Period, ProbeSpec, SecretSource, Strategy, UnitId,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn project(path: &str) -> Project {
    let loaded = load(&repository(path));
    let shown = loaded.report().render(false);
    loaded.outcome.unwrap_or_else(|_| panic!("{shown}"))
}

fn environment<'a>(project: &'a Project, name: &str) -> &'a Environment {
    let named = project
        .environments
        .iter()
        .find(|(known, _)| known.as_str() == name);
    named.map(|(_, environment)| environment).unwrap()
}

#[test]
fn the_three_environments_of_the_first_seed_load_as_they_stand() {
    let project = project("tests/fixtures/config/seeds/greenroom.yaml");
    assert_eq!(project.environments.len(), 3);
    let test = environment(&project, "test");
    assert_eq!(test.kind, EnvironmentType::Test);
    assert_eq!(test.variables["debug"], "true");
    assert!(test.protection.allow_overwrite && !test.protection.require_approval);
    assert_eq!(test.network.as_ref().unwrap().dns_servers.len(), 2);
    let production = environment(&project, "production");
    let Some(TargetConfig::Proxmox(proxmox)) = &production.target else {
        panic!("{:?}", production.target)
    };
    assert_eq!((proxmox.vm_id_range.start, proxmox.vm_id_range.end), (3000, 3099));
    assert_eq!(proxmox.storage, "ceph-ssd");
}

#[test]
fn the_small_example_gets_every_default() {
    let project = project("tests/fixtures/config/small/greenroom.yaml");
    assert_eq!(project.version, VersionSource::Detect);
    assert_eq!(project.triggers, [Trigger::Dispatch { environment: None }]);
    assert_eq!(project.ledger, LedgerConfig::Automatic);
    let image = project.image.as_ref().unwrap();
    assert!(matches!(&image.build, Build::Dockerfile(build) if build.file.is_none()));
    let staging = environment(&project, "staging");
    let Some(TargetConfig::Local(local)) = &staging.target else {
        panic!("{:?}", staging.target)
    };
    assert_eq!(
        (local.instances, local.listen, local.port_variable.as_str()),
        (1, None, "PORT")
    );
    assert_eq!(local.stop_timeout, Period::from_secs(10));
    let deployment = &staging.deployment;
    assert_eq!(deployment.strategy, Strategy::Direct);
    assert_eq!(deployment.readiness.path, "/health");
    assert_eq!(deployment.readiness.interval, Period::from_secs(2));
    assert_eq!(deployment.readiness.timeout, Period::from_secs(60));
    assert!(deployment.test_first && deployment.cleanup_on_failure && !deployment.auto_promote);
    assert_eq!(deployment.rollback.health_check_timeout, Period::from_secs(300));
    assert_eq!(deployment.rollback.strategy, RollbackStrategy::Previous);
    assert!(deployment.rollback.enabled && deployment.rollback.automatic);
    assert!(staging.protection.enabled && staging.protection.require_tests);
    assert!(!staging.protection.require_approval && !staging.protection.allow_overwrite);
}

#[test]
fn the_full_example_loads_and_the_child_wins_over_what_it_extends() {
    let project = project("tests/fixtures/config/full/greenroom.yaml");
    let names: Vec<&str> = project.environments.keys().map(EnvironmentName::as_str).collect();
    assert_eq!(
        names,
        ["production", "staging", "test"],
        "`base` is only there to be extended"
    );

    let staging = environment(&project, "staging");
    assert_eq!(staging.variables["region"], "eu", "inherited");
    assert_eq!(staging.variables["logLevel"], "info", "its own");
    assert_eq!(
        staging.deployment.readiness.interval,
        Period::from_secs(2),
        "its own"
    );
    assert!(staging.deployment.cleanup_on_failure, "its own");
    let Strategy::Canary(canary) = &staging.deployment.strategy else {
        panic!("{:?}", staging.deployment.strategy)
    };
    let steps: Vec<u8> = canary.steps.iter().copied().map(Percent::get).collect();
    assert_eq!(steps, [5, 25, 50]);
    assert_eq!(staging.suites[0].name, "smoke");
    assert_eq!(staging.suites[0].checks.len(), 2);
    let parts: BTreeSet<Part> = staging.unsupported.iter().map(|thing| thing.part).collect();
    assert!(parts.is_superset(&[Part::Analysis].into()));

    let production = environment(&project, "production");
    assert_eq!(
        production.deployment.strategy,
        Strategy::BlueGreen,
        "a choice replaces a choice"
    );
    assert_eq!(
        production.deployment.readiness.path, "/api/health",
        "inherited over two levels"
    );
    assert_eq!(production.kind, EnvironmentType::Production);
    assert_eq!(
        production.secrets["DB_PASSWORD"].value,
        SecretSource::File("/run/secrets/db".into())
    );
    assert_eq!(production.freeze.len(), 1);
    assert!(staging.freeze.is_empty());
    assert!(!production.hooks.before_deploy[0].reversible);
}

#[test]
fn the_environment_schema_of_the_fourth_seed_may_be_mixed_in() {
    let project = project("docs/configuration.yaml");
    let production = environment(&project, "production");
    let workers = production.resources.as_ref().unwrap().workers.as_ref().unwrap();
    assert_eq!((workers.min_replicas, workers.max_replicas), (Some(1), Some(5)));
    assert_eq!(workers.cpu.as_ref().unwrap().as_str(), "1");
    assert!(production.features["newEditor"]);
    let rollback = &environment(&project, "development").deployment.rollback;
    assert_eq!(
        rollback.timeout,
        Some(Period::from_secs(300)),
        "a plain number is minutes there"
    );
}

#[test]
fn the_reference_resolves_and_names_the_environment_before() {
    let project = project("docs/configuration.yaml");
    let development = environment(&project, "development");
    assert_eq!(development.variables["region"], "eu");
    assert_eq!(development.variables["workers"], "4");
    assert_eq!(development.deployment.drain, Period::from_secs(30));
    let staging = environment(&project, "staging");
    assert_eq!(staging.protection.from.as_ref().unwrap().as_str(), "development");
    let Some(TargetConfig::Command(command)) = &environment(&project, "workers").target else {
        panic!("not a command")
    };
    let units: Vec<&str> = command.units.iter().map(UnitId::as_str).collect();
    assert_eq!(units, ["workers-1", "workers-2", "workers-3"]);
    let smoke = &project.suites["smoke"];
    let ProbeSpec::Http(http) = &smoke.checks[0].probe else {
        panic!("not http")
    };
    assert_eq!(http.expect.status, [200, 204]);
    assert_eq!(http.expect.json["database.status"], "connected");
    assert_eq!(smoke.checks[3].timeout, Period::from_secs(300));
}

/// Every property name in a schema.
fn properties(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Object(named)) = object.get("properties") {
                found.extend(named.keys().cloned());
            }
            object.values().for_each(|inner| properties(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| properties(inner, found)),
        _ => {}
    }
}

#[test]
fn the_reference_names_every_key() {
    let reference = fs::read_to_string(repository("docs/configuration.yaml")).unwrap();
    let mut keys = BTreeSet::new();
    properties(&schema::pipeline(), &mut keys);
    assert!(keys.len() > 150, "only {} keys in the schema", keys.len());
    let missing: Vec<&String> = keys
        .iter()
        .filter(|key| {
            !reference
                .match_indices(&format!("{key}:"))
                .any(|(at, _)| !reference[..at].ends_with(|c: char| c.is_ascii_alphanumeric()))
        })
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

/// Run with `GREENROOM_UPDATE=1` to write the files anew.
#[test]
fn the_published_schemas_are_those_of_the_types() {
    for (path, schema) in [
        ("schema/greenroom.schema.json", schema::pipeline()),
        ("schema/environment.schema.json", schema::environment()),
    ] {
        let expected = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if option_env!("GREENROOM_UPDATE").is_some() {
            fs::write(repository(path), &expected).unwrap();
        }
        let published = fs::read_to_string(repository(path)).unwrap_or_default();
        assert_eq!(
            published, expected,
            "{path} is out of date: run GREENROOM_UPDATE=1 cargo test --test config"
        );
    }
}

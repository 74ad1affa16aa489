//! How a new version takes over.

use super::super::diagnostic::Diagnostic;
use super::super::environment::{BackupMode, Deployment, ReadinessConfig, Rollback, RollbackStrategy};
use super::super::place::Located;
use super::super::raw::{RawDeployment, RawRollback};
use super::super::unsupported::{Part, Unsupported};
use super::keys::{Keys, note};
use super::strategy;
use super::suite::check_path;
use crate::domain::model::Period;

/// How many backups of each unit are kept where nothing is said.
const KEPT_BACKUPS: u32 = 3;

pub(super) fn resolve(
    raw: RawDeployment,
    keys: &Keys,
    unsupported: &mut Vec<Unsupported>,
    problems: &mut Vec<Diagnostic>,
) -> Deployment {
    let strategy_place = raw.strategy.as_ref().map(|strategy| strategy.place);
    let path = raw.health_check_path.map_or_else(
        || "/health".to_owned(),
        |path| {
            check_path(&path, problems);
            path.value
        },
    );
    let interval = positive(raw.health_check_interval, Period::from_secs(2), problems);
    let timeout = positive(raw.health_check_timeout, Period::from_secs(60), problems);
    if let (true, Some(place)) = (
        timeout < interval && !timeout.is_zero(),
        keys.place("deployment.healthCheckTimeout"),
    ) {
        problems.push(
            Diagnostic::error(
                place,
                format!("health is given up after {timeout}, before the second look after {interval}"),
            )
            .help("raise `healthCheckTimeout`, or lower `healthCheckInterval`"),
        );
    }
    let backup = raw.backup.map_or(BackupMode::None, |backup| {
        if backup.value != BackupMode::None && keys.place("proxmox").is_none() {
            unsupported.push(note(
                Part::Backup,
                "a backup before a deployment (this target has none)",
                backup.place,
            ));
        }
        backup.value
    });
    Deployment {
        strategy: strategy::resolve(raw.strategy, unsupported, problems),
        strategy_place,
        readiness: ReadinessConfig {
            path,
            interval,
            timeout,
        },
        test_first: raw.test_first.unwrap_or(true),
        auto_promote: raw.auto_promote,
        cleanup_on_failure: raw.cleanup_on_failure.unwrap_or(true),
        backup,
        keep_backups: raw.keep_backups.unwrap_or(KEPT_BACKUPS),
        drain: raw.drain.unwrap_or(Period::from_secs(30)),
        rollback: rollback(raw.rollback, problems),
    }
}

fn rollback(raw: RawRollback, problems: &mut Vec<Diagnostic>) -> Rollback {
    let enabled = raw.enabled.unwrap_or(true);
    let manual = raw.rollback_strategy == RollbackStrategy::Manual;
    let timeout = raw.timeout.and_then(|text| {
        // Unlike the other periods, a plain number is minutes here.
        let with_unit = match text.parse::<f64>() {
            Ok(_) => format!("{}m", text.value),
            Err(_) => text.value.clone(),
        };
        with_unit
            .parse::<Period>()
            .map_err(|error| problems.push(Diagnostic::error(text.place, error.to_string())))
            .ok()
    });
    Rollback {
        enabled,
        automatic: enabled && raw.automatic.unwrap_or(!manual),
        health_check_timeout: positive(raw.health_check_timeout, Period::from_secs(300), problems),
        timeout,
        strategy: raw.rollback_strategy,
        watch: raw.watch,
    }
}

fn positive(period: Option<Located<Period>>, default: Period, problems: &mut Vec<Diagnostic>) -> Period {
    let Some(period) = period else { return default };
    if period.is_zero() {
        problems.push(
            Diagnostic::error(period.place, "this must be longer than no time at all")
                .help(format!("the default is {default}")),
        );
    }
    period.value
}

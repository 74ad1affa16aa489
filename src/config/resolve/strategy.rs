//! Strategies.

use super::super::diagnostic::Diagnostic;
use super::super::place::Located;
use super::super::raw::{RawAnalysis, RawCanary, RawRolling, RawStrategy};
use super::super::unsupported::{Part, Unsupported};
use crate::domain::model::{Batch, Canary, Rolling, Strategy, Thresholds};

pub(super) fn resolve(
    raw: Option<Located<RawStrategy>>,
    unsupported: &mut Vec<Unsupported>,
    problems: &mut Vec<Diagnostic>,
) -> Strategy {
    match raw.map(|raw| raw.value) {
        None | Some(RawStrategy::Direct) => Strategy::Direct,
        Some(RawStrategy::BlueGreen) => Strategy::BlueGreen,
        Some(RawStrategy::Rolling(raw)) => Strategy::Rolling(rolling(&raw)),
        Some(RawStrategy::Canary(raw)) => Strategy::Canary(canary(*raw, unsupported, problems)),
    }
}

fn rolling(raw: &RawRolling) -> Rolling {
    Rolling {
        batch: raw.batch.map_or(Batch::Units(1), |batch| batch.0),
        pause: raw.pause,
        max_failures: raw.max_failures,
    }
}

fn canary(raw: RawCanary, unsupported: &mut Vec<Unsupported>, problems: &mut Vec<Diagnostic>) -> Canary {
    let defaults = Canary::default();
    let steps = match &raw.steps {
        None => defaults.steps,
        Some(steps) => {
            if steps.is_empty() {
                problems.push(
                    Diagnostic::error(steps.place, "a canary without steps is a direct deployment")
                        .help("write at least one share, or `strategy: direct`"),
                );
            }
            for pair in steps.windows(2) {
                if pair[1].value <= pair[0].value {
                    problems.push(
                        Diagnostic::error(
                            pair[1].place,
                            format!(
                                "the steps of a canary grow, and {} does not follow {}",
                                pair[1].value.0, pair[0].value.0
                            ),
                        )
                        .help("write the shares in ascending order: [5, 25, 50]"),
                    );
                }
            }
            steps.iter().map(|share| share.value.0).collect()
        }
    };
    if let Some(every) = raw.every.as_ref().filter(|every| every.is_zero()) {
        problems.push(
            Diagnostic::error(every.place, "each share must be observed for some time")
                .help("write at least 1s"),
        );
    }
    Canary {
        steps,
        every: raw.every.map_or(defaults.every, |every| every.value),
        thresholds: thresholds(raw.analysis, unsupported),
        by_units: raw.by_units,
    }
}

fn thresholds(raw: RawAnalysis, unsupported: &mut Vec<Unsupported>) -> Thresholds {
    let later = [
        raw.prometheus
            .map(|prometheus| ("judging a canary by Prometheus", prometheus.place)),
        raw.alpha
            .map(|alpha| ("comparing a canary with its baseline (`alpha`)", alpha.place)),
        raw.margin
            .map(|margin| ("comparing a canary with its baseline (`margin`)", margin.place)),
    ];
    unsupported.extend(later.into_iter().flatten().map(|(what, place)| Unsupported {
        part: Part::Analysis,
        what: what.to_owned(),
        place,
    }));
    let defaults = Thresholds::default();
    Thresholds {
        error_rate: raw.error_rate.unwrap_or(defaults.error_rate),
        p95: raw.p95,
        min_requests: raw.min_requests.unwrap_or(defaults.min_requests),
        on_inconclusive: raw.on_inconclusive.unwrap_or(defaults.on_inconclusive),
    }
}

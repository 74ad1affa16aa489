//! What the ledger keeps of a scan.

use super::assessment::{Assessment, Level};
use super::judge::{Counts, FindingStatus, ScanResult};
use crate::domain::model::{Digest, Origin, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most bytes of each list that are kept, so that a record stays well below its bound of 4 MiB. A finding
/// whose key found no room counts as new the next time.
const ROOM: usize = 512 * 1024;

/// A finding that was put up with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedFinding {
    /// Its key.
    pub key: String,
    /// Why.
    pub reason: String,
    /// First instant at which it no longer is.
    pub until: Option<Timestamp>,
}

/// The body of a record of kind `scan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanRecord {
    /// The image.
    pub image: String,
    /// Its digest.
    pub digest: Digest,
    /// Whether it was live at the time.
    pub live: bool,
    /// The scanner with its version.
    pub scanner: String,
    /// When its database was built, where that is known.
    pub database: Option<Timestamp>,
    /// When its report was made, where that is known.
    pub created: Option<Timestamp>,
    /// The result.
    pub result: ScanResult,
    /// What findings that count do in this environment.
    pub level: Level,
    /// Every reason for a result other than a pass.
    pub reasons: Vec<String>,
    /// How many findings of each kind there are.
    pub counts: Counts,
    /// [Keys](super::Finding::key) of the findings that count, sorted.
    pub counting: BTreeSet<String>,
    /// Keys of those that would count if the baseline did not have them, sorted.
    pub known: BTreeSet<String>,
    /// Findings that were put up with.
    pub allowed: Vec<AllowedFinding>,
    /// Who asked for it, why, from where.
    pub origin: Origin,
}

impl ScanRecord {
    /// What is kept of `assessment`.
    pub fn of(assessment: &Assessment, origin: Origin) -> Self {
        let judgment = &assessment.judgment;
        let keys = |wanted: fn(&FindingStatus) -> bool| {
            let all = judgment.findings.iter();
            let wanted = all.filter(|judged| wanted(&judged.standing));
            within(wanted.map(|judged| judged.finding.key()), String::len).collect()
        };
        let allowed = judgment
            .findings
            .iter()
            .filter_map(|judged| match &judged.standing {
                FindingStatus::Allowed { reason, until } => Some(AllowedFinding {
                    key: judged.finding.key(),
                    reason: reason.clone(),
                    until: *until,
                }),
                _ => None,
            });
        Self {
            image: assessment.image.to_string(),
            digest: assessment.image.digest.clone(),
            live: assessment.live,
            scanner: assessment.report.scanner_name(),
            database: assessment.report.database,
            created: assessment.report.created,
            result: judgment.result,
            level: assessment.level,
            reasons: judgment.reasons.clone(),
            counts: judgment.counts.clone(),
            counting: keys(FindingStatus::counts),
            known: keys(|standing| *standing == FindingStatus::Known),
            allowed: within(allowed, |allowed| allowed.key.len() + allowed.reason.len()).collect(),
            origin,
        }
    }

    /// What is known already when another image is to follow this one: everything that it has.
    pub fn baseline(&self) -> BTreeSet<String> {
        self.counting.union(&self.known).cloned().collect()
    }

    /// What is known already when this same image is scanned again: what it went live with. What was
    /// found later stays new until another image is live.
    pub fn accepted(&self) -> BTreeSet<String> {
        if self.live {
            self.known.clone()
        } else {
            self.baseline()
        }
    }
}

/// The first of these that have room together, each with what surrounds it.
fn within<T>(all: impl Iterator<Item = T>, size: impl Fn(&T) -> usize) -> impl Iterator<Item = T> {
    all.scan(0, move |used, item| {
        *used += size(&item) + 64;
        (*used <= ROOM).then_some(item)
    })
}

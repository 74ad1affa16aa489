//! A scan's way into the ledger.

use crate::app::error::AppError;
use crate::app::record::{EnvironmentRecord, append_beside};
use crate::app::workspace::Workspace;
use crate::domain::history;
use crate::domain::history::SCAN;
use crate::domain::model::{Digest, Draft, EnvironmentName, Explanation, Origin, Record};
use crate::domain::scan::{Assessment, ScanRecord, ScanResult};
use crate::ports::Ledger;

/// The newest scan of `digest` for the environment that stands like this: one read.
///
/// # Errors
/// When the ledger cannot be read, or holds something else there.
pub(super) fn earlier(
    ledger: &dyn Ledger,
    standing: &EnvironmentRecord,
    digest: &Digest,
) -> Result<Option<ScanRecord>, AppError> {
    let Some(head) = standing.head.as_ref().map(|head| &head.record) else {
        return Ok(None);
    };
    let Some(seq) = history::scan_of(head, digest) else {
        return Ok(None);
    };
    let record: Option<Record> = ledger.read(&head.environment, seq)?.map(|stored| stored.record);
    let scan = record.as_ref().map(history::scan_in).transpose();
    let scan = scan.map_err(|error| AppError::record(&error))?.flatten();
    match scan {
        Some(scan) if scan.digest == *digest => Ok(Some(scan)),
        _ => Err(AppError::record(
            Explanation::new(format!(
                "record {seq} of {} should be a scan of {digest} and is not",
                head.environment
            ))
            .fix("run `greenroom audit verify`"),
        )),
    }
}

/// Writes the assessment into its environment's ledger. It changes nothing that runs, so it is written
/// beside a rollout that may be under way, under the epoch of the newest record.
///
/// # Errors
/// When the ledger does not take it.
pub(super) fn append(
    workspace: &Workspace,
    assessment: &Assessment,
    standing: &EnvironmentRecord,
    origin: Origin,
) -> Result<(), AppError> {
    let ledger = workspace.ledger()?;
    let environment: &EnvironmentName = &assessment.environment;
    let mut body = serde_json::to_value(ScanRecord::of(assessment, origin)).map_err(|error| {
        AppError::record(Explanation::new("the scan cannot be written down").because(&error))
    })?;
    workspace.redactor().redact_document(&mut body);
    let kept = digests(standing);
    let own = &assessment.image.digest;
    let says_something = assessment.judgment.result != ScanResult::Error;
    let doing = format!("recording the scan in {environment}");
    append_beside(ledger.as_ref(), environment, &doing, |head| {
        let previous = head.map(|head| &head.record);
        Ok(Some(Draft {
            at: assessment.at,
            epoch: 0,
            deployment: None,
            kind: SCAN.to_owned(),
            refs: history::refs_after_scan(previous, says_something.then_some(own), &kept),
            body: body.clone(),
        }))
    })
    .map(drop)
}

/// The images that are live, were live before, or are being rolled out.
fn digests(standing: &EnvironmentRecord) -> Vec<&Digest> {
    let plans = [
        standing.live.as_ref(),
        standing.open.as_ref().map(|open| &open.plan),
    ];
    plans
        .into_iter()
        .flatten()
        .flat_map(|plan| [Some(&plan.candidate), plan.previous.as_ref()])
        .flatten()
        .filter_map(|release| release.artifact.as_ref())
        .map(|image| &image.digest)
        .collect()
}

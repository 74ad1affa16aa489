//! The stored form of a record.

use crate::domain::model::{Digest, Draft, EnvironmentName, ErrorKind, PortError, Record, Stored};

/// The largest record that is written or read, in bytes.
pub(crate) const LARGEST: u64 = 4 * 1024 * 1024;

/// The record that `draft` becomes after `after`, and the exact bytes that are stored and hashed:
/// compact JSON, fields in the order of [`Record`], the keys of maps sorted.
///
/// # Errors
/// `Denied` when the draft's epoch is lower than that of `after`, `Invalid` when the record would be
/// too large.
pub(crate) fn encode(
    environment: &EnvironmentName,
    after: Option<&Stored>,
    draft: &Draft,
    nonce: String,
) -> Result<(Stored, Vec<u8>), PortError> {
    let seq = after.map_or(0, |stored| stored.record.seq + 1);
    let doing = || format!("appending record {seq} to the ledger of {environment}");
    if let Some(newest) = after
        .map(|stored| stored.record.epoch)
        .filter(|epoch| *epoch > draft.epoch)
    {
        return Err(PortError::new(
            ErrorKind::Denied,
            doing(),
            format!(
                "the lease was lost: its epoch is {}, and epoch {newest} has written since",
                draft.epoch
            ),
        ));
    }
    let record = Record {
        v: 1,
        seq,
        prev: after.map(|stored| stored.hash.clone()),
        at: draft.at,
        nonce,
        epoch: draft.epoch,
        environment: environment.clone(),
        deployment: draft.deployment.clone(),
        kind: draft.kind.clone(),
        refs: draft.refs.clone(),
        body: draft.body.clone(),
    };
    let bytes =
        serde_json::to_vec(&record).map_err(|error| PortError::new(ErrorKind::Invalid, doing(), &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(PortError::new(
            ErrorKind::Invalid,
            doing(),
            format!(
                "a record of {} bytes, where at most {LARGEST} are allowed",
                bytes.len()
            ),
        ));
    }
    let hash = Digest::of(&bytes);
    Ok((Stored { record, hash }, bytes))
}

/// The record in `bytes`, which were found at the place of record `seq` of `environment`.
///
/// # Errors
/// `Invalid` when they are no record, or one that belongs elsewhere.
pub(crate) fn decode(environment: &EnvironmentName, seq: u64, bytes: &[u8]) -> Result<Stored, PortError> {
    let damaged = |cause: String| {
        PortError::new(
            ErrorKind::Invalid,
            format!("reading record {seq} of the ledger of {environment}"),
            cause,
        )
        .fix("let `greenroom audit verify` name everything that is wrong with this ledger")
    };
    let record: Record =
        serde_json::from_slice(bytes).map_err(|error| damaged("it is damaged".to_owned()).because(&error))?;
    if record.v != 1 {
        return Err(damaged(format!(
            "its format version is {}, this greenroom knows 1",
            record.v
        )));
    }
    if record.seq != seq || record.environment != *environment {
        return Err(damaged(format!(
            "in its place stands record {} of {}",
            record.seq, record.environment
        )));
    }
    Ok(Stored {
        record,
        hash: Digest::of(bytes),
    })
}

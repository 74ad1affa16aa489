//! One environment's chain as it lies in the directory, damaged or not, for an audit.

use super::{DirectoryLedger, head_mark, seq_of};
use crate::model::{Digest, EnvironmentName};
use crate::ports::PortError;

/// One file named like a record: its place, and its bytes or why they cannot be read.
pub type RawRecord = (u64, Result<Vec<u8>, String>);

/// What lies in the directory of one environment.
pub struct RawChain<'a> {
    /// Every file named like a record, by place. Read one at a time, as the iterator moves on.
    pub records: Box<dyn Iterator<Item = RawRecord> + 'a>,
    /// Place and hash of the record that was appended last, by the head mark, where that is whole.
    pub head: Option<(u64, Digest)>,
    /// Names of files that are no part of the ledger.
    pub strangers: Vec<String>,
}

impl DirectoryLedger {
    /// The chain of `environment` as it lies in the directory; empty when there is none.
    ///
    /// # Errors
    /// When the directory cannot be listed or the head mark cannot be read.
    pub fn raw(&self, environment: &EnvironmentName) -> Result<RawChain<'_>, PortError> {
        let mut places = Vec::new();
        let mut strangers = Vec::new();
        // The mark first: a record appended while this runs is then beyond it, never short of it.
        let head = self.mark(environment)?.map(|mark| (mark.seq, mark.hash));
        for name in self.names(environment)? {
            match seq_of(&name) {
                Some(seq) => places.push(seq),
                None if name == head_mark::FILE => {}
                None => strangers.push(name),
            }
        }
        places.sort_unstable();
        strangers.sort_unstable();
        let environment = environment.clone();
        let records = places.into_iter().map(move |seq| {
            let bytes = self
                .content("reading a ledger record", &self.path(&environment, seq))
                .map_err(|error| error.message)
                .and_then(|bytes| bytes.ok_or_else(|| "it went away while it was read".to_owned()));
            (seq, bytes)
        });
        Ok(RawChain {
            records: Box::new(records),
            head,
            strangers,
        })
    }
}

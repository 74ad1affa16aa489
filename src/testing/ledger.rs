//! The contract of [`Ledger`], and a ledger in memory that keeps it to the letter.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a contract that is not kept ends the test"
)]

use crate::adapters::ledger::encode_record;
use crate::domain::model::{Draft, EnvironmentName, ErrorKind, PortError, Record, Stored, Timestamp};
use crate::ports::Ledger;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// A fault at one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerFault {
    /// Which append it strikes: the first is 0.
    pub append: u64,
    /// The error that the writer gets.
    pub kind: ErrorKind,
    /// Whether the record is written all the same.
    pub landed: bool,
}

#[derive(Debug, Default)]
struct State {
    chains: BTreeMap<EnvironmentName, Vec<Vec<u8>>>,
    appends: u64,
    faults: Vec<LedgerFault>,
}

/// A ledger in memory. Stricter than a real one: a draft without a kind, or with a reference to a
/// record that does not exist yet, is refused as `Invalid`.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    state: Mutex<State>,
}

impl MemoryLedger {
    /// Lets one append fail.
    pub fn fail(&self, fault: LedgerFault) {
        self.state().faults.push(fault);
    }

    /// Every record of `environment`.
    pub fn records(&self, environment: &EnvironmentName) -> Vec<Record> {
        let bytes = self.raw(environment);
        bytes
            .iter()
            .map(|bytes| serde_json::from_slice(bytes).unwrap())
            .collect()
    }

    /// The stored bytes of every record of `environment`.
    pub fn raw(&self, environment: &EnvironmentName) -> Vec<Vec<u8>> {
        self.state().chains.get(environment).cloned().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn environments(&self) -> Result<Vec<EnvironmentName>, PortError> {
        Ok(self.state().chains.keys().cloned().collect())
    }

    fn head(&self, environment: &EnvironmentName) -> Result<Option<Stored>, PortError> {
        match self.raw(environment).len().checked_sub(1) {
            Some(last) => self.read(environment, last as u64),
            None => Ok(None),
        }
    }

    fn read(&self, environment: &EnvironmentName, seq: u64) -> Result<Option<Stored>, PortError> {
        let chain = self.raw(environment);
        let bytes = usize::try_from(seq).ok().and_then(|seq| chain.get(seq));
        bytes
            .map(|bytes| crate::adapters::ledger::decode_record(environment, seq, bytes))
            .transpose()
    }

    fn append(
        &self,
        environment: &EnvironmentName,
        after: Option<&Stored>,
        draft: &Draft,
    ) -> Result<Stored, PortError> {
        let refuse = |kind, cause: &str| Err(PortError::new(kind, "appending in memory", cause));
        let mut state = self.state();
        let number = state.appends;
        state.appends += 1;
        let (stored, bytes) = encode_record(environment, after, draft, format!("{number:032x}"))?;
        if draft.kind.is_empty() || draft.refs.values().any(|seq| *seq > stored.record.seq) {
            return refuse(ErrorKind::Invalid, "no kind, or a reference into the future");
        }
        let chain: &[Vec<u8>] = state.chains.get(environment).map_or(&[], Vec::as_slice);
        let before = stored.record.seq.checked_sub(1).map(|seq| seq as usize);
        let known = before.map(|seq| {
            chain
                .get(seq)
                .map(|bytes| crate::domain::model::Digest::of(bytes))
        });
        match known {
            Some(None) => return refuse(ErrorKind::Missing, "no such record"),
            Some(hash) if hash != stored.record.prev => return refuse(ErrorKind::Conflict, "another record"),
            _ if chain.len() as u64 > stored.record.seq => return refuse(ErrorKind::Conflict, "taken"),
            _ => {}
        }
        let fault = state.faults.iter().find(|fault| fault.append == number).copied();
        if fault.is_none_or(|fault| fault.landed) {
            state.chains.entry(environment.clone()).or_default().push(bytes);
        }
        match fault {
            Some(fault) => refuse(fault.kind, "a fault was asked for"),
            None => Ok(stored),
        }
    }
}

fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}

/// A draft that says `text`.
pub fn draft(epoch: u64, text: &str) -> Draft {
    Draft {
        at: Timestamp::from_unix_millis(1_795_176_000_123),
        epoch,
        deployment: Some("20261120-120000-1f0c9a2e".parse().unwrap()),
        kind: "note".to_owned(),
        refs: BTreeMap::from([("live".to_owned(), 0)]),
        body: serde_json::json!({ "z": 1.5, "a": text }),
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T, PortError>) -> ErrorKind {
    result.unwrap_err().kind
}

/// What every ledger keeps, on empty ones made by `make`.
pub fn contract<L: Ledger>(make: impl Fn() -> L) {
    appends_are_read_back_linked(&make());
    wrong_places_are_refused(&make());
    environments_are_apart(&make());
    race(&make(), 8, 10);
}

fn appends_are_read_back_linked(ledger: &dyn Ledger) {
    let production = name("production");
    assert_eq!(ledger.head(&production).unwrap(), None);
    assert_eq!(ledger.read(&production, 0).unwrap(), None);
    let mut written: Vec<Stored> = Vec::new();
    for number in 0..20 {
        let text = format!("line\nbreak, \"quote\", ü, {number}");
        let stored = ledger
            .append(&production, written.last(), &draft(number, &text))
            .unwrap();
        assert_eq!(stored.record.seq, number);
        assert_eq!(
            stored.record.prev,
            written.last().map(|before| before.hash.clone())
        );
        assert_eq!(stored.record.body["a"], text);
        assert_eq!(ledger.head(&production).unwrap(), Some(stored.clone()));
        written.push(stored);
    }
    for stored in &written {
        assert_eq!(
            ledger.read(&production, stored.record.seq).unwrap().as_ref(),
            Some(stored)
        );
    }
    assert_eq!(ledger.read(&production, 20).unwrap(), None);
    let nonces: BTreeSet<&str> = written
        .iter()
        .map(|stored| stored.record.nonce.as_str())
        .collect();
    assert_eq!(nonces.len(), written.len());
}

fn wrong_places_are_refused(ledger: &dyn Ledger) {
    let production = name("production");
    let first = ledger.append(&production, None, &draft(5, "first")).unwrap();
    assert_eq!(
        kind(ledger.append(&production, None, &draft(5, "again"))),
        ErrorKind::Conflict
    );
    assert_eq!(
        kind(ledger.append(&production, Some(&first), &draft(4, "stale"))),
        ErrorKind::Denied
    );
    let second = ledger
        .append(&production, Some(&first), &draft(5, "second"))
        .unwrap();
    assert_eq!(
        kind(ledger.append(&production, Some(&first), &draft(9, "late"))),
        ErrorKind::Conflict
    );
    let mut forged = second.clone();
    forged.hash = first.hash.clone();
    assert_eq!(
        kind(ledger.append(&production, Some(&forged), &draft(9, "x"))),
        ErrorKind::Conflict
    );
    forged.record.seq = 7;
    assert_eq!(
        kind(ledger.append(&production, Some(&forged), &draft(9, "x"))),
        ErrorKind::Missing
    );
    assert_eq!(ledger.head(&production).unwrap(), Some(second.clone()));
    let huge = draft(9, &"x".repeat(4 * 1024 * 1024));
    assert_eq!(
        kind(ledger.append(&production, Some(&second), &huge)),
        ErrorKind::Invalid
    );
}

fn environments_are_apart(ledger: &dyn Ledger) {
    assert_eq!(ledger.environments().unwrap(), []);
    for text in ["staging", "locks", "head"] {
        ledger.append(&name(text), None, &draft(1, text)).unwrap();
    }
    let names = ["head", "locks", "staging"].map(name);
    assert_eq!(ledger.environments().unwrap(), names);
    assert_eq!(ledger.head(&name("production")).unwrap(), None);
    assert_eq!(
        ledger.head(&name("locks")).unwrap().unwrap().record.body["a"],
        "locks"
    );
}

/// `writers` threads append `each` records to one chain; every append that succeeded is there, once,
/// and nothing else is.
pub fn race(ledger: &dyn Ledger, writers: usize, each: usize) {
    let production = name("production");
    let mut won: Vec<(u64, String)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| scope.spawn(move || write(ledger, writer, each)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    won.sort_unstable();
    let places: Vec<u64> = won.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(places, (0..(writers * each) as u64).collect::<Vec<_>>());
    for (seq, text) in won {
        let stored = ledger.read(&production, seq).unwrap().unwrap();
        assert_eq!(stored.record.body["a"], text);
    }
    assert_eq!(
        ledger.head(&production).unwrap().unwrap().record.seq + 1,
        (writers * each) as u64
    );
}

/// Appends `each` records as `writer`, giving way to others; the places it got and what it wrote.
pub fn write(ledger: &dyn Ledger, writer: usize, each: usize) -> Vec<(u64, String)> {
    let production = name("production");
    let mut newest = ledger.head(&production).unwrap();
    let mut won = Vec::with_capacity(each);
    while won.len() < each {
        let text = format!("{writer}/{}", won.len());
        match ledger.append(&production, newest.as_ref(), &draft(1, &text)) {
            Ok(stored) => {
                won.push((stored.record.seq, text));
                newest = Some(stored);
            }
            Err(error) if error.kind == ErrorKind::Conflict => newest = ledger.head(&production).unwrap(),
            Err(error) => panic!("{error}"),
        }
    }
    won
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_in_memory_keeps_the_contract() {
        contract(MemoryLedger::default);
    }

    #[test]
    fn faults_strike_the_append_they_are_meant_for_and_may_land() {
        let ledger = MemoryLedger::default();
        let production = name("production");
        for (append, landed) in [(0, false), (1, true)] {
            ledger.fail(LedgerFault {
                append,
                kind: ErrorKind::Ambiguous,
                landed,
            });
            assert_eq!(
                kind(ledger.append(&production, None, &draft(1, "x"))),
                ErrorKind::Ambiguous
            );
            assert_eq!(ledger.records(&production).len(), usize::from(landed));
        }
        assert_eq!(
            kind(ledger.append(&production, None, &draft(1, "x"))),
            ErrorKind::Conflict
        );
        let future = Draft {
            refs: [("open".to_owned(), 2)].into(),
            ..draft(1, "x")
        };
        let head = ledger.head(&production).unwrap();
        assert_eq!(
            kind(ledger.append(&production, head.as_ref(), &future)),
            ErrorKind::Invalid
        );
    }
}

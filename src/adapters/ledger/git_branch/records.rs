//! The records on the branch: read from this clone, appended by a push that is not forced.

use super::tree::Chain;
use super::{Fresh, GitBranch};
use crate::adapters::ledger::directory::file_name;
use crate::adapters::ledger::head_mark;
use crate::adapters::ledger::head_mark::HeadMark;
use crate::adapters::ledger::raw::{RawChain, RawLedger};
use crate::adapters::ledger::record::{LARGEST, decode, encode};
use crate::domain::model::{CommitId, Digest, Draft, EnvironmentName, ErrorKind, PortError, Stored};
use crate::host::git::{Committed, Published, Update};
use crate::host::random;
use crate::ports::Ledger;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a record is put on a newer tip because another environment's was first.
const MOST_TRIES: u32 = 50;
/// How often a push of which nothing is known is made again, once it is known not to have landed yet.
const MOST_UNKNOWN: u32 = 3;
/// How long a push of a few kilobytes may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest head mark that is read, in bytes.
const MARK: u64 = 4096;

/// What this process knows of the branch.
#[derive(Debug, Default)]
struct State {
    tip: Option<CommitId>,
    /// Whether `tip` was ever looked up.
    known: bool,
    /// Chains of `tip` that were needed so far.
    chains: BTreeMap<EnvironmentName, Chain>,
}

/// A ledger on a git branch.
#[derive(Debug)]
pub struct GitLedger {
    branch: Arc<GitBranch>,
    state: Mutex<State>,
}

/// What stands where a record is to go.
enum Standing {
    Free,
    /// The very record: an earlier try got through.
    Own,
    Taken,
    /// The record before it is not what the writer thinks.
    Other,
    /// The record before it is not there.
    Absent,
}

impl GitLedger {
    /// The ledger on `branch`, which is created with the first record.
    pub fn open(branch: Arc<GitBranch>) -> Self {
        Self {
            branch,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the remote holds now.
    fn refresh(&self, state: &mut State, fresh: Fresh) -> Result<(), PortError> {
        let seen = self.branch.look(fresh)?;
        self.branch.not_built_upon(&seen)?;
        if seen.tip != state.tip {
            state.chains.clear();
            state.tip = seen.tip;
        }
        state.known = true;
        Ok(())
    }

    fn chain<'a>(
        &self,
        state: &'a mut State,
        environment: &EnvironmentName,
    ) -> Result<&'a mut Chain, PortError> {
        if !state.chains.contains_key(environment) {
            let chain = match &state.tip {
                Some(tip) => self.branch.chain(tip, environment)?,
                None => Chain::default(),
            };
            state.chains.insert(environment.clone(), chain);
        }
        Ok(state.chains.entry(environment.clone()).or_default())
    }

    fn stored(
        &self,
        environment: &EnvironmentName,
        chain: &Chain,
        seq: u64,
    ) -> Result<Option<Stored>, PortError> {
        let Some(id) = chain.records.get(&seq) else {
            return Ok(None);
        };
        let bytes = self.branch.file(id, LARGEST)?;
        decode(environment, seq, &bytes).map(Some)
    }

    fn mark(&self, chain: &Chain) -> Result<Option<HeadMark>, PortError> {
        let Some(id) = &chain.mark else {
            return Ok(None);
        };
        Ok(HeadMark::decode(&self.branch.file(id, MARK)?))
    }

    /// What stands at the place of `mine`, by what is known.
    fn standing(
        &self,
        state: &mut State,
        after: Option<&Stored>,
        mine: &Stored,
    ) -> Result<Standing, PortError> {
        let chain = self.chain(state, &mine.record.environment)?;
        let hash = |id: &String| self.branch.file(id, LARGEST).map(|bytes| Digest::of(&bytes));
        if let Some(id) = chain.records.get(&mine.record.seq) {
            let own = hash(id)? == mine.hash;
            return Ok(if own { Standing::Own } else { Standing::Taken });
        }
        let Some(after) = after else {
            return Ok(Standing::Free);
        };
        match chain.records.get(&after.record.seq) {
            None => Ok(Standing::Absent),
            Some(id) if hash(id)? == after.hash => Ok(Standing::Free),
            Some(_) => Ok(Standing::Other),
        }
    }

    /// The commit that puts `mine` on the tip.
    fn commit(&self, state: &State, mine: &Stored, bytes: &[u8]) -> Result<Committed, PortError> {
        let record = &mine.record;
        let mark = HeadMark {
            seq: record.seq,
            hash: mine.hash.clone(),
        };
        let mark = mark
            .encode()
            .map_err(|error| PortError::new(ErrorKind::Invalid, "writing the head mark", &error))?;
        let files = [
            (
                &*format!("{}/{}", record.environment, file_name(record.seq)),
                bytes,
            ),
            (
                &*format!("{}/{}", record.environment, head_mark::FILE),
                mark.as_slice(),
            ),
        ];
        // The kind is greenroom's own word; the rest is made of names. CI systems start nothing for such a
        // commit (GitHub, GitLab).
        let of = record
            .deployment
            .as_ref()
            .map(|id| format!(" of {id}"))
            .unwrap_or_default();
        let kind: String = record.kind.chars().filter(|c| !c.is_control()).take(40).collect();
        let message = format!("{} {}: {kind}{of}\n\n[skip ci]\n", record.environment, record.seq);
        self.branch
            .store
            .commit(state.tip.as_ref(), &files, &message, record.at)
    }

    /// What landed becomes what is known.
    fn landed(&self, state: &mut State, mine: &Stored, committed: Committed) -> Result<(), PortError> {
        let chain = self.chain(state, &mine.record.environment)?;
        let mut files = committed.files.into_iter();
        if let Some(id) = files.next() {
            chain.records.insert(mine.record.seq, id);
        }
        chain.mark = files.next();
        self.branch.advanced(&committed.id);
        state.tip = Some(committed.id);
        Ok(())
    }

    /// Pushes `mine` until it stands or cannot.
    fn claim(
        &self,
        state: &mut State,
        after: Option<&Stored>,
        mine: &Stored,
        bytes: &[u8],
    ) -> Result<(), PortError> {
        let record = &mine.record;
        let doing = format!(
            "appending record {} to the ledger of {}",
            record.seq, record.environment
        );
        let error = |kind, cause: &str| PortError::new(kind, doing.as_str(), cause);
        let mut unknown: Vec<PortError> = Vec::new();
        // What was fetched before this began may be behind.
        let mut fetched = false;
        for _ in 0..MOST_TRIES {
            match self.standing(state, after, mine)? {
                Standing::Free => {}
                Standing::Own => return Ok(()),
                Standing::Taken => return Err(error(ErrorKind::Conflict, "another writer got this place")),
                Standing::Other => {
                    return Err(error(ErrorKind::Conflict, "another record stands before it"));
                }
                Standing::Absent if fetched => {
                    return Err(error(ErrorKind::Missing, "there is no such record"));
                }
                Standing::Absent => {
                    fetched = true;
                    self.refresh(state, Fresh::Now)?;
                    continue;
                }
            }
            let committed = self.commit(state, mine, bytes)?;
            let update = Update {
                name: &self.branch.branch_ref(),
                new: &committed.id,
                old: state.tip.as_ref(),
                replace: false,
                patience: PATIENCE,
            };
            match self.branch.publish(&update) {
                Published::Landed => return self.landed(state, mine, committed),
                Published::Refused(words) => return Err(self.branch.refused(&doing, &words)),
                Published::Moved => {}
                Published::Unknown(error) => unknown.push(error),
            }
            fetched = true;
            let settled = self.refresh(state, Fresh::Now);
            if let Some(cause) = unknown.last()
                && (settled.is_err() || unknown.len() as u32 >= MOST_UNKNOWN)
            {
                // Should it have landed after all, the next look shows it.
                return match self.standing(state, after, mine) {
                    Ok(Standing::Own) if settled.is_ok() => Ok(()),
                    _ => Err(PortError::new(
                        ErrorKind::Ambiguous,
                        doing.as_str(),
                        cause.why.clone(),
                    )),
                };
            }
            settled?;
        }
        Err(error(
            ErrorKind::Transient,
            "other environments' records were always first",
        )
        .fix("try again"))
    }
}

impl Ledger for GitLedger {
    fn environments(&self) -> Result<Vec<EnvironmentName>, PortError> {
        let seen = self.branch.look(Fresh::Lately)?;
        // Where the branch was rewritten, those that an audit has to look at are not all on it.
        let known = seen.known.filter(|_| seen.rewritten.is_some());
        let mut found = Vec::new();
        for commit in [seen.tip, known].into_iter().flatten() {
            found.extend(self.branch.environments(&commit)?);
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn head(&self, environment: &EnvironmentName) -> Result<Option<Stored>, PortError> {
        let mut state = self.state();
        self.refresh(&mut state, Fresh::Lately)?;
        let chain = self.chain(&mut state, environment)?;
        let last = chain.records.keys().next_back().copied();
        if let Some(mark) = self.mark(chain)? {
            let wrong = match self.stored(environment, chain, mark.seq)? {
                Some(stored) if stored.hash == mark.hash && last == Some(mark.seq) => {
                    return Ok(Some(stored));
                }
                Some(stored) if stored.hash == mark.hash => None,
                Some(_) => Some("altered since it was written"),
                None => Some("gone"),
            };
            if let Some(wrong) = wrong {
                return Err(PortError::new(
                    ErrorKind::Invalid,
                    format!("finding the newest record of {environment}"),
                    format!("record {} was the newest and is {wrong}", mark.seq),
                )
                .fix(format!(
                    "see `greenroom audit verify`, then restore {} from an older commit of it",
                    self.branch.place()
                )));
            }
        }
        last.map_or(Ok(None), |seq| self.stored(environment, chain, seq))
    }

    fn read(&self, environment: &EnvironmentName, seq: u64) -> Result<Option<Stored>, PortError> {
        let mut state = self.state();
        if !state.known {
            self.refresh(&mut state, Fresh::Lately)?;
        }
        if !self.chain(&mut state, environment)?.records.contains_key(&seq) {
            self.refresh(&mut state, Fresh::Now)?;
        }
        let chain = self.chain(&mut state, environment)?;
        self.stored(environment, chain, seq)
    }

    fn append(
        &self,
        environment: &EnvironmentName,
        after: Option<&Stored>,
        draft: &Draft,
    ) -> Result<Stored, PortError> {
        let nonce = random::hex(16)
            .map_err(|error| PortError::new(ErrorKind::Transient, "appending to the ledger", &error))?;
        let (stored, bytes) = encode(environment, after, draft, nonce)?;
        let mut state = self.state();
        if !state.known {
            self.refresh(&mut state, Fresh::Lately)?;
        }
        let appended = self.claim(&mut state, after, &stored, &bytes);
        if appended.is_err() {
            self.branch.forget();
        }
        appended.map(|()| stored)
    }
}

impl RawLedger for GitLedger {
    fn raw(&self, environment: &EnvironmentName) -> Result<RawChain<'_>, PortError> {
        let seen = self.branch.look(Fresh::Lately)?;
        let of = |commit: Option<&CommitId>| {
            let chain = commit.map(|commit| self.branch.chain(commit, environment));
            chain.transpose().map(Option::unwrap_or_default)
        };
        let chain = of(seen.tip.as_ref())?;
        // What was seen before vouches for the end of a branch that was rewritten.
        let known = seen.known.as_ref().filter(|_| seen.rewritten.is_some());
        let mark = match known {
            Some(known) => self.mark(&of(Some(known))?)?,
            None => None,
        };
        let mark = match mark {
            Some(mark) => Some(mark),
            None => self.mark(&chain)?,
        };
        let records = chain.records.into_iter().map(|(seq, id)| {
            let bytes = self
                .branch
                .file(&id, LARGEST)
                .map_err(|error| error.why.to_string());
            (seq, bytes)
        });
        Ok(RawChain {
            records: Box::new(records),
            head: mark.map(|mark| (mark.seq, mark.hash)),
            strangers: chain.strangers,
            rewritten: seen.rewritten,
        })
    }
}

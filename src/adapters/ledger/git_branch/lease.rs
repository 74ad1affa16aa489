//! Leases as refs beside the branch: `refs/greenroom/lease/<environment>/<branch>`, each a commit without
//! a past that holds `lease.json`.
//!
//! A ref is replaced only if it is still what it was when it was read (`--force-with-lease`), which is all
//! that a lease needs; what it pointed at before is garbage. A lease that is given back stays as a ref that
//! says so: its epoch goes on from there. Where somebody deleted the ref, it goes on from the newest record.

use super::{Fresh, GitBranch};
use crate::adapters::ledger::lease::entry::{Entry, Place, State};
use crate::adapters::ledger::lease::{LARGEST, as_held, encode};
use crate::adapters::ledger::record;
use crate::adapters::ledger::record::decode;
use crate::domain::model::{
    CommitId, EnvironmentName, ErrorKind, Explanation, Held, Holder, Period, PortError, Tenure,
};
use crate::host::git::{Published, Update};
use crate::host::random;
use crate::ports::{Clock, Lease};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The one file of a lease.
const FILE: &str = "lease.json";
/// How long a push may take: short enough that a renewal can be tried again before time is up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Leases on the remote. A holder that dies on this machine is noticed at once; one elsewhere when its
/// lease expires, by clocks that may be 10 s apart.
pub struct GitLease {
    branch: Arc<GitBranch>,
    clock: Arc<dyn Clock>,
    /// Where the leases that this process holds stand, by nonce: to renew one takes a push and no fetch.
    own: Mutex<BTreeMap<String, (CommitId, Entry)>>,
}

impl GitLease {
    /// The leases beside `branch`.
    pub fn open(branch: Arc<GitBranch>, clock: Arc<dyn Clock>) -> Self {
        Self {
            branch,
            clock,
            own: Mutex::default(),
        }
    }

    fn own(&self) -> MutexGuard<'_, BTreeMap<String, (CommitId, Entry)>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lease as the remote holds it: where it stands and what it says.
    fn find(
        &self,
        environment: &EnvironmentName,
        fresh: Fresh,
    ) -> Result<Option<(CommitId, Entry)>, PortError> {
        let seen = self.branch.look(fresh)?;
        let Some(id) = seen.leases.get(environment.as_str()) else {
            return Ok(None);
        };
        let bytes = self.branch.file(&format!("{id}:{FILE}"), LARGEST)?;
        let entry = serde_json::from_slice(&bytes).map_err(|error| {
            let name = self.branch.lease_ref(environment.as_str());
            let delete = match self.branch.store.remote() {
                Some(remote) => format!("git push {remote} :{name}"),
                None => format!("git update-ref -d {name}"),
            };
            PortError::new(
                ErrorKind::Invalid,
                format!("reading the lease of {environment}"),
                format!("{name} is damaged"),
            )
            .because(&error)
            .fix(format!("when no rollout is running, delete it: {delete}"))
        })?;
        Ok(Some((id.clone(), entry)))
    }

    /// Puts `entry` in the place of what stands at `old`.
    fn replace(
        &self,
        environment: &EnvironmentName,
        old: Option<&CommitId>,
        entry: &Entry,
        doing: &str,
    ) -> Result<Replaced, PortError> {
        let bytes = encode(doing, entry)?;
        let message = match entry.state {
            State::Held => format!("{environment}: lease {}, held\n", entry.epoch),
            State::Free => format!("{environment}: lease {}, free\n", entry.epoch),
        };
        let at = self.clock.now();
        let committed = self.branch.store.commit(None, &[(FILE, &bytes)], &message, at)?;
        let update = Update {
            name: &self.branch.lease_ref(environment.as_str()),
            new: &committed.id,
            old,
            replace: true,
            patience: PATIENCE,
        };
        let published = self.branch.publish(&update);
        self.branch.forget();
        match published {
            Published::Landed => Ok(Replaced::Stands(committed.id)),
            Published::Moved => Ok(Replaced::Moved),
            Published::Refused(words) => Err(self.branch.refused(doing, &words)),
            Published::Unknown(error) => {
                let there = self.branch.look(Fresh::Now)?;
                match there.leases.get(environment.as_str()) {
                    Some(id) if *id == committed.id => Ok(Replaced::Stands(committed.id)),
                    _ => Err(PortError {
                        doing: doing.to_owned(),
                        ..error
                    }),
                }
            }
        }
    }

    /// The lease that `held` stands for, while it is the one in force; looked up where that is `needed`.
    fn mine(
        &self,
        environment: &EnvironmentName,
        held: &Held,
        needed: bool,
    ) -> Result<Option<(CommitId, Entry)>, PortError> {
        if !needed && let Some(own) = self.own().get(&held.nonce) {
            return Ok(Some(own.clone()));
        }
        let found = self.find(environment, Fresh::Now)?;
        Ok(found.filter(|(_, entry)| {
            entry.epoch == held.epoch && entry.nonce == held.nonce && entry.state == State::Held
        }))
    }

    /// Replaces the lease that `held` stands for by what `change` makes of it; `None` when it was lost.
    fn change(
        &self,
        environment: &EnvironmentName,
        held: &Held,
        doing: &str,
        change: impl Fn(&mut Entry),
    ) -> Result<Option<Entry>, PortError> {
        // An earlier push of which nothing was known may have moved it: the second time it is looked up.
        for needed in [false, true] {
            let Some((old, mut entry)) = self.mine(environment, held, needed)? else {
                break;
            };
            change(&mut entry);
            if let Replaced::Stands(id) = self.replace(environment, Some(&old), &entry, doing)? {
                self.own().insert(held.nonce.clone(), (id, entry.clone()));
                return Ok(Some(entry));
            }
        }
        self.own().remove(&held.nonce);
        Ok(None)
    }

    /// The epoch of the newest record, for a lease whose ref is gone.
    fn recorded(&self, environment: &EnvironmentName) -> Result<u64, PortError> {
        let Some(tip) = self.branch.look(Fresh::Lately)?.tip else {
            return Ok(0);
        };
        let chain = self.branch.chain(&tip, environment)?;
        let Some((seq, id)) = chain.records.last_key_value() else {
            return Ok(0);
        };
        let bytes = self.branch.file(id, record::LARGEST)?;
        Ok(decode(environment, *seq, &bytes)?.record.epoch)
    }
}

/// What became of a lease that was to be replaced.
enum Replaced {
    /// It stands here.
    Stands(CommitId),
    /// Somebody else was first.
    Moved,
}

impl Lease for GitLease {
    fn acquire(
        &self,
        environment: &EnvironmentName,
        holder: &Holder,
        ttl: Period,
    ) -> Result<Held, PortError> {
        let doing = format!("acquiring the lease of {environment}");
        let busy = |cause: Explanation| PortError::new(ErrorKind::Conflict, doing.as_str(), cause);
        let local = |error: std::io::Error| PortError::new(ErrorKind::Transient, doing.as_str(), &error);
        let place = Place::current().map_err(local)?;
        let found = self.find(environment, Fresh::Now)?;
        let now = self.clock.now();
        let in_force = |entry: &Entry| entry.is_in_force(&place, now);
        if let Some((_, entry)) = found.as_ref().filter(|(_, entry)| in_force(entry)) {
            return Err(busy(entry.refusal()));
        }
        let before = match &found {
            Some((_, entry)) => entry.epoch,
            None => self.recorded(environment)?,
        };
        let mine = Entry {
            v: 1,
            epoch: before + 1,
            state: State::Held,
            nonce: random::hex(16).map_err(local)?,
            holder: holder.clone(),
            acquired: now,
            expires: now.plus(ttl),
            place: place.clone(),
        };
        let old = found.as_ref().map(|(id, _)| id);
        if let Replaced::Stands(id) = self.replace(environment, old, &mine, &doing)? {
            let held = as_held(&mine);
            self.own().insert(mine.nonce.clone(), (id, mine));
            return Ok(held);
        }
        let other = self
            .find(environment, Fresh::Now)?
            .filter(|(_, entry)| in_force(entry));
        Err(busy(other.map_or_else(
            || "another took or renewed it at the same moment".into(),
            |(_, entry)| entry.refusal(),
        )))
    }

    fn renew(&self, environment: &EnvironmentName, held: &Held, ttl: Period) -> Result<Held, PortError> {
        let doing = format!("renewing the lease of {environment}");
        let expires = self.clock.now().plus(ttl);
        let renewed = self.change(environment, held, &doing, |entry| entry.expires = expires)?;
        renewed.map(|entry| as_held(&entry)).ok_or_else(|| {
            let cause = format!("it was lost: epoch {} is no longer the one in force", held.epoch);
            PortError::new(ErrorKind::Conflict, doing, cause)
        })
    }

    fn release(&self, environment: &EnvironmentName, held: &Held) -> Result<(), PortError> {
        let doing = format!("giving back the lease of {environment}");
        self.change(environment, held, &doing, |entry| entry.state = State::Free)?;
        self.own().remove(&held.nonce);
        Ok(())
    }

    fn holder(&self, environment: &EnvironmentName) -> Result<Option<Tenure>, PortError> {
        let doing = format!("reading the lease of {environment}");
        let place = Place::current().map_err(|error| PortError::new(ErrorKind::Transient, doing, &error))?;
        let now = self.clock.now();
        let found = self.find(environment, Fresh::Lately)?;
        Ok(found
            .filter(|(_, entry)| entry.is_in_force(&place, now))
            .map(|(_, entry)| entry.tenure()))
    }
}

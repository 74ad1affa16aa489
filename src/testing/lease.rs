//! The contract of [`Lease`], and a lease in memory that keeps it to the letter.
#![expect(clippy::unwrap_used, reason = "a contract that is not kept ends the test")]

use super::clock::FakeClock;
use crate::domain::model::{EnvironmentName, ErrorKind, Held, Holder, Period, PortError, Tenure};
use crate::engine::LeaseKeeper;
use crate::ports::{Clock, Lease};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// One lease in memory; it is kept when free, for its epoch.
#[derive(Debug)]
struct Slip {
    nonce: String,
    tenure: Tenure,
    free: bool,
}

/// A lease in memory, on a clock that stands still.
pub struct MemoryLease {
    clock: Arc<dyn Clock>,
    slips: Mutex<BTreeMap<EnvironmentName, Slip>>,
}

impl MemoryLease {
    /// Free leases.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            slips: Mutex::default(),
        }
    }

    /// Ends the lease as if its holder had died.
    pub fn bury(&self, environment: &EnvironmentName) {
        if let Some(slip) = self.slips().get_mut(environment) {
            slip.free = true;
        }
    }

    fn slips(&self) -> MutexGuard<'_, BTreeMap<EnvironmentName, Slip>> {
        self.slips.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn conflict<T>(cause: &str) -> Result<T, PortError> {
        Err(PortError::new(ErrorKind::Conflict, "leasing in memory", cause))
    }
}

/// Returns a lease in memory on `environment` that is kept for ten minutes, as a deployment keeps its own.
///
/// # Panics
/// Never: the lease is free.
pub fn kept_lease(environment: &EnvironmentName) -> LeaseKeeper {
    let lease = Arc::new(MemoryLease::new(Arc::new(FakeClock::default())));
    let ttl = Period::from_secs(600);
    let holder = Holder {
        who: "a test".into(),
        run: None,
        purpose: "deploying".into(),
    };
    let held = lease.acquire(environment, &holder, ttl).unwrap();
    LeaseKeeper::keep(lease, environment.clone(), held, ttl)
}

impl Lease for MemoryLease {
    fn acquire(
        &self,
        environment: &EnvironmentName,
        holder: &Holder,
        ttl: Period,
    ) -> Result<Held, PortError> {
        let now = self.clock.now();
        let mut slips = self.slips();
        let before = slips.get(environment);
        if let Some(slip) = before.filter(|slip| !slip.free && now < slip.tenure.expires) {
            let Holder { who, run, purpose } = &slip.tenure.holder;
            let (since, until) = (slip.tenure.acquired.human(), slip.tenure.expires.human());
            let run = run.as_deref().unwrap_or("no run");
            return Self::conflict(&format!(
                "{who} ({run}) for {purpose}, since {since}, until {until}"
            ));
        }
        let epoch = before.map_or(0, |slip| slip.tenure.epoch) + 1;
        let tenure = Tenure {
            holder: holder.clone(),
            epoch,
            acquired: now,
            expires: now.plus(ttl),
        };
        let held = Held {
            epoch,
            nonce: format!("{epoch:032x}"),
            expires: tenure.expires,
        };
        let slip = Slip {
            nonce: held.nonce.clone(),
            tenure,
            free: false,
        };
        slips.insert(environment.clone(), slip);
        Ok(held)
    }

    fn renew(&self, environment: &EnvironmentName, held: &Held, ttl: Period) -> Result<Held, PortError> {
        let mut slips = self.slips();
        match slips.get_mut(environment) {
            Some(slip) if slip.nonce == held.nonce && !slip.free => {
                slip.tenure.expires = self.clock.now().plus(ttl);
                Ok(Held {
                    expires: slip.tenure.expires,
                    ..held.clone()
                })
            }
            _ => Self::conflict("it was lost"),
        }
    }

    fn release(&self, environment: &EnvironmentName, held: &Held) -> Result<(), PortError> {
        if let Some(slip) = self
            .slips()
            .get_mut(environment)
            .filter(|slip| slip.nonce == held.nonce)
        {
            slip.free = true;
        }
        Ok(())
    }

    fn holder(&self, environment: &EnvironmentName) -> Result<Option<Tenure>, PortError> {
        let now = self.clock.now();
        let slips = self.slips();
        let slip = slips
            .get(environment)
            .filter(|slip| !slip.free && now < slip.tenure.expires);
        Ok(slip.map(|slip| slip.tenure.clone()))
    }
}

const TTL: Period = Period::from_secs(60);

fn holder(who: &str) -> Holder {
    Holder {
        who: who.to_owned(),
        run: Some("https://ci.example/runs/7".to_owned()),
        purpose: "deploying 1.2.3".to_owned(),
    }
}

/// What every lease keeps, on free ones made by `make` with the given clock.
pub fn contract<L: Lease>(make: impl Fn(Arc<FakeClock>) -> L) {
    let with = |check: fn(&dyn Lease, &FakeClock, &EnvironmentName)| {
        let clock = Arc::new(FakeClock::default());
        check(&make(Arc::clone(&clock)), &clock, &"production".parse().unwrap());
    };
    with(one_holder_at_a_time);
    with(expiry_and_renewal);
    with(of_many_one_wins);
}

fn one_holder_at_a_time(lease: &dyn Lease, _clock: &FakeClock, production: &EnvironmentName) {
    assert_eq!(lease.holder(production).unwrap(), None);
    let first = lease.acquire(production, &holder("ann"), TTL).unwrap();
    let refusal = lease.acquire(production, &holder("bob"), TTL).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::Conflict);
    for part in [
        "ann",
        "https://ci.example/runs/7",
        "deploying 1.2.3",
        "2026-11-20 12:00:00 UTC",
        "2026-11-20 12:01:00 UTC",
    ] {
        assert!(refusal.why.message.contains(part), "{part} in {refusal}");
    }
    let staging = "staging".parse().unwrap();
    lease.acquire(&staging, &holder("bob"), TTL).unwrap();
    assert_eq!(lease.holder(production).unwrap().unwrap().holder, holder("ann"));
    lease.release(production, &first).unwrap();
    assert_eq!(lease.holder(production).unwrap(), None);
    let second = lease.acquire(production, &holder("bob"), TTL).unwrap();
    assert!(second.epoch > first.epoch);
    lease.release(production, &first).unwrap();
    assert_eq!(
        lease.renew(production, &first, TTL).unwrap_err().kind,
        ErrorKind::Conflict
    );
    assert_eq!(lease.holder(production).unwrap().unwrap().epoch, second.epoch);
}

fn expiry_and_renewal(lease: &dyn Lease, clock: &FakeClock, production: &EnvironmentName) {
    let first = lease.acquire(production, &holder("ann"), TTL).unwrap();
    clock.advance(Duration::from_secs(50));
    let renewed = lease.renew(production, &first, TTL).unwrap();
    assert_eq!(renewed.epoch, first.epoch);
    assert_eq!(renewed.expires, clock.now().plus(TTL));
    clock.advance(Duration::from_secs(50));
    assert!(lease.acquire(production, &holder("bob"), TTL).is_err());
    clock.advance(Duration::from_secs(60));
    assert_eq!(lease.holder(production).unwrap(), None);
    let second = lease.acquire(production, &holder("bob"), TTL).unwrap();
    assert!(second.epoch > first.epoch);
    assert_eq!(
        lease.renew(production, &renewed, TTL).unwrap_err().kind,
        ErrorKind::Conflict
    );
    lease.release(production, &second).unwrap();
    assert_eq!(
        lease.renew(production, &second, TTL).unwrap_err().kind,
        ErrorKind::Conflict
    );
}

fn of_many_one_wins(lease: &dyn Lease, clock: &FakeClock, production: &EnvironmentName) {
    let mut epoch = 0;
    for _ in 0..20 {
        let won: Vec<Held> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| lease.acquire(production, &holder("one of many"), TTL)))
                .collect();
            let results = threads.into_iter().map(|thread| thread.join().unwrap());
            results
                .filter_map(|result| match result {
                    Ok(held) => Some(held),
                    Err(error) => {
                        assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
                        None
                    }
                })
                .collect()
        });
        assert_eq!(won.len(), 1);
        assert!(won[0].epoch > epoch);
        epoch = won[0].epoch;
        clock.advance(Duration::from_secs(120));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lease_in_memory_keeps_the_contract() {
        contract(|clock| MemoryLease::new(clock));
    }
}

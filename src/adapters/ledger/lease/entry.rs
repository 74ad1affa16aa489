//! One acquisition of a lease, as it is stored.

use crate::domain::model::{Explanation, Holder, Period, Tenure, Timestamp};
use crate::host::process::ProcessIdentity;

use serde::{Deserialize, Serialize};
use std::{fs, io};

/// How far the clocks of two machines may be apart, in seconds: another machine's lease counts as
/// expired only this much later.
const CLOCK_MARGIN: Period = Period::from_secs(10);

/// Whether an acquisition is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::adapters::ledger) enum State {
    /// By its holder, until it expires.
    Held,
    /// It was given back.
    Free,
}

/// Where the holder runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::adapters::ledger) struct Place {
    /// For people.
    host: String,
    /// Process ids mean something only within one namespace (`/proc/self/ns/pid`): containers of one
    /// machine share its boot id and not its processes.
    namespace: String,
    /// The process.
    process: ProcessIdentity,
}

impl Place {
    /// Where this process runs.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(in crate::adapters::ledger) fn current() -> io::Result<Self> {
        Ok(Self {
            host: fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned(),
            namespace: fs::read_link("/proc/self/ns/pid")?.to_string_lossy().into_owned(),
            process: ProcessIdentity::current()?,
        })
    }

    /// Whether processes there can be seen from `here`.
    fn is_in_sight_of(&self, here: &Self) -> bool {
        self.process.boot == here.process.boot && self.namespace == here.namespace
    }
}

/// One acquisition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::adapters::ledger) struct Entry {
    /// Format version, 1.
    pub(in crate::adapters::ledger) v: u32,
    /// Also the name of the file.
    pub(in crate::adapters::ledger) epoch: u64,
    /// Whether it is in force.
    pub(in crate::adapters::ledger) state: State,
    /// Marks this acquisition.
    pub(in crate::adapters::ledger) nonce: String,
    /// Who.
    pub(in crate::adapters::ledger) holder: Holder,
    /// Since when.
    pub(in crate::adapters::ledger) acquired: Timestamp,
    /// Until when.
    pub(in crate::adapters::ledger) expires: Timestamp,
    /// Where the holder runs.
    pub(in crate::adapters::ledger) place: Place,
}

impl Entry {
    /// Whether it keeps others waiting, seen from `here` at `now`.
    pub(in crate::adapters::ledger) fn is_in_force(&self, here: &Place, now: Timestamp) -> bool {
        if self.state == State::Free {
            return false;
        }
        let seen = self.place.is_in_sight_of(here);
        if seen && !self.place.process.is_alive() {
            return false;
        }
        // Within one boot there is one clock.
        let margin = if self.place.process.boot == here.process.boot {
            Period::ZERO
        } else {
            CLOCK_MARGIN
        };
        now < self.expires.plus(margin)
    }

    pub(in crate::adapters::ledger) fn tenure(&self) -> Tenure {
        Tenure {
            holder: self.holder.clone(),
            epoch: self.epoch,
            acquired: self.acquired,
            expires: self.expires,
        }
    }

    /// Who keeps others waiting, for the one who waits.
    pub(in crate::adapters::ledger) fn refusal(&self) -> Explanation {
        let Holder { who, run, purpose } = &self.holder;
        let run = run.as_ref().map(|run| format!(" ({run})")).unwrap_or_default();
        Explanation::new(format!(
            "{who}{run} holds it on {} for {purpose}, since {}, until {}",
            self.place.host,
            self.acquired.human(),
            self.expires.human()
        ))
        .fix("wait for it to end, or stop it first")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(place: Place) -> Entry {
        Entry {
            v: 1,
            epoch: 3,
            state: State::Held,
            nonce: "n".into(),
            holder: Holder {
                who: "ann".into(),
                run: Some("https://ci.example/7".into()),
                purpose: "deploying 1.2.3".into(),
            },
            acquired: Timestamp::from_unix_millis(0),
            expires: Timestamp::from_unix_millis(60_000),
            place,
        }
    }

    #[test]
    fn a_lease_is_in_force_until_it_expires_is_freed_or_its_process_is_seen_to_be_dead() {
        let here = Place::current().unwrap();
        let dead = ProcessIdentity {
            started: here.process.started + 1,
            ..here.process.clone()
        };
        let elsewhere = ProcessIdentity {
            boot: "another".into(),
            ..here.process.clone()
        };
        let at = |process: &ProcessIdentity| Place {
            process: process.clone(),
            ..here.clone()
        };
        let boxed = Place {
            namespace: "pid:[1]".into(),
            ..at(&dead)
        };
        // (what, where, seconds, in force)
        let table = [
            ("mine, alive", here.clone(), 59, true),
            ("mine, expired", here.clone(), 60, false),
            ("dead on this machine", at(&dead), 1, false),
            ("in another container: nobody can tell", boxed.clone(), 59, true),
            ("in another container, expired", boxed, 60, false),
            ("on another machine", at(&elsewhere), 59, true),
            ("there, expired within the margin", at(&elsewhere), 69, true),
            ("there, expired beyond it", at(&elsewhere), 70, false),
        ];
        for (what, place, seconds, in_force) in table {
            let now = Timestamp::from_unix_millis(seconds * 1_000);
            assert_eq!(entry(place).is_in_force(&here, now), in_force, "{what}");
        }
        let free = Entry {
            state: State::Free,
            ..entry(here.clone())
        };
        assert!(!free.is_in_force(&here, Timestamp::from_unix_millis(1)));
    }

    #[test]
    fn the_refusal_says_who_where_why_and_how_long() {
        let mut place = Place::current().unwrap();
        place.host = "runner-4".into();
        assert_eq!(
            entry(place).refusal().to_string(),
            "ann (https://ci.example/7) holds it on runner-4 for deploying 1.2.3, since 1970-01-01 00:00:00 \
             UTC, until 1970-01-01 00:01:00 UTC; wait for it to end, or stop it first"
        );
    }
}

//! Leases between clones.

use crate::git_ledger::races::write;
use crate::git_ledger::yard::{Yard, name};
use greenroom::domain::model::{ErrorKind, Holder, Period};
use greenroom::ports::{Clock, Lease, Ledger};
use greenroom::testing::FakeClock;
use greenroom::testing::ledger::draft;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const REF: &str = "refs/greenroom/lease/production/greenroom-ledger";
const TTL: Period = Period::from_secs(120);

fn holder(who: &str) -> Holder {
    Holder {
        who: who.to_owned(),
        run: None,
        purpose: "deploying".to_owned(),
    }
}

#[test]
fn of_sixteen_clones_one_gets_the_lease_and_its_epoch_never_goes_back() {
    let yard = Yard::new();
    let clock = Arc::new(FakeClock::default());
    let production = name("production");
    let leases: Vec<_> = (0..16)
        .map(|clone| {
            yard.clone_with(&format!("clone-{clone}"), &[]);
            yard.lease(&format!("clone-{clone}"), Arc::clone(&clock) as Arc<dyn Clock>)
        })
        .collect();
    for round in 1..=4 {
        let won: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = leases
                .iter()
                .map(|lease| scope.spawn(|| lease.acquire(&production, &holder("one"), TTL)))
                .collect();
            threads
                .into_iter()
                .enumerate()
                .filter_map(|(clone, thread)| match thread.join().unwrap() {
                    Ok(held) => Some((clone, held)),
                    Err(error) => {
                        assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
                        None
                    }
                })
                .collect()
        });
        assert_eq!(won.len(), 1);
        let (clone, held) = &won[0];
        assert_eq!(held.epoch, round);
        for lease in &leases {
            assert_eq!(lease.holder(&production).unwrap().unwrap().epoch, round);
        }
        let renewed = leases[*clone].renew(&production, held, TTL).unwrap();
        // Given back, expired: by turns.
        if round % 2 == 0 {
            leases[*clone].release(&production, &renewed).unwrap();
        } else {
            clock.advance(Duration::from_secs(200));
        }
        // Renewals leave nothing behind.
        assert_eq!(yard.git("remote.git", &["rev-list", "--count", REF]), "1");
    }
    assert_eq!(
        yard.git(
            "remote.git",
            &["for-each-ref", "--format=%(refname)", "refs/greenroom"]
        ),
        REF
    );
}

#[test]
fn one_who_lost_the_lease_learns_it_and_cannot_write() {
    let yard = Yard::new();
    let clock = Arc::new(FakeClock::default());
    let production = name("production");
    let slow_ledger = yard.clone("slow");
    let slow = yard.lease("slow", Arc::clone(&clock) as Arc<dyn Clock>);
    let held = slow.acquire(&production, &holder("slow"), TTL).unwrap();
    let first = slow_ledger
        .append(&production, None, &draft(held.epoch, "slow"))
        .unwrap();
    clock.advance(Duration::from_secs(121));
    let fast_ledger = yard.clone("fast");
    let fast = yard.lease("fast", Arc::clone(&clock) as Arc<dyn Clock>);
    let taken = fast.acquire(&production, &holder("fast"), TTL).unwrap();
    assert_eq!(taken.epoch, held.epoch + 1);
    let head = fast_ledger.head(&production).unwrap();
    fast_ledger
        .append(&production, head.as_ref(), &draft(taken.epoch, "fast"))
        .unwrap();
    assert_eq!(
        slow.renew(&production, &held, TTL).unwrap_err().kind,
        ErrorKind::Conflict
    );
    slow.release(&production, &held).unwrap();
    assert_eq!(fast.holder(&production).unwrap().unwrap().holder.who, "fast");
    let late = slow_ledger
        .append(&production, Some(&first), &draft(held.epoch, "late"))
        .unwrap_err();
    assert_eq!(late.kind, ErrorKind::Conflict);
    let head = slow_ledger.head(&production).unwrap();
    let stale = slow_ledger
        .append(&production, head.as_ref(), &draft(held.epoch, "late"))
        .unwrap_err();
    assert_eq!(stale.kind, ErrorKind::Denied);
}

#[test]
fn a_lease_whose_ref_was_deleted_goes_on_from_the_record() {
    let yard = Yard::new();
    let production = name("production");
    let ledger = yard.clone("clone");
    ledger.append(&production, None, &draft(7, "seventh")).unwrap();
    let lease = yard.lease("clone", Arc::new(FakeClock::default()));
    let held = lease.acquire(&production, &holder("ann"), TTL).unwrap();
    assert_eq!(held.epoch, 8);
    yard.git("remote.git", &["update-ref", "-d", REF]);
    assert_eq!(lease.holder(&production).unwrap(), None);
    assert_eq!(
        lease.renew(&production, &held, TTL).unwrap_err().kind,
        ErrorKind::Conflict
    );
    assert_eq!(lease.acquire(&production, &holder("bob"), TTL).unwrap().epoch, 8);
}

#[test]
fn a_damaged_lease_blocks_until_a_person_deletes_it() {
    let yard = Yard::new();
    let production = name("production");
    write(&yard.clone("clone"), &production, "w", 1);
    let lease = yard.lease("clone", Arc::new(FakeClock::default()));
    let main = yard.git("remote.git", &["rev-parse", "main"]);
    yard.git("remote.git", &["update-ref", REF, &main]);
    let error = lease.acquire(&production, &holder("ann"), TTL).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    yard.write("seed/lease.json", "{\"v\":1,");
    yard.git("seed", &["add", "lease.json"]);
    yard.git("seed", &["commit", "--quiet", "--message", "damage"]);
    yard.git(
        "seed",
        &[
            "push",
            "--quiet",
            "--force",
            "../remote.git",
            &format!("HEAD:{REF}"),
        ],
    );
    let error = lease.acquire(&production, &holder("ann"), TTL).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    assert!(
        error.to_string().contains(&format!("git push origin :{REF}")),
        "{error}"
    );
    yard.git("clone", &["push", "--quiet", "origin", &format!(":{REF}")]);
    assert_eq!(lease.acquire(&production, &holder("ann"), TTL).unwrap().epoch, 2);
}

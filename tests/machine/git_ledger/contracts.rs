//! The contract suites, with a remote and without one.

use crate::git_ledger::yard::{FULL, Yard};
use greenroom::testing::{lease, ledger};
use std::cell::RefCell;

/// The repositories that a suite works in, kept until it is over.
fn yards() -> RefCell<Vec<Yard>> {
    RefCell::new(Vec::new())
}

#[test]
fn the_ledger_keeps_the_contract() {
    let yards = yards();
    ledger::contract(|| {
        let yard = Yard::new();
        let ledger = yard.clone("clone");
        yards.borrow_mut().push(yard);
        ledger
    });
    for yard in yards.borrow().iter() {
        let log = yard.git("remote.git", &["log", "--format=%an <%ae> %P|%s", FULL]);
        // One commit per record, one after the other.
        assert!(
            log.lines()
                .rev()
                .skip(1)
                .all(|line| line.starts_with("greenroom <") && line.contains("> "))
        );
        assert!(!log.lines().any(|line| line.contains("Ada")), "{log}");
    }
}

#[test]
fn the_lease_keeps_the_contract() {
    let yards = yards();
    lease::contract(|clock| {
        let yard = Yard::new();
        yard.clone_with("clone", &[]);
        let lease = yard.lease("clone", clock);
        yards.borrow_mut().push(yard);
        lease
    });
}

#[test]
fn a_repository_without_a_remote_keeps_both_contracts() {
    let yards = yards();
    let alone = || {
        let yard = Yard::new();
        yards.borrow_mut().push(yard);
    };
    ledger::contract(|| {
        alone();
        yards.borrow().last().unwrap().ledger("seed")
    });
    lease::contract(|clock| {
        alone();
        yards.borrow().last().unwrap().lease("seed", clock)
    });
}

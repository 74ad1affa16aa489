//! Clones that write at the same time.

use crate::git_ledger::yard::{Yard, name};
use greenroom::adapters::ledger::GitLedger;
use greenroom::domain::model::{EnvironmentName, ErrorKind};
use greenroom::ports::Ledger;
use greenroom::testing::ledger::draft;
use std::collections::{BTreeMap, BTreeSet};
use std::thread;

/// Appends `each` records, giving way to others; what it wrote.
pub(crate) fn write(
    ledger: &GitLedger,
    environment: &EnvironmentName,
    writer: &str,
    each: usize,
) -> Vec<(u64, String)> {
    let mut newest = ledger.head(environment).unwrap();
    let mut won = Vec::new();
    while won.len() < each {
        let text = format!("{writer}/{}", won.len());
        match ledger.append(environment, newest.as_ref(), &draft(1, &text)) {
            Ok(stored) => {
                won.push((stored.record.seq, text));
                newest = Some(stored);
            }
            Err(error) if error.kind == ErrorKind::Conflict => newest = ledger.head(environment).unwrap(),
            // The engine tries again, too.
            Err(error) if error.kind == ErrorKind::Transient => {}
            Err(error) => panic!("{error}"),
        }
    }
    won
}

/// `clones` clones write `each` records, each to one of `environments`.
fn race(clones: usize, each: usize, environments: &[&str]) {
    let yard = Yard::new();
    for clone in 0..clones {
        yard.clone_with(&format!("clone-{clone}"), &[]);
    }
    let won: Vec<(String, u64, String)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..clones)
            .map(|clone| {
                let (yard, environment) = (&yard, environments[clone % environments.len()]);
                scope.spawn(move || {
                    let ledger = yard.ledger(&format!("clone-{clone}"));
                    let won = write(&ledger, &name(environment), &clone.to_string(), each);
                    won.into_iter()
                        .map(|(seq, text)| (environment.to_owned(), seq, text))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(won.len(), clones * each);
    assert_eq!(yard.commits(), clones * each, "one commit per record");
    let mut places: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    let reader = yard.clone("reader");
    for (environment, seq, text) in &won {
        assert!(
            places.entry(environment).or_default().insert(*seq),
            "{environment} {seq} twice"
        );
        let stored = reader.read(&name(environment), *seq).unwrap().unwrap();
        assert_eq!(&stored.record.body["a"], text);
    }
    assert_eq!(reader.environments().unwrap().len(), environments.len());
    for (environment, places) in places {
        let audit = yard.audit(&name(environment));
        assert_eq!((audit.length, audit.findings), (places.len() as u64, vec![]));
    }
}

#[test]
fn sixteen_clones_that_write_to_one_environment_lose_nothing() {
    race(16, 3, &["production"]);
}

#[test]
fn sixteen_clones_that_write_to_four_environments_lose_nothing() {
    race(16, 3, &["development", "staging", "acceptance", "production"]);
}

#[test]
fn processes_that_share_a_clone_lose_nothing_either() {
    let yard = Yard::new();
    yard.clone_with("clone", &[]);
    let production = name("production");
    let won: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|writer| {
                let (yard, production) = (&yard, &production);
                // A handle of its own knows as little of the others as another process does.
                scope.spawn(move || write(&yard.ledger("clone"), production, &writer.to_string(), 5).len())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let audit = yard.audit(&production);
    assert_eq!((audit.length, audit.findings), (won as u64, vec![]));
}

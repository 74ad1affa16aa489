//! Something goes wrong at every request of every strategy: what is there in the end is what is said to
//! be there, either version serves, and no guest of others was touched.

use super::rollouts::{Case, Ground, cases};
use super::stage::{CT_TEMPLATE, container, vm};
use greenroom::adapters::proxmox::GuestRef;
use greenroom::adapters::targets::proxmox::{ContainerSource, GuestPlan};
use greenroom::domain::rollout::Outcome;
use greenroom::parallel::each;
use greenroom::testing::proxmox::{FaultTiming, TaskFault, What};
use std::time::Duration;

fn task(exit: &str, done: bool) -> What {
    What::Task(TaskFault {
        exit: exit.to_owned(),
        done,
    })
}

/// Faults after which the rollout still succeeds, whichever request they meet.
fn harmless() -> Vec<What> {
    vec![
        What::Refuse(
            500,
            "can't lock file '/var/lock/qemu-server/lock-1.conf' - got timeout".to_owned(),
        ),
        What::Slow(Duration::from_secs(40)),
        What::Unreachable,
        What::DoneBut(596, "Connection timed out".to_owned()),
        What::DoneButCut,
        What::Cut,
        task("WARNINGS: 1", true),
        task("unexpected status", true),
    ]
}

/// Faults after which nobody can be sure.
fn harmful() -> Vec<What> {
    vec![
        What::Refuse(500, "something went wrong".to_owned()),
        What::Refuse(500, "VM is locked (backup)".to_owned()),
        What::Nonsense("<html>".to_owned()),
        task("something went wrong", false),
        task("unexpected status", false),
    ]
}

fn guests() -> Vec<(&'static str, GuestPlan)> {
    vec![
        ("vm", vm(None)),
        ("ct", container(ContainerSource::Clone(CT_TEMPLATE))),
    ]
}

fn ground(case: &Case, guest: &GuestPlan) -> Ground {
    let ground = Ground::new(case, guest.clone());
    // In the way of the candidate.
    let in_the_way = if case.scenario.leftovers { 2002 } else { 2001 };
    ground
        .stage
        .cluster
        .add_guest(GuestRef::vm("pve1", in_the_way), "nextcloud");
    ground
}

/// Tries a fault at every request; the number of runs.
fn everywhere(faults: &[What], is_harmless: bool) -> usize {
    let mut runs = Vec::new();
    let (cases, guests) = (cases(), guests());
    for (at, case) in cases.iter().enumerate() {
        for guest in &guests {
            let clean = ground(case, &guest.1);
            let before = clean.stage.cluster.log().len();
            let outcome = clean.run();
            let requests = clean.stage.cluster.log().split_off(before);
            assert_eq!(*outcome.as_ref().unwrap(), Outcome::Succeeded, "{}", case.name);
            clean.settled(&outcome, &|| case.name.to_owned());
            for (nth, request) in requests.iter().enumerate() {
                // Every fault at everything that changes something, and one at every look.
                let looks = request.method == "GET";
                let chosen = |fault: &usize| {
                    let turn = (nth + at) / 2;
                    !looks || ((nth + at) % 2 == usize::from(is_harmless) && turn % faults.len() == *fault)
                };
                runs.extend(
                    (0..faults.len())
                        .filter(chosen)
                        .map(|fault| (case, guest, nth, fault)),
                );
            }
        }
    }
    each(&runs, 2, |(case, (kind, guest), nth, fault)| {
        let ground = ground(case, guest);
        let fault = faults[*fault].clone();
        ground
            .stage
            .cluster
            .fault(FaultTiming::Nth(nth + 1), fault.clone());
        let before = ground.stage.cluster.log().len();
        let outcome = ground.run();
        let hit = ground.stage.cluster.log().get(before + nth).cloned();
        let context = || {
            let hit = hit.as_ref().map(|call| format!("{} {}", call.method, call.path));
            format!("{} with {kind}: {fault:?} at {nth} {hit:?}", case.name)
        };
        ground.settled(&outcome, &context);
        if is_harmless {
            assert_eq!(*outcome.as_ref().unwrap(), Outcome::Succeeded, "{}", context());
        }
    });
    runs.len()
}

#[test]
fn what_passes_or_only_seems_to_fail_changes_nothing() {
    let runs = everywhere(&harmless(), true);
    assert!(runs > 1_000, "only {runs}");
}

#[test]
fn what_fails_for_good_leaves_what_is_said_to_be_there() {
    let runs = everywhere(&harmful(), false);
    assert!(runs > 1_000, "only {runs}");
}

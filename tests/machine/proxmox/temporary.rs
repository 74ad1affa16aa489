//! Guests of acceptance deployments, collected through the port.

use crate::proxmox::guests::stage::{Stage, unit, vm};
use greenroom::adapters::proxmox::Api;
use greenroom::adapters::targets::proxmox::{GuestSettings, GuestSweeper, TemporaryGuests};
use greenroom::domain::model::{EnvironmentName, ErrorKind, Period, Slot, Timestamp};
use greenroom::ports::{Clock as _, ExpiringResource, Progress, Removal, Stop, Sweeper as _, Target as _};
use greenroom::testing::sweeper::{SweeperCase, sweeper_contract};
use std::time::Duration;

fn sweeper(stage: &Stage) -> TemporaryGuests {
    let guests = GuestSweeper::new(
        Api::new(stage.cluster.clone()),
        2000..=2099,
        Some("staging".to_owned()),
        stage.clock.clone(),
        Duration::from_secs(60),
    );
    TemporaryGuests::new(guests, "web".to_owned())
}

/// Puts one guest for `environment`; made to stay where `minutes` is none.
fn made(
    stage: &Stage,
    environment: &str,
    ids: std::ops::RangeInclusive<u32>,
    minutes: Option<u64>,
) -> GuestSettings {
    let expires = minutes.map(|minutes| stage.clock.now().plus(Period::from_secs(minutes * 60)));
    let settings = GuestSettings {
        environment: environment.parse().unwrap(),
        ids,
        prefix: Some("acceptance-test".to_owned()),
        expires,
        ..stage.settings(vm(None), 1)
    };
    put(stage, &settings);
    settings
}

fn put(stage: &Stage, settings: &GuestSettings) {
    let target = stage.target(settings.clone());
    let release = stage.release("1.0.0");
    for _ in 0..100 {
        if let Progress::Done(_) = target.put(&unit(0), Slot::Blue, &release).unwrap() {
            return;
        }
        stage.clock.advance(Duration::from_secs(1));
    }
    panic!("it was never made");
}

fn removed(sweeper: &TemporaryGuests, stage: &Stage, guest: &ExpiringResource, stop: Stop) {
    for _ in 0..100 {
        if sweeper.remove(guest, stop).unwrap() == Removal::Gone {
            return;
        }
        stage.clock.advance(Duration::from_secs(1));
    }
    panic!("{} never went", guest.what);
}

#[test]
fn the_contract_holds() {
    let stage = Stage::new();
    let sweeper = sweeper(&stage);
    let make = |environment: &EnvironmentName, expires: Option<Timestamp>| {
        let settings = GuestSettings {
            environment: environment.clone(),
            expires,
            ..stage.settings(vm(None), 1)
        };
        put(&stage, &settings);
    };
    let of = |environment: &EnvironmentName| format!("\"environment\":\"{environment}\"");
    let stands = |environment: &EnvironmentName| {
        let guests = stage.cluster.guests();
        let mut descriptions = guests.iter().filter_map(|guest| guest.config.get("description"));
        descriptions.any(|description| description.contains(&of(environment)))
    };
    sweeper_contract(&SweeperCase {
        sweeper: &sweeper,
        make: &make,
        stands: &stands,
        pause: &|| stage.clock.advance(Duration::from_secs(1)),
        at: stage.clock.now(),
    })
    .unwrap();
}

#[test]
fn those_that_carry_an_end_are_listed_and_removed_due_or_not() {
    let stage = Stage::new();
    made(&stage, "acceptance-test-staging-0a1b2c3d", 2000..=2009, Some(5));
    made(&stage, "acceptance-test-staging-4e5f6a7b", 2010..=2019, Some(60));
    made(&stage, "staging", 2020..=2029, None);
    stage.cluster.add_guest(
        greenroom::adapters::proxmox::GuestRef::vm("pve1", 2050),
        "important",
    );
    let sweeper = sweeper(&stage);
    let listed = sweeper.list().unwrap();
    let shown: Vec<(&str, &str)> = listed
        .iter()
        .map(|guest| (guest.environment.as_str(), guest.key.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("acceptance-test-staging-0a1b2c3d", "2000"),
            ("acceptance-test-staging-4e5f6a7b", "2010")
        ]
    );
    assert!(listed[0].what.contains("2000 on pve1"), "{}", listed[0].what);
    // One by asking, the other by force in the middle of being asked.
    removed(&sweeper, &stage, &listed[0], Stop::Graceful);
    stage.cluster.edit(2010, |guest| guest.obeys = false);
    assert_eq!(
        sweeper.remove(&listed[1], Stop::Graceful).unwrap(),
        Removal::Stopping
    );
    removed(&sweeper, &stage, &listed[1], Stop::Force);
    assert_eq!(
        sweeper.remove(&listed[1], Stop::Force).unwrap(),
        Removal::Gone,
        "again"
    );
    let left: Vec<u32> = stage
        .cluster
        .guests()
        .iter()
        .map(greenroom::testing::proxmox::FakeGuest::id)
        .collect();
    assert_eq!(left, [2020, 2050, 9000, 9100]);
}

#[test]
fn what_became_another_guest_is_not_touched() {
    let stage = Stage::new();
    let settings = made(&stage, "acceptance-test-staging-0a1b2c3d", 2000..=2009, Some(5));
    let sweeper = sweeper(&stage);
    let listed = sweeper.list().unwrap();
    // Somebody else's.
    let serial = stage.cluster.recycle(2000, "important");
    assert_eq!(
        sweeper.remove(&listed[0], Stop::Force).unwrap_err().kind,
        ErrorKind::Denied
    );
    assert_eq!(stage.cluster.touched(serial), []);
    // Greenroom's own, of another deployment.
    stage.cluster.remove(2000);
    put(
        &stage,
        &GuestSettings {
            environment: "acceptance-test-staging-ffffffff".parse().unwrap(),
            ..settings
        },
    );
    let touches = stage.cluster.touches().len();
    let refused = sweeper.remove(&listed[0], Stop::Force).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied);
    assert!(refused.to_string().contains("it is not touched"), "{refused}");
    assert_eq!(stage.cluster.touches().len(), touches);
    assert!(stage.cluster.guest(2000).is_some());
}

#[test]
fn one_whose_making_was_cut_off_is_found_too() {
    let stage = Stage::new();
    let expires: Timestamp = stage.clock.now().plus(Period::from_secs(300));
    let settings = GuestSettings {
        environment: "acceptance-test-staging-0a1b2c3d".parse().unwrap(),
        expires: Some(expires),
        ..stage.settings(vm(None), 1)
    };
    let release = stage.release("1.0.0");
    stage.cluster.takes("qmclone", Duration::from_secs(30));
    // The clone is begun, and greenroom dies.
    stage
        .target(settings)
        .put(&unit(0), Slot::Blue, &release)
        .unwrap();
    stage.clock.advance(Duration::from_secs(60));
    let sweeper = sweeper(&stage);
    let listed = sweeper.list().unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0].expires, expires);
    removed(&sweeper, &stage, &listed[0], Stop::Graceful);
    assert!(stage.cluster.guest(2000).is_none());
}

//! Guests of others are never changed, whatever happens between two looks.

use super::stage::{Stage, VM_TEMPLATE, container, unit, vm};
use greenroom::adapters::proxmox::GuestRef;
use greenroom::adapters::targets::proxmox::{ContainerSource, GuestSettings};
use greenroom::domain::model::{ErrorKind, PortError, Slot};
use greenroom::ports::{Progress, Removal, Stop, Target};
use greenroom::testing::proxmox::{FakeCluster, FakeGuest, FaultTiming, TaskFault, USER, What};
use greenroom::testing::target::{PutNow as _, gone};
use std::sync::Arc;
use std::time::Duration;

fn ids(cluster: &FakeCluster) -> Vec<u32> {
    let guests = cluster.guests();
    guests.iter().map(FakeGuest::id).filter(|id| *id < 9000).collect()
}

#[test]
fn a_place_that_is_taken_is_passed_over_and_left_alone() {
    for (kind, seen) in [("vm", true), ("ct", true), ("vm", false)] {
        let stage = Stage::new();
        let at = match kind {
            "vm" => GuestRef::vm("pve1", 2000),
            _ => GuestRef::container("pve1", 2000),
        };
        let serial = stage.cluster.add_guest(at, "nextcloud");
        if !seen {
            // The token sees only what is in its pool.
            for path in ["/pool/staging", "/vms/9000", "/storage", "/nodes", "/sdn"] {
                stage.cluster.grant(
                    USER,
                    path,
                    &[
                        "VM.Audit",
                        "VM.Clone",
                        "VM.Allocate",
                        "VM.PowerMgmt",
                        "VM.Config.CPU",
                        "VM.Config.Memory",
                        "VM.Config.Cloudinit",
                        "VM.Config.Options",
                        "VM.Config.Disk",
                        "VM.Config.Network",
                        "Datastore.AllocateSpace",
                        "Datastore.Audit",
                        "SDN.Use",
                        "Pool.Audit",
                    ],
                );
            }
        }
        let target = stage.target(stage.settings(vm(None), 2));
        let release = stage.release("1.0.0");
        assert_eq!(
            target.inspect(&unit(0)).unwrap().foreign,
            None,
            "it is in nobody's way"
        );
        let put = target.put_now(&unit(0), Slot::Blue, &release).unwrap();
        assert_eq!(put.address.unwrap().as_str(), "http://10.0.0.6:8080");
        assert_eq!(ids(&stage.cluster), [2000, 2004]);
        gone(&target, &unit(0), Slot::Blue, Stop::Force).unwrap();
        assert_eq!(ids(&stage.cluster), [2000]);
        assert_eq!(stage.cluster.touched(serial), []);
    }
}

#[test]
fn an_address_at_which_somebody_answers_is_not_given_out() {
    let stage = Stage::new();
    let mut settings = stage.settings(vm(None), 1);
    settings.units = vec![unit(0)];
    let api = greenroom::adapters::proxmox::Api::new(stage.cluster.clone());
    let target = greenroom::adapters::targets::proxmox::ProxmoxTarget::new(
        settings,
        greenroom::adapters::targets::proxmox::GuestPorts {
            api,
            registry: stage.registry.clone(),
            clock: stage.clock.clone(),
            secrets: greenroom::host::secrets::Secrets::new(
                [("TOKEN".to_owned(), "x".to_owned())].into(),
                stage.scratch.path().to_owned(),
            ),
            answers: Arc::new(|address| address.to_string() == "10.0.0.2"),
        },
    );
    let put = target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    assert_eq!(put.address.unwrap().as_str(), "http://10.0.0.4:8080");
}

#[test]
fn where_every_place_is_taken_the_refusal_says_by_whom() {
    let stage = Stage::new();
    for id in 2000..=2003 {
        stage
            .cluster
            .add_guest(GuestRef::vm("pve1", id), "nextcloud-test");
    }
    let settings = GuestSettings {
        ids: 2000..=2003,
        ..stage.settings(vm(None), 1)
    };
    let target = stage.target(settings);
    let found = target.inspect(&unit(0)).unwrap();
    let words = found.foreign.unwrap();
    insta::assert_snapshot!(words, @r#"VM 2001 "nextcloud-test" on pve1 was not made by greenroom for staging (no marker): it is never changed. Move it out of 2000–2003, or change vmIdRange"#);
    let error = target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    insta::assert_snapshot!(error.why.to_string(), @r#"finding a place for web-0 (blue): every place is taken: 2000, 2002. VM 2000 "nextcloud-test" on pve1 was not made by greenroom for staging (no marker): it is never changed. Move it out of 2000–2003, or change vmIdRange"#);
    assert_eq!(stage.cluster.foreign_touched(USER), []);
}

/// Removes until it is gone or refused.
fn remove(target: &dyn Target, stop: Stop) -> Result<(), PortError> {
    gone(target, &unit(0), Slot::Blue, stop)
}

#[test]
fn an_id_that_is_used_again_between_two_calls_is_not_touched() {
    for stop in [Stop::Graceful, Stop::Force] {
        // Before each of the requests that a removal makes, with the proof before the act left whole: no
        // client can see what happens after its last look.
        for at in 0..40 {
            let stage = Stage::new();
            let target = stage.target(stage.settings(vm(None), 1));
            target
                .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
                .unwrap();
            let before = stage.cluster.log().len();
            stage.cluster.between(move |cluster, request| {
                let writes = request.method.as_str() != "GET";
                if cluster.log().len() >= before + at && !writes {
                    let name = cluster.guest(2000).map(|guest| guest.name().to_owned());
                    if name.is_some_and(|name| name.starts_with("web-0")) {
                        cluster.recycle(2000, "important");
                        cluster.edit(2000, |guest| guest.running = true);
                    }
                }
            });
            // Gone, since nothing of ours is there any more, or refused.
            let ended = remove(&target, stop);
            assert!(ended.is_ok() || ended.unwrap_err().kind == ErrorKind::Denied);
            assert_eq!(stage.cluster.foreign_touched(USER), [], "request {at}");
            if let Some(guest) = stage.cluster.guest(2000) {
                assert_eq!((guest.name(), guest.running), ("important", true));
            }
        }
    }
}

#[test]
fn a_copy_of_a_guest_of_ours_is_not_ours() {
    let stage = Stage::new();
    let target = stage.target(stage.settings(vm(None), 1));
    target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    let ours = stage.cluster.guest(2000).unwrap();
    // Copied by hand to the next place, marker and tags and all; and back over the same id.
    for id in [2002, 2000] {
        let serial = stage.cluster.add_guest(GuestRef::vm("pve1", id), "copy");
        let config = ours.config.clone();
        stage.cluster.edit(id, |guest| {
            for (name, value) in config {
                if name != "smbios1" {
                    guest.config.insert(name, value);
                }
            }
            guest.pool = Some("staging".to_owned());
        });
        if id == 2000 {
            assert_eq!(target.inspect(&unit(0)).unwrap().slots.len(), 0);
            assert_eq!(
                target.remove(&unit(0), Slot::Blue, Stop::Force).unwrap(),
                Removal::Gone
            );
        } else {
            assert_eq!(target.inspect(&unit(0)).unwrap().slots.len(), 1);
        }
        assert_eq!(stage.cluster.touched(serial), []);
    }
}

#[test]
fn a_guest_that_a_person_protected_is_kept() {
    let stage = Stage::new();
    let target = stage.target(stage.settings(vm(None), 1));
    target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    stage.cluster.edit(2000, |guest| {
        guest.config.insert("protection".to_owned(), "1".to_owned());
    });
    let error = remove(&target, Stop::Force).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    insta::assert_snapshot!(error.why.to_string(), @"VM 2000 on pve1 is protected, and not by greenroom: somebody wants to keep it; to give it up, run `qm set 2000 --protection 0` on pve1");
    assert!(stage.cluster.guest(2000).unwrap().running);
}

#[test]
fn guests_of_another_environment_or_pool_are_foreign() {
    let stage = Stage::new();
    let other = GuestSettings {
        environment: "production".parse().unwrap(),
        ..stage.settings(vm(None), 1)
    };
    stage
        .target(other)
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    let target = stage.target(stage.settings(vm(None), 1));
    assert_eq!(target.inspect(&unit(0)).unwrap().slots.len(), 0);
    assert_eq!(
        target.remove(&unit(0), Slot::Blue, Stop::Force).unwrap(),
        Removal::Gone
    );
    let put = target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    assert_eq!(put.address.unwrap().as_str(), "http://10.0.0.4:8080");
    // Taken out of the pool by hand.
    stage.cluster.edit(2002, |guest| guest.pool = None);
    // A list of guests is good for a second.
    stage.clock.advance(Duration::from_secs(2));
    assert_eq!(
        target.remove(&unit(0), Slot::Blue, Stop::Force).unwrap(),
        Removal::Gone
    );
    assert_eq!(ids(&stage.cluster), [2000, 2002]);
}

#[test]
fn a_lock_is_waited_for_and_then_told_with_what_to_do() {
    let stage = Stage::new();
    let target = stage.target(stage.settings(vm(None), 1));
    let release = stage.release("1.0.0");
    target.put_now(&unit(0), Slot::Blue, &release).unwrap();
    stage
        .cluster
        .edit(2000, |guest| guest.lock = Some("backup".to_owned()));
    let Progress::Underway(words) = target.put(&unit(0), Slot::Blue, &release).unwrap() else {
        panic!("it is locked");
    };
    insta::assert_snapshot!(words, @"VM 2000 on pve1 is locked (backup); if no operation is under way, run `qm unlock 2000` as root on pve1");
    let mut asked = 0;
    let error = loop {
        match target.remove(&unit(0), Slot::Blue, Stop::Force) {
            Ok(removal) => assert_eq!(removal, Removal::Stopping),
            Err(error) => break error,
        }
        stage.clock.advance(Duration::from_secs(60));
        asked += 1;
    };
    assert_eq!((error.kind, asked), (ErrorKind::Conflict, 10));
    assert!(error.to_string().contains("qm unlock 2000"), "{error}");
    stage.cluster.edit(2000, |guest| guest.lock = None);
    remove(&target, Stop::Force).unwrap();
}

#[test]
fn clones_of_one_template_are_bounded_and_those_of_a_container_come_one_by_one() {
    for (plan, most) in [(vm(None), 2), (container(ContainerSource::Clone(9100)), 1)] {
        let stage = Stage::new();
        for kind in ["qmclone", "vzclone"] {
            stage.cluster.takes(kind, Duration::from_secs(10));
        }
        let target = stage.target(stage.settings(plan, 4));
        let release = stage.release("1.0.0");
        let mut done = 0;
        for _ in 0..200 {
            done = 0;
            for number in 0..4 {
                match target.put(&unit(number), Slot::Blue, &release).unwrap() {
                    Progress::Done(_) => done += 1,
                    Progress::Underway(words) => assert!(!words.is_empty()),
                }
            }
            let guests = stage.cluster.guests();
            let cloning = guests
                .iter()
                .filter(|guest| matches!(guest.lock.as_deref(), Some("clone" | "create")));
            assert!(cloning.count() <= most);
            if done == 4 {
                break;
            }
            stage.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(done, 4);
    }
}

#[test]
fn a_clone_under_way_is_broken_off_by_force_and_its_guest_is_gone() {
    let stage = Stage::new();
    stage.cluster.takes("qmclone", Duration::from_secs(100));
    let target = stage.target(stage.settings(vm(None), 1));
    let release = stage.release("1.0.0");
    target.put(&unit(0), Slot::Blue, &release).unwrap();
    assert_eq!(
        target.remove(&unit(0), Slot::Blue, Stop::Graceful).unwrap(),
        Removal::Stopping
    );
    assert_eq!(ids(&stage.cluster), [2000]);
    remove(&target, Stop::Force).unwrap();
    assert_eq!(ids(&stage.cluster), [0; 0]);
    // Another process does not know the task, and waits for it.
    target.put(&unit(0), Slot::Blue, &release).unwrap();
    let other = stage.target(stage.settings(vm(None), 1));
    assert_eq!(
        other.remove(&unit(0), Slot::Blue, Stop::Force).unwrap(),
        Removal::Stopping
    );
    stage.clock.advance(Duration::from_secs(100));
    remove(&other, Stop::Force).unwrap();
    assert_eq!(ids(&stage.cluster), [0; 0]);
}

#[test]
fn an_id_that_is_taken_in_the_last_moment_leads_to_the_next_place() {
    let texts = [
        (500, "unable to create VM 2000: config file already exists"),
        (
            500,
            "unable to create VM 2000 - VM 2000 already exists on node 'pve2'",
        ),
    ];
    for (status, text) in texts {
        let stage = Stage::new();
        let target = stage.target(stage.settings(vm(None), 1));
        let mut serial = None;
        let (send, receive) = std::sync::mpsc::channel();
        stage.cluster.between(move |cluster, request| {
            if request.path.ends_with("/clone") && serial.is_none() {
                serial = Some(cluster.add_guest(GuestRef::vm("pve1", 2000), "faster"));
                send.send(serial).unwrap();
            }
        });
        stage.cluster.fault(
            FaultTiming::next("POST", "/clone"),
            What::Refuse(status, text.to_owned()),
        );
        let put = target
            .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
            .unwrap();
        assert_eq!(put.address.unwrap().as_str(), "http://10.0.0.4:8080");
        assert_eq!(stage.cluster.touched(receive.recv().unwrap().unwrap()), []);
    }
    // On another node it is only the task that finds out.
    let stage = Stage::new();
    stage.cluster.add_node("pve2");
    let target = stage.target(stage.settings(vm(None), 1));
    let mut once = false;
    stage.cluster.between(move |cluster, request| {
        if request.path.ends_with("/clone") && !once {
            once = true;
            cluster.add_guest(GuestRef::vm("pve2", 2000), "faster");
        }
    });
    let put = target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    assert_eq!(put.address.unwrap().as_str(), "http://10.0.0.4:8080");
    assert_eq!(stage.cluster.foreign_touched(USER), []);
}

#[test]
fn high_availability_is_observed_and_not_believed() {
    let stage = Stage::new();
    let target = stage.target(stage.settings(vm(None), 1));
    let release = stage.release("1.0.0");
    target.put_now(&unit(0), Slot::Blue, &release).unwrap();
    stage.cluster.edit(2000, |guest| {
        guest.ha = true;
        guest.running = false;
    });
    stage.cluster.takes("qmstart", Duration::from_secs(30));
    stage.cluster.takes("qmstop", Duration::from_secs(30));
    let Progress::Underway(_) = target.put(&unit(0), Slot::Blue, &release).unwrap() else {
        panic!("it is not running");
    };
    let mut waited = 0;
    while !matches!(
        target.put(&unit(0), Slot::Blue, &release).unwrap(),
        Progress::Done(_)
    ) {
        stage.clock.advance(Duration::from_secs(1));
        waited += 1;
        assert!(waited < 100);
    }
    assert!(waited >= 29 && stage.cluster.guest(2000).unwrap().running);
    while target.remove(&unit(0), Slot::Blue, Stop::Graceful).unwrap() != Removal::Gone {
        stage.clock.advance(Duration::from_secs(1));
        waited += 1;
        assert!(waited < 200);
    }
    assert_eq!(ids(&stage.cluster), [0; 0]);
}

#[test]
fn a_guest_that_moved_to_another_node_is_found_there() {
    let stage = Stage::new();
    stage.cluster.add_node("pve2");
    let target = stage.target(stage.settings(vm(None), 1));
    let release = stage.release("1.0.0");
    target.put_now(&unit(0), Slot::Blue, &release).unwrap();
    stage
        .cluster
        .edit(2000, |guest| guest.at.node = "pve2".to_owned());
    assert!(target.put_now(&unit(0), Slot::Blue, &release).unwrap().running);
    remove(&target, Stop::Graceful).unwrap();
    assert_eq!(ids(&stage.cluster), [0; 0]);
}

#[test]
fn a_clone_that_was_killed_leaves_a_lock_that_is_told() {
    let stage = Stage::new();
    let target = stage.target(stage.settings(vm(None), 1));
    let killed = TaskFault {
        exit: "unexpected status".to_owned(),
        done: false,
    };
    stage
        .cluster
        .fault(FaultTiming::next("POST", "/clone"), What::Task(killed));
    let release = stage.release("1.0.0");
    target.put(&unit(0), Slot::Blue, &release).unwrap();
    let Progress::Underway(words) = target.put(&unit(0), Slot::Blue, &release).unwrap() else {
        panic!("its lock stayed behind");
    };
    assert!(words.contains("qm unlock 2000"), "{words}");
    assert_eq!(stage.cluster.guest(VM_TEMPLATE).unwrap().lock, None);
}

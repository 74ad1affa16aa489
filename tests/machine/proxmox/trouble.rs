//! What goes wrong: rights, backups that are none, faults on demand, others who act meanwhile.

use crate::proxmox::stage::{Stage, container, copy, stages, vm};
use greenroom::adapters::proxmox::answers::{GuestConfig, Permissions, Storage, Version, Volume};
use greenroom::adapters::proxmox::calls::backup::VzdumpOptions;
use greenroom::adapters::proxmox::calls::{backup, cluster, guest, storage, vm as qemu};
use greenroom::domain::model::ErrorKind;

use greenroom::adapters::proxmox::rights::Work;
use greenroom::adapters::proxmox::{Api, FaultClass, GuestKind, GuestRef, TaskExit, rights};

use greenroom::testing::proxmox::{FakeStorage, FaultTiming, TaskFault, USER, What};
use std::sync::Arc;
use std::time::Duration;

fn to_local() -> VzdumpOptions {
    VzdumpOptions {
        storage: "local".to_owned(),
        notes: "before 1.2.3".to_owned(),
        protected: true,
        wait: Duration::from_secs(60),
    }
}

fn archives(stage: &Stage, id: u32) -> Vec<Volume> {
    let content = storage::content("pve1", "local", Some("backup"), Some(id));
    stage.api.ask("listing", &content).unwrap()
}

#[test]
fn a_backup_is_there_once_it_is_listed_and_brings_the_guest_back() {
    for stage in stages() {
        let at = stage.running_vm(2000);
        let before = stage.config(&at);
        stage.cluster.takes("vzdump", Duration::from_secs(60));
        let task = stage.begin(&backup::take(&at, &to_local()));
        assert_eq!(stage.config(&at).lock(), Some("backup"));
        assert_eq!(archives(&stage, 2000), []);
        stage.wait(60);
        assert_eq!(stage.end_of(&task), TaskExit::Ok);
        let log = stage.api.log(&task, 0, 100).unwrap();
        assert!(log[0].t.contains("creating vzdump archive '/"), "{log:?}");
        assert_eq!(log.last().unwrap().t, "TASK OK");
        let found = archives(&stage, 2000);
        let [archive] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!((archive.vmid, archive.protected), (Some(2000), true));
        assert_eq!(archive.notes.as_deref(), Some("before 1.2.3"));

        let change = qemu::VmSettings {
            description: Some("broken".to_owned()),
            ..qemu::VmSettings::default()
        };
        stage.run(&qemu::configure(&at, &change));
        let restore = backup::restore(&at, &archive.volid, "local-zfs", None, true);
        assert_eq!(stage.refused(&restore).class, FaultClass::Running);
        stage.run(&guest::stop(&at, true));
        stage.run(&restore);
        let after = stage.config(&at);
        assert_eq!(after.description(), before.description());
        assert_eq!(
            after.property("smbios1", "uuid"),
            before.property("smbios1", "uuid")
        );
        assert_eq!(
            stage.cluster.guest(2000).unwrap().pool.as_deref(),
            Some("staging")
        );

        let remove = storage::delete("pve1", "local", &archive.volid);
        assert!(stage.refused(&remove).text.contains("protected"));
        let unshield = storage::protect("pve1", "local", &archive.volid, false);
        assert_eq!(stage.api.change("acting", &unshield).unwrap(), None);
        stage.run(&remove);
        assert_eq!(archives(&stage, 2000), []);
        assert_eq!(stage.cluster.foreign_touched(USER), []);
    }
}

#[test]
fn a_backup_on_the_wrong_node_is_answered_well_and_is_none() {
    for stage in stages() {
        stage.cluster.add_node("pve2");
        stage.running_vm(2000);
        let elsewhere = backup::take(&GuestRef::vm("pve2", 2000), &to_local());
        let fault = stage.api.begin("backing up", &elsewhere).unwrap_err();
        assert!(fault.text.contains("\"OK\""), "{fault}");
        assert_eq!(archives(&stage, 2000), []);
    }
}

#[test]
fn no_room_for_a_backup_is_a_failed_task() {
    for stage in stages() {
        let mut full = FakeStorage::new("dir", &["backup"]);
        full.used = full.total;
        stage.cluster.add_storage("full", full);
        let at = stage.running_vm(2000);
        let status: Storage = stage
            .api
            .ask("looking", &storage::status("pve1", "full"))
            .unwrap();
        assert_eq!(status.avail, Some(0));
        let to_full = VzdumpOptions {
            storage: "full".to_owned(),
            ..to_local()
        };
        let task = stage.begin(&backup::take(&at, &to_full));
        assert!(matches!(stage.end_of(&task), TaskExit::Failed { text, .. } if text == "job errors"));
        assert_eq!(stage.config(&at).lock(), None);
    }
}

#[test]
fn a_token_may_only_what_it_was_given() {
    for stage in stages() {
        stage.cluster.grant(
            USER,
            "/pool/staging",
            &["VM.Allocate", "VM.Audit", "VM.Config.CPU"],
        );
        stage
            .cluster
            .grant(USER, "/storage/local-zfs", &["Datastore.AllocateSpace"]);
        let clone = guest::clone(&vm(9000), &copy(2000));
        let denied = |path: &str, privilege: &str| FaultClass::Denied {
            path: path.to_owned(),
            privilege: privilege.to_owned(),
        };
        assert_eq!(stage.refused(&clone).class, denied("/vms/9000", "VM.Clone"));
        stage.cluster.grant(USER, "/vms/9000", &["VM.Clone"]);
        let bridge = "/sdn/zones/localnetwork/vmbr0";
        assert_eq!(stage.refused(&clone).class, denied(bridge, "SDN.Use"));
        stage.cluster.grant(USER, bridge, &["SDN.Use"]);
        stage.run(&clone);
        assert_eq!(
            stage.refused(&guest::start(&vm(2000))).class,
            denied("/vms/2000", "VM.PowerMgmt")
        );
        let settings = |cores, memory| qemu::VmSettings {
            cores,
            memory,
            ..qemu::VmSettings::default()
        };
        stage.run(&qemu::configure(&vm(2000), &settings(Some(2), None)));
        let memory = stage.refused(&qemu::configure(&vm(2000), &settings(None, Some(64))));
        assert_eq!(memory.class, denied("/vms/2000", "VM.Config.Memory"));
        let mut nowhere = copy(2001);
        nowhere.pool = Some("nope".to_owned());
        assert_eq!(
            stage.refused(&guest::clone(&vm(9000), &nowhere)).class,
            FaultClass::Missing
        );
        nowhere.pool = None;
        let outside = stage.refused(&guest::clone(&vm(9000), &nowhere));
        assert_eq!(outside.class, denied("/vms/2001", "VM.Allocate"));
        let rights: Permissions = stage.api.ask("asking", &cluster::permissions(None)).unwrap();
        assert!(rights["/pool/staging"]["VM.Audit"].0);
        assert!(!rights["/pool/staging"].contains_key("VM.PowerMgmt"));
    }
}

#[test]
fn what_another_token_has_begun_is_not_shown() {
    let [stage, _] = stages();
    let task = stage.begin(&guest::clone(&vm(9000), &copy(2000)));
    let other = Api::new(Arc::new(stage.cluster.session("ci@pve!other")));
    assert_eq!(other.task(&task).unwrap_err().class, FaultClass::MissingTask);
    other.begin("starting", &guest::start(&vm(2000))).unwrap();
    let foreign = stage.cluster.foreign_touched("ci@pve!other");
    assert_eq!(foreign.len(), 1);
    assert_eq!(foreign[0].maker.as_deref(), Some(USER));
}

#[test]
fn a_task_ends_as_it_is_told_to() {
    for stage in stages() {
        let told = |exit: &str, done| {
            stage.cluster.fault(
                FaultTiming::next("POST", "/clone"),
                What::Task(TaskFault {
                    exit: exit.to_owned(),
                    done,
                }),
            );
        };
        told("WARNINGS: 2", true);
        let task = stage.begin(&guest::clone(&vm(9000), &copy(2000)));
        assert_eq!(stage.end_of(&task), TaskExit::Warnings(2));
        assert_eq!(stage.config(&vm(2000)).lock(), None);

        told("clone failed: out of space", false);
        let task = stage.begin(&guest::clone(&vm(9000), &copy(2001)));
        assert!(matches!(
            stage.end_of(&task),
            TaskExit::Failed {
                class: FaultClass::NoSpace,
                ..
            }
        ));
        assert_eq!(stage.cluster.guest(2001), None, "a failed copy is gone again");

        told("unexpected status", false);
        let task = stage.begin(&guest::clone(&vm(9000), &copy(2002)));
        let exit = stage.end_of(&task);
        assert_eq!(exit, TaskExit::Unexpected);
        assert_eq!(exit.fault(&task, "cloning").unwrap().kind(), ErrorKind::Ambiguous);
        assert_eq!(stage.config(&vm(2002)).lock(), Some("clone"), "its lock is stale");

        told("unexpected status", true);
        let task = stage.begin(&guest::clone(&vm(9000), &copy(2003)));
        assert_eq!(stage.end_of(&task), TaskExit::Unexpected);
        assert_eq!(stage.config(&vm(2003)).lock(), None, "and yet it was done");
    }
}

#[test]
fn a_request_may_be_done_without_an_answer_that_says_so() {
    for stage in stages() {
        let clone = |id| guest::clone(&vm(9000), &copy(id));
        let is_there = |id| stage.cluster.guest(id).is_some();
        stage
            .cluster
            .fault(FaultTiming::Nth(1), What::DoneBut(596, "Broken pipe".to_owned()));
        assert_eq!(stage.refused(&clone(2000)).kind(), ErrorKind::Ambiguous);
        assert!(is_there(2000));
        stage.cluster.fault(FaultTiming::Nth(1), What::DoneButCut);
        assert_eq!(stage.refused(&clone(2001)).kind(), ErrorKind::Ambiguous);
        assert!(is_there(2001));
        stage.cluster.fault(FaultTiming::Nth(1), What::Cut);
        assert_eq!(stage.refused(&clone(2002)).kind(), ErrorKind::Ambiguous);
        assert!(!is_there(2002));
        stage
            .cluster
            .fault(FaultTiming::Nth(2), What::Refuse(500, "got timeout".to_owned()));
        stage
            .cluster
            .fault(FaultTiming::Nth(1), What::Nonsense("<html>".to_owned()));
        assert_eq!(stage.refused(&clone(2003)).class, FaultClass::Unreadable);
        assert_eq!(stage.refused(&clone(2003)).status, Some(500));
        assert!(!is_there(2003));
        stage.cluster.fault(
            FaultTiming::next("POST", "/clone"),
            What::Slow(Duration::from_secs(20)),
        );
        stage.run(&clone(2004));
        assert_eq!(
            greenroom::ports::Clock::monotonic(&*stage.clock),
            Duration::from_secs(20)
        );
    }
}

#[test]
fn a_node_that_is_cut_off_and_a_cluster_without_a_majority() {
    for stage in stages() {
        stage.cluster.add_node("pve2");
        stage.cluster.set_online("pve2", false);
        let there = GuestRef::vm("pve2", 300);
        let fault = stage.refused(&guest::start(&there));
        assert_eq!(
            (fault.class.clone(), fault.kind()),
            (FaultClass::Unknown, ErrorKind::Ambiguous)
        );
        stage.cluster.set_quorate(false);
        let fault = stage.refused(&guest::clone(&vm(9000), &copy(2000)));
        assert_eq!(
            (fault.class.clone(), fault.kind()),
            (FaultClass::NoQuorum, ErrorKind::Transient)
        );
        let nowhere: Result<GuestConfig, _> =
            stage.api.ask("reading", &guest::config(&GuestRef::vm("pvx", 1)));
        assert_eq!(nowhere.unwrap_err().status, Some(500));
    }
}

#[test]
fn others_act_between_two_requests_and_ids_are_used_again() {
    for stage in stages() {
        let at = stage.running_vm(2000);
        let ours = stage.config(&at);
        let mut is_done = false;
        stage.cluster.between(move |cluster, request| {
            if request.path.ends_with("/status/stop") && !is_done {
                is_done = true;
                cluster.recycle(2000, "somebody-elses");
            }
        });
        // What greenroom must not do without looking first.
        stage.run(&guest::stop(&at, true));
        let theirs = stage.config(&at);
        assert_eq!(theirs.name(), Some("somebody-elses"));
        assert_ne!(
            theirs.property("smbios1", "uuid"),
            ours.property("smbios1", "uuid")
        );
        let foreign = stage.cluster.foreign_touched(USER);
        assert_eq!(foreign.len(), 1, "the cluster has noticed: {foreign:?}");
        assert_eq!(foreign[0].what, "POST /nodes/pve1/qemu/2000/status/stop");
        let serial = stage.cluster.guest(2000).unwrap().serial;
        assert_eq!(stage.cluster.touched(serial), foreign);
    }
}

#[test]
fn a_container_is_backed_up_and_restored_too() {
    for stage in stages() {
        let at = container(2000);
        stage.run(&guest::clone(&container(9001), &copy(2000)));
        let before = stage.config(&at);
        stage.run(&backup::take(&at, &to_local()));
        stage.run(&backup::take(&at, &to_local()));
        let found = archives(&stage, 2000);
        assert_eq!(found.len(), 2, "two within one second have two names");
        stage.run(&guest::destroy(&at));
        stage.run(&backup::restore(
            &at,
            &found[0].volid,
            "local-zfs",
            Some("staging"),
            false,
        ));
        assert_eq!(
            stage.cluster.guest(2000).unwrap().pool.as_deref(),
            Some("staging")
        );
        let after = stage.config(&at);
        assert_eq!(
            after.property("net0", "hwaddr"),
            before.property("net0", "hwaddr")
        );
    }
}

fn card(bridge: &str, vlan: Option<u16>) -> qemu::VmCard {
    qemu::VmCard {
        model: "virtio".to_owned(),
        mac: None,
        plug: qemu::Plug {
            bridge: bridge.to_owned(),
            vlan,
            firewall: false,
        },
    }
}

/// The privileges that are asked for are enough for everything that is done, on a cluster that checks them.
#[test]
fn the_privileges_that_are_asked_for_are_enough() {
    let [stage, _] = stages();
    let work = Work {
        kind: GuestKind::Vm,
        pool: Some("staging".to_owned()),
        node: "pve1".to_owned(),
        storage: "local-zfs".to_owned(),
        template: Some(9000),
        archives: None,
        pulls: false,
        bridge: Some(("vmbr0".to_owned(), Some(12))),
        agent: true,
        snapshots: true,
        backups: Some("local".to_owned()),
    };
    // Of the template's own card, which the copy has until it gets another one.
    let untagged = Work {
        bridge: Some(("vmbr0".to_owned(), None)),
        ..work.clone()
    };
    let version: Version = stage.api.ask("asking", &cluster::version()).unwrap();
    let mut needs = rights::needs(&work, &version);
    needs.extend(rights::needs(&untagged, &version).pop());
    for need in &needs {
        let privileges: Vec<&str> = need.privileges.iter().copied().collect();
        stage.cluster.grant(USER, &need.path, &privileges);
    }
    for need in &needs {
        let asked = cluster::permissions(Some(&need.path));
        let granted: Permissions = stage.api.ask("asking", &asked).unwrap();
        let lacking = rights::lacking(need, &granted);
        assert!(lacking.is_empty(), "{}: {lacking:?}", need.path);
    }
    lives(&stage);
    let other = qemu::VmSettings {
        card: Some(card("vmbr1", None)),
        ..qemu::VmSettings::default()
    };
    let at = stage.running_vm(2001);
    let denied = FaultClass::Denied {
        path: "/sdn/zones/localnetwork/vmbr1".to_owned(),
        privilege: "SDN.Use".to_owned(),
    };
    let fault = stage.refused(&qemu::configure(&at, &other));
    assert_eq!(fault.class, denied, "another network was not asked for");
}

/// Everything that is done to a virtual machine from its clone to its end.
fn lives(stage: &Stage) {
    let at = stage.running_vm(2000);
    let settings = qemu::VmSettings {
        name: Some("web".to_owned()),
        cores: Some(2),
        memory: Some(1024),
        card: Some(card("vmbr0", Some(12))),
        ssh_keys: Some("ssh-ed25519 AAAA me@x".to_owned()),
        upgrade: Some(false),
        ..qemu::VmSettings::default()
    };
    stage.run(&qemu::configure(&at, &settings));
    stage.run(&guest::resize(&at, "scsi0", "+1G", None));
    let words = ["true".to_owned()];
    let exec = greenroom::adapters::proxmox::calls::agent::exec(&at, &words, None);
    let _: greenroom::adapters::proxmox::answers::Started = stage.api.ask("running", &exec).unwrap();
    stage.run(&guest::snapshot(&at, "before", ""));
    stage.run(&guest::rollback(&at, "before", true));
    stage.run(&backup::take(&at, &to_local()));
    let found = archives(stage, 2000);
    let shield = storage::protect("pve1", "local", &found[0].volid, false);
    stage.api.change("acting", &shield).unwrap();
    stage.run(&guest::stop(&at, true));
    stage.run(&backup::restore(&at, &found[0].volid, "local-zfs", None, true));
    stage.run(&storage::delete("pve1", "local", &found[0].volid));
    stage.run(&guest::destroy(&at));
}

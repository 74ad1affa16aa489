//! The life of guests in the fake cluster, through the client.

use crate::proxmox::stage::{Stage, container, copy, stages, vm};
use greenroom::adapters::proxmox::answers::{
    AgentResult, ContainerCard, ExecStatus, Feature, GuestConfig, Id, Pool, Resource, Started,
};
use greenroom::adapters::proxmox::calls::container::{ContainerSettings, NewContainer};
use greenroom::adapters::proxmox::calls::{
    agent, cluster, container as ct, guest, pool, storage, vm as qemu,
};
use greenroom::adapters::proxmox::{FaultClass, GuestRef, TaskExit};
use greenroom::testing::proxmox::{ExecOutcome, USER};
use std::time::Duration;

#[test]
fn a_virtual_machine_lives_from_clone_to_end() {
    for stage in stages() {
        stage.cluster.takes("qmclone", Duration::from_secs(5));
        let task = stage.begin(&guest::clone(&vm(9000), &copy(2000)));
        assert_eq!((task.kind.as_str(), task.id.as_str()), ("qmclone", "9000"));
        assert!(stage.is_running(&task));
        let half_made = stage.config(&vm(2000));
        assert_eq!(half_made.lock(), Some("clone"));
        assert_eq!(half_made.options.len(), 2, "{half_made:?}");
        let fault = stage.refused(&guest::start(&vm(2000)));
        assert_eq!(fault.class, FaultClass::ConfigLock("clone".to_owned()));
        stage.wait(5);
        assert_eq!(stage.end_of(&task), TaskExit::Ok);

        let config = stage.config(&vm(2000));
        assert_eq!((config.name(), config.lock()), (Some("web-2000"), None));
        assert_eq!(config.description(), "ours\n");
        let template = stage.config(&vm(9000));
        assert_ne!(
            config.property("smbios1", "uuid"),
            template.property("smbios1", "uuid")
        );
        assert_ne!(config.get("net0"), template.get("net0"));

        let settings = qemu::VmSettings {
            tags: Some(["greenroom".to_owned(), "greenroom-staging".to_owned()].into()),
            cores: Some(2),
            digest: config.digest().map(str::to_owned),
            ..qemu::VmSettings::default()
        };
        let request = qemu::configure(&vm(2000), &settings);
        stage.run(&request);
        assert_eq!(
            stage.refused(&request).class,
            FaultClass::Changed,
            "another digest by now"
        );
        stage.run(&guest::start(&vm(2000)));
        assert!(stage.status(&vm(2000)).is_running());
        let twice = stage.begin(&guest::start(&vm(2000)));
        assert!(matches!(
            stage.end_of(&twice),
            TaskExit::Failed {
                class: FaultClass::Running,
                ..
            }
        ));
        assert_eq!(
            stage.refused(&guest::destroy(&vm(2000))).class,
            FaultClass::Running
        );
        stage.run(&guest::stop(&vm(2000), true));
        stage.run(&guest::stop(&vm(2000), true));
        stage.run(&guest::destroy(&vm(2000)));
        let gone: Option<GuestConfig> = stage.api.find("reading", &guest::config(&vm(2000))).unwrap();
        assert_eq!(gone, None);
        assert_eq!(stage.cluster.foreign_touched(USER), []);
    }
}

#[test]
fn a_container_is_locked_while_it_is_copied_and_says_so_at_once() {
    for stage in stages() {
        stage.cluster.takes("vzclone", Duration::from_secs(5));
        let task = stage.begin(&guest::clone(&container(9001), &copy(2000)));
        let second = stage.refused(&guest::clone(&container(9001), &copy(2001)));
        assert_eq!(second.class, FaultClass::ConfigLock("disk".to_owned()));
        stage.wait(5);
        assert_eq!(stage.end_of(&task), TaskExit::Ok);
        let at = container(2000);
        assert_eq!(
            stage.refused(&guest::stop(&at, false)).class,
            FaultClass::NotRunning
        );
        let change = ContainerSettings {
            tags: Some(["greenroom".to_owned()].into()),
            memory: Some(2048),
            ..ContainerSettings::default()
        };
        assert_eq!(
            stage
                .api
                .change("changing", &ct::configure(&at, &change))
                .unwrap(),
            None
        );
        assert_eq!(stage.config(&at).get("memory"), Some("2048"));
        stage.run(&guest::start(&at));
        assert_eq!(stage.refused(&guest::start(&at)).class, FaultClass::Running);
        let cards: Vec<ContainerCard> = stage.api.ask("looking", &ct::interfaces(&at)).unwrap();
        assert_eq!(cards[1].name, "eth0");
        stage.run(&guest::shutdown(&at, Duration::from_secs(10), true));
        stage.run(&guest::destroy(&at));
    }
}

fn from_image(id: u32, file: &str) -> NewContainer {
    NewContainer {
        id,
        template: format!("local:vztmpl/{file}.tar"),
        storage: "local-zfs".to_owned(),
        size: 8,
        unprivileged: true,
        nesting: false,
        pool: Some("staging".to_owned()),
        ssh_keys: None,
        settings: ContainerSettings {
            env: Some([("OURS".to_owned(), "1".to_owned())].into()),
            ..ContainerSettings::default()
        },
    }
}

#[test]
fn the_environment_of_an_image_wins_until_it_is_set_again() {
    for stage in stages() {
        let reference = "docker.io/library/nginx:1.27";
        stage.run(&storage::pull("pve1", "local", reference, "nginx"));
        let again = stage.refused(&storage::pull("pve1", "local", reference, "nginx"));
        assert_eq!(again.class, FaultClass::NameTaken);
        stage.run(&ct::create("pve1", &from_image(2000, "nginx")));
        let at = container(2000);
        let config = stage.config(&at);
        assert_eq!(config.get("env"), Some("PATH=/usr/bin:/bin\0FROM_IMAGE=1"));
        let ours = ContainerSettings {
            env: Some(
                [("OURS", "1"), ("TEXT", "a=b c")]
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .into(),
            ),
            ..ContainerSettings::default()
        };
        stage.api.change("changing", &ct::configure(&at, &ours)).unwrap();
        assert_eq!(stage.config(&at).get("env"), Some("OURS=1\0TEXT=a=b c"));
        let missing = stage.refused(&ct::create("pve1", &from_image(2001, "nope")));
        assert_eq!(missing.class, FaultClass::Missing);
    }
}

#[test]
fn an_id_that_is_taken_is_found_out_at_once_or_by_the_task() {
    for stage in stages() {
        stage.cluster.add_node("pve2");
        let own = stage.cluster.add_guest(vm(2000), "theirs");
        let other = stage.cluster.add_guest(GuestRef::vm("pve2", 2001), "theirs, too");
        let here = stage.refused(&guest::clone(&vm(9000), &copy(2000)));
        assert_eq!(here.class, FaultClass::Exists);
        let there = stage.begin(&guest::clone(&vm(9000), &copy(2001)));
        assert!(matches!(
            stage.end_of(&there),
            TaskExit::Failed {
                class: FaultClass::Exists,
                ..
            }
        ));
        let asked = stage
            .api
            .ask::<Id>("asking", &cluster::next_id(Some(2001)))
            .unwrap_err();
        assert_eq!(asked.class, FaultClass::Exists);
        assert_eq!(
            stage
                .api
                .ask::<Id>("asking", &cluster::next_id(Some(2002)))
                .unwrap(),
            Id(2002)
        );
        assert_eq!(
            stage.api.ask::<Id>("asking", &cluster::next_id(None)).unwrap(),
            Id(100)
        );
        stage.run(&storage::pull(
            "pve1",
            "local",
            "docker.io/library/nginx:1.27",
            "nginx",
        ));
        let created = stage.refused(&ct::create("pve1", &from_image(2001, "nginx")));
        assert_eq!(created.class, FaultClass::Exists);
        assert_eq!(stage.cluster.guest(2000).unwrap().serial, own);
        assert_eq!(stage.cluster.guest(2001).unwrap().serial, other);
        assert_eq!(
            stage.cluster.foreign_touched(USER),
            [],
            "to be refused is no write"
        );
    }
}

#[test]
fn a_protected_template_makes_protected_copies_and_used_templates_stay() {
    for stage in stages() {
        stage.cluster.edit(9000, |template| {
            template.config.insert("protection".to_owned(), "1".to_owned());
            template.config.insert("tags".to_owned(), "golden".to_owned());
        });
        stage.run(&guest::clone(&vm(9000), &copy(2000)));
        let config = stage.config(&vm(2000));
        assert!(config.is_on("protection") && config.tags().contains("golden"));
        assert_eq!(
            stage.refused(&guest::destroy(&vm(2000))).class,
            FaultClass::Protected
        );
        let settings = qemu::VmSettings {
            protection: Some(false),
            ..qemu::VmSettings::default()
        };
        let now = qemu::configure_now(&vm(2000), &settings);
        assert_eq!(stage.api.change("changing", &now).unwrap(), None);
        stage.cluster.edit(9000, |template| {
            template.config.remove("protection");
        });
        let used = stage.begin(&guest::destroy(&vm(9000)));
        assert!(matches!(
            stage.end_of(&used),
            TaskExit::Failed {
                class: FaultClass::InUse,
                ..
            }
        ));
        stage.run(&guest::destroy(&vm(2000)));
        assert_eq!(
            stage.cluster.foreign_touched(USER).len(),
            1,
            "the template was not ours"
        );
    }
}

#[test]
fn a_shutdown_holds_the_file_for_as_long_as_it_waits() {
    for stage in stages() {
        let at = stage.running_vm(2000);
        stage.cluster.edit(2000, |guest| guest.obeys = false);
        let patient = guest::shutdown(&at, Duration::from_secs(30), false);
        let waiting = stage.begin(&patient);
        assert_eq!(stage.refused(&guest::start(&at)).class, FaultClass::FileLock);
        stage.wait(30);
        assert!(matches!(
            stage.end_of(&waiting),
            TaskExit::Failed {
                class: FaultClass::ShutdownTimeout,
                ..
            }
        ));
        assert!(stage.status(&at).is_running());
        let waiting = stage.begin(&patient);
        assert_eq!(
            stage.refused(&guest::stop(&at, false)).class,
            FaultClass::FileLock
        );
        stage.run(&guest::stop(&at, true));
        assert_eq!(stage.end_of(&waiting), TaskExit::Unexpected, "it was overruled");
        assert!(!stage.status(&at).is_running());
        stage.run(&guest::start(&at));
        let forced = stage.begin(&guest::shutdown(&at, Duration::from_secs(30), true));
        stage.wait(30);
        assert_eq!(stage.end_of(&forced), TaskExit::Ok);
        assert!(!stage.status(&at).is_running());
    }
}

#[test]
fn under_high_availability_a_task_only_passes_the_wish_on() {
    for stage in stages() {
        stage.run(&guest::clone(&vm(9000), &copy(2000)));
        stage.cluster.edit(2000, |guest| guest.ha = true);
        stage.cluster.takes("qmstart", Duration::from_secs(5));
        let task = stage.begin(&guest::start(&vm(2000)));
        assert_eq!(
            (task.kind.as_str(), stage.end_of(&task)),
            ("hastart", TaskExit::Ok)
        );
        let status = stage.status(&vm(2000));
        assert!(status.is_ha_managed() && !status.is_running());
        stage.wait(5);
        assert!(stage.status(&vm(2000)).is_running());
    }
}

#[test]
fn the_agent_answers_once_the_guest_is_up() {
    for stage in stages() {
        stage
            .cluster
            .edit(9000, |template| template.boot = Duration::from_secs(8));
        stage.run(&guest::clone(&vm(9000), &copy(2000)));
        let at = vm(2000);
        assert_eq!(stage.refused(&agent::ping(&at)).class, FaultClass::NotRunning);
        let settings = qemu::VmSettings {
            addressing: Some(qemu::Addressing {
                address: "10.0.0.5".parse().unwrap(),
                prefix: 24,
                gateway: None,
            }),
            ..qemu::VmSettings::default()
        };
        stage.run(&qemu::configure(&at, &settings));
        stage.run(&guest::start(&at));
        assert_eq!(stage.refused(&agent::ping(&at)).class, FaultClass::AgentSilent);
        stage.wait(8);
        let pong: AgentResult = stage.api.ask("asking", &agent::ping(&at)).unwrap();
        assert_eq!(pong.error(), None);
        let seen: AgentResult = stage.api.ask("asking", &agent::interfaces(&at)).unwrap();
        let own = stage
            .config(&at)
            .property("net0", "virtio")
            .unwrap()
            .to_lowercase();
        let card = seen.cards().into_iter().find(|card| card.mac == own).unwrap();
        assert_eq!(card.addresses, ["10.0.0.5"]);
        commands_run(&stage, &at);
        stage.cluster.edit(2000, |guest| {
            guest.config.insert("agent".to_owned(), "enabled=0".to_owned());
        });
        assert_eq!(stage.refused(&agent::ping(&at)).class, FaultClass::NoAgent);
    }
}

fn commands_run(stage: &Stage, at: &GuestRef) {
    stage.cluster.on_exec(|exec| ExecOutcome {
        lasts: Duration::from_secs(3),
        exit_code: i32::from(exec.command[0] == "false"),
        output: format!("{}|{}", exec.command.join("|"), exec.input.unwrap_or_default()),
        errors: String::new(),
    });
    let words = ["docker", "run", "a b", "--env=A=1&B"].map(str::to_owned);
    let started: Started = stage
        .api
        .ask("starting", &agent::exec(at, &words, Some("in\n")))
        .unwrap();
    let look = || -> ExecStatus {
        stage
            .api
            .ask("looking", &agent::exec_status(at, started.pid))
            .unwrap()
    };
    assert!(!look().exited);
    stage.wait(3);
    let ended = look();
    assert_eq!((ended.exited, ended.exitcode), (true, Some(0)));
    assert_eq!(ended.out_data.as_deref(), Some("docker|run|a b|--env=A=1&B|in\n"));
    let file = agent::write_file(at, "/etc/app.env", "A=1\nB=ü\n");
    assert_eq!(stage.api.change("writing", &file).unwrap(), None);
    assert_eq!(
        stage.cluster.guest(at.id).unwrap().files["/etc/app.env"],
        "A=1\nB=ü\n"
    );
}

#[test]
fn only_the_newest_snapshot_is_gone_back_to_on_zfs_and_the_description_stays() {
    for stage in stages() {
        let at = stage.running_vm(2000);
        let can: Feature = stage.api.ask("asking", &guest::can_snapshot(&at)).unwrap();
        assert!(can.has_feature);
        for name in ["before-1", "before-2"] {
            stage.run(&guest::snapshot(&at, name, "greenroom"));
        }
        let taken = stage.refused(&guest::snapshot(&at, "before-1", ""));
        assert_eq!(taken.class, FaultClass::NameTaken);
        let change = qemu::VmSettings {
            description: Some("changed".to_owned()),
            tags: Some(["new".to_owned()].into()),
            ..qemu::VmSettings::default()
        };
        stage.run(&qemu::configure(&at, &change));
        let old = stage.begin(&guest::rollback(&at, "before-1", false));
        assert!(matches!(
            stage.end_of(&old),
            TaskExit::Failed {
                class: FaultClass::NotNewest,
                ..
            }
        ));
        stage.cluster.takes("qmstart", Duration::from_secs(2));
        stage.run(&guest::rollback(&at, "before-2", true));
        let config = stage.config(&at);
        assert_eq!(config.description(), "changed\n");
        assert!(config.tags().is_empty(), "{config:?}");
        assert!(!stage.status(&at).is_running(), "a task of its own starts it");
        stage.wait(2);
        assert!(stage.status(&at).is_running());
        stage.run(&guest::delete_snapshot(&at, "before-2"));
        let left: Vec<greenroom::adapters::proxmox::answers::Snapshot> =
            stage.api.ask("listing", &guest::snapshots(&at)).unwrap();
        let names: Vec<&str> = left.iter().map(|snapshot| snapshot.name.as_str()).collect();
        assert_eq!(names, ["before-1", "current"]);
    }
}

#[test]
fn disks_grow_and_never_shrink() {
    for stage in stages() {
        let at = stage.running_vm(2000);
        stage.run(&guest::resize(&at, "scsi0", "+2G", None));
        let size =
            || greenroom::adapters::proxmox::answers::disk_size(stage.config(&at).get("scsi0").unwrap());
        assert_eq!(size(), Some(10));
        stage.run(&guest::resize(&at, "scsi0", "20G", stage.config(&at).digest()));
        assert_eq!(size(), Some(20));
        assert!(
            stage
                .refused(&guest::resize(&at, "scsi0", "5G", None))
                .text
                .contains("shrinking")
        );
        assert_eq!(
            stage.refused(&guest::resize(&at, "scsi9", "50G", None)).class,
            FaultClass::Missing
        );
    }
}

#[test]
fn the_list_of_the_cluster_is_behind_and_filtered() {
    for stage in stages() {
        stage.run(&guest::clone(&vm(9000), &copy(2000)));
        stage.cluster.add_guest(vm(300), "theirs");
        let rows = |stage: &Stage| -> Vec<Resource> { stage.api.ask("listing", &cluster::guests()).unwrap() };
        let row = |stage: &Stage| rows(stage).into_iter().find(|row| row.vmid == 2000).unwrap();
        let new = row(&stage);
        assert_eq!(
            (new.status.as_deref(), new.name.as_deref()),
            (Some("unknown"), None)
        );
        assert_eq!(new.pool.as_deref(), Some("staging"));
        stage.wait(10);
        let known = row(&stage);
        assert_eq!(
            (known.status.as_deref(), known.name.as_deref()),
            (Some("stopped"), Some("web-2000"))
        );
        assert_eq!(known.guest(), Some(vm(2000)));
        stage
            .cluster
            .grant(USER, "/pool/staging", &["VM.Audit", "Pool.Audit"]);
        let ids: Vec<u32> = rows(&stage).iter().map(|row| row.vmid).collect();
        assert_eq!(ids, [2000]);
        let pools: Vec<Pool> = stage.api.ask("looking", &pool::show("staging")).unwrap();
        assert_eq!(pools[0].members[0].vmid, Some(2000));
    }
}

#[test]
fn pools_are_made_filled_and_removed() {
    for stage in stages() {
        let change = |request| stage.api.change("acting", &request);
        assert_eq!(change(pool::create("acceptance", "greenroom")).unwrap(), None);
        assert_eq!(
            change(pool::create("acceptance", "x")).unwrap_err().class,
            FaultClass::NameTaken
        );
        stage.cluster.add_guest(vm(300), "theirs");
        change(pool::add("acceptance", 300)).unwrap();
        assert_eq!(
            change(pool::delete("acceptance")).unwrap_err().class,
            FaultClass::InUse
        );
        stage.cluster.remove(300);
        change(pool::delete("acceptance")).unwrap();
        assert_eq!(
            change(pool::delete("acceptance")).unwrap_err().class,
            FaultClass::Missing
        );
        assert_eq!(
            stage.cluster.foreign_touched(USER).len(),
            1,
            "to be put into a pool is a write"
        );
    }
}

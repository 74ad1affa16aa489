//! What guests are made of, and what goes into them.

use super::stage::{SECRET, Stage, container, unit, vm};
use greenroom::adapters::proxmox::guest::Marker;
use greenroom::adapters::targets::proxmox::{ContainerSource, GuestSettings, GuestWorkload};
use greenroom::domain::model::{ErrorKind, Slot, Timestamp};
use greenroom::domain::oci::{Manifest, media};
use greenroom::ports::{Progress, Removal, Stop, Target};
use greenroom::testing::proxmox::FakeGuest;
use greenroom::testing::target::{PutNow as _, gone};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

fn docker() -> Option<GuestWorkload> {
    Some(GuestWorkload::Docker(8080))
}

#[test]
fn a_virtual_machine_gets_its_network_its_size_and_its_marker() {
    let stage = Stage::new();
    let settings = GuestSettings {
        protect: true,
        ..stage.settings(vm(None), 2)
    };
    let target = stage.target(settings);
    let release = stage.release("1.0.0");
    let put = target.put_now(&unit(1), Slot::Green, &release).unwrap();
    assert_eq!(put.address.unwrap().as_str(), "http://10.0.0.5:8080");
    let guest = stage.cluster.guest(2003).unwrap();
    let option = |name: &str| guest.config[name].as_str();
    assert_eq!(option("name"), "web-1-green");
    assert_eq!(option("ipconfig0"), "ip=10.0.0.5/22,gw=10.0.0.1");
    assert_eq!(
        (option("nameserver"), option("searchdomain")),
        ("10.0.0.53", "example")
    );
    assert_eq!((option("cores"), option("memory")), ("2", "2048"));
    assert_eq!((option("ciuser"), option("ciupgrade")), ("ada", "0"));
    assert_eq!(option("sshkeys"), "ssh-ed25519%20AAAA%2B%2F%3D%20ada");
    assert_eq!(
        option("tags"),
        "greenroom;greenroom-staging",
        "those of the template are gone"
    );
    assert_eq!(option("protection"), "1");
    assert!(option("scsi0").ends_with(",size=20G"), "{}", option("scsi0"));
    assert_eq!((guest.pool.as_deref(), guest.running), (Some("staging"), true));
    let marker = Marker::read(option("description")).unwrap();
    assert_eq!(
        (marker.id, &marker.unit, marker.slot),
        (2003, &unit(1), Slot::Green)
    );
    assert_eq!(marker.release, release.id());
    assert!(marker.protected && marker.identity.is_some());
    // What greenroom protects it can remove.
    gone(&target, &unit(1), Slot::Green, Stop::Graceful).unwrap();
    assert!(stage.cluster.guest(2003).is_none());
}

#[test]
fn the_protection_of_a_template_is_not_inherited() {
    let stage = Stage::new();
    let target = stage.target(stage.settings(vm(None), 1));
    target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    assert_eq!(stage.cluster.guest(2000).unwrap().config["protection"], "0");
}

#[test]
fn an_image_becomes_an_archive_once_and_its_environment_is_added_to() {
    let stage = Stage::new();
    let source = ContainerSource::Image {
        storage: "local".to_owned(),
        pull: false,
    };
    let target = stage.target(stage.settings(container(source), 2));
    let release = stage.release("1.0.0");
    for number in 0..2 {
        target.put_now(&unit(number), Slot::Blue, &release).unwrap();
    }
    let uploads = stage.cluster.log();
    let uploads = uploads.iter().filter(|call| call.path.ends_with("/upload"));
    assert_eq!(uploads.count(), 1, "once for both");
    let artifact = release.artifact.as_ref().unwrap();
    let volume = format!("local:vztmpl/web-{}.tar", &artifact.digest.hex()[..12]);
    let archive = stage.cluster.storage("local").unwrap().volumes[&volume]
        .bytes
        .clone();
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(archive.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(entry.path().unwrap().display().to_string(), bytes);
    }
    assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = Manifest::parse(&files["index.json"]).unwrap();
    assert_eq!(
        (index.media_type.as_str(), index.children().len()),
        (media::INDEX, 1)
    );
    assert_eq!(index.children()[0].digest, artifact.digest);
    let manifest = &files[&format!("blobs/sha256/{}", artifact.digest.hex())];
    for blob in Manifest::parse(manifest).unwrap().blobs() {
        let bytes = &files[&format!("blobs/sha256/{}", blob.digest.hex())];
        assert_eq!(bytes.len() as u64, blob.size);
    }
    let guest = stage.cluster.guest(2002).unwrap();
    let env: Vec<&str> = guest.config["env"].split('\0').collect();
    let password = format!("DB_PASSWORD={SECRET}");
    assert_eq!(
        env,
        [&password, "FROM_IMAGE=1", "LEVEL=debug", "PATH=/usr/bin:/bin"]
    );
    assert_eq!(guest.config["entrypoint"], "/entrypoint run", "the image's own");
    assert!(
        guest.config["net0"].contains("tag=12")
            && guest.config["net0"].contains("ip=10.0.0.4/22,gw=10.0.0.1")
    );
    let left = std::fs::read_dir(stage.scratch.path().join("scratch")).unwrap();
    assert_eq!(left.count(), 0, "nothing is left behind");
}

#[test]
fn a_half_uploaded_archive_is_uploaded_again() {
    let stage = Stage::new();
    let source = ContainerSource::Image {
        storage: "local".to_owned(),
        pull: false,
    };
    let release = stage.release("1.0.0");
    let digest = &release.artifact.as_ref().unwrap().digest;
    stage
        .cluster
        .add_volume(&format!("local:vztmpl/web-{}.tar", &digest.hex()[..12]), "vztmpl");
    let target = stage.target(stage.settings(container(source), 1));
    target.put_now(&unit(0), Slot::Blue, &release).unwrap();
    let log = stage.cluster.log();
    assert!(log.iter().any(|call| call.path.ends_with("/upload")));
}

#[test]
fn a_node_pulls_only_by_a_tag_that_points_at_the_release() {
    let stage = Stage::new();
    let source = ContainerSource::Image {
        storage: "local".to_owned(),
        pull: true,
    };
    let mut release = stage.release("1.0.0");
    release.artifact = Some(stage.image("other"));
    let target = stage.target(stage.settings(container(source), 1));
    let error = target.put_now(&unit(0), Slot::Blue, &release).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(
        error.to_string().contains("the tag 1.0.0 points at sha256:"),
        "{error}"
    );
    assert!(stage.cluster.guest(2000).is_none(), "nothing was made");
}

#[test]
fn secrets_reach_the_workload_and_nothing_else() {
    for workload in [
        GuestWorkload::Docker(8080),
        GuestWorkload::Command(vec!["/opt/service".to_owned(), "start".to_owned()]),
    ] {
        let stage = Stage::new();
        let docker = stage.docker();
        let target = stage.target(stage.settings(vm(Some(workload)), 1));
        let release = stage.release("1.0.0");
        let put = target.put_now(&unit(0), Slot::Blue, &release).unwrap();
        assert!(put.running);
        let commands = docker.lock().unwrap().commands.clone();
        let inputs: Vec<&String> = commands.iter().filter_map(|(_, input)| input.as_ref()).collect();
        assert_eq!(inputs, [&format!("DB_PASSWORD={SECRET}\nLEVEL=debug\n")]);
        for (words, _) in &commands {
            assert!(!words.iter().any(|word| word.contains(SECRET)), "{words:?}");
        }
        for call in stage.cluster.log() {
            let seen = call
                .params
                .iter()
                .filter(|(name, value)| value.contains(SECRET) && name != "input-data");
            assert_eq!(seen.count(), 0, "{call:?}");
            assert!(!call.path.contains(SECRET));
        }
        let text = format!("{:?}", stage.cluster.guest(2000).unwrap());
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn a_run_that_fails_is_told_without_secrets() {
    let stage = Stage::new();
    let docker_state = stage.docker();
    docker_state.lock().unwrap().refusal = Some(format!("pull access denied for {SECRET}\nbye"));
    let target = stage.target(stage.settings(vm(docker()), 1));
    let error = target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    insta::assert_snapshot!(error.to_string(), @"starting web-0 (blue): running the image in VM 2000 on pve1: exit status 125: pull access denied for *** bye");
    let seen = target
        .inspect(&unit(0))
        .unwrap()
        .slots
        .remove(&Slot::Blue)
        .unwrap();
    assert!(!seen.running, "what is to run in it does not");
    assert!(seen.note.unwrap().contains("was not started"));
}

#[test]
fn what_a_guest_cannot_be_handed_is_refused_before_anything_is_made() {
    let stage = Stage::new();
    let mut release = stage.release("1.0.0");
    release.variables.insert("KEY".to_owned(), "a\nb".to_owned());
    let target = stage.target(stage.settings(vm(docker()), 1));
    let error = target.put_now(&unit(0), Slot::Blue, &release).unwrap_err();
    assert!(
        error.to_string().contains("the value of KEY holds a line end"),
        "{error}"
    );
    let mut release = stage.release("1.0.0");
    if let Some(artifact) = &mut release.artifact {
        artifact.repository = "web".to_owned();
    }
    let error = target.put_now(&unit(0), Slot::Blue, &release).unwrap_err();
    assert!(error.to_string().contains("push it to a registry"), "{error}");
    assert!(stage.cluster.guest(2000).is_none());
}

#[test]
fn a_guest_without_a_network_of_ours_is_found_where_its_network_put_it() {
    let stage = Stage::new();
    stage.cluster.edit(9000, |guest| {
        guest
            .config
            .insert("ipconfig0".to_owned(), "ip=192.168.7.9/24".to_owned());
    });
    let settings = GuestSettings {
        network: None,
        ..stage.settings(vm(None), 1)
    };
    let target = stage.target(settings);
    let put = target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    assert_eq!(put.address.unwrap().as_str(), "http://192.168.7.9:8080");
}

#[test]
fn a_guest_waits_for_its_agent() {
    let stage = Stage::new();
    let _docker = stage.docker();
    stage
        .cluster
        .edit(9000, |guest| guest.boot = Duration::from_secs(30));
    let target = stage.target(stage.settings(vm(docker()), 1));
    let release = stage.release("1.0.0");
    let mut waited = 0;
    loop {
        match target.put(&unit(0), Slot::Blue, &release).unwrap() {
            Progress::Done(_) => break,
            Progress::Underway(words) => {
                let started = stage.cluster.guest(2000).is_some_and(|guest| guest.running);
                waited += usize::from(words == "waits for the guest agent of VM 2000 on pve1");
                assert!(started || waited == 0);
                stage.clock.advance(Duration::from_secs(1));
            }
        }
        assert!(stage.clock_passed() < 60);
    }
    assert!(waited > 20, "{waited}");
}

#[test]
fn an_agent_that_is_switched_off_is_an_error_that_says_how_to_switch_it_on() {
    let stage = Stage::new();
    stage.cluster.edit(9000, |guest| {
        guest.config.remove("agent");
    });
    let target = stage.target(stage.settings(vm(docker()), 1));
    let error = target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("qm set ID --agent enabled=1"),
        "{error}"
    );
}

#[test]
fn logs_are_those_of_the_container_else_those_of_the_last_task() {
    let stage = Stage::new();
    let _docker = stage.docker();
    let target = stage.target(stage.settings(vm(docker()), 1));
    target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    assert_eq!(target.logs(&unit(0), Slot::Blue, 2).unwrap(), "line 0\nline 1\n");
    assert_eq!(target.logs(&unit(0), Slot::Green, 2).unwrap(), "");
    let stage = Stage::new();
    let target = stage.target(stage.settings(vm(None), 1));
    target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    assert_eq!(target.logs(&unit(0), Slot::Blue, 5).unwrap(), "TASK OK\n");
}

#[test]
fn a_guest_that_ignores_its_shutdown_is_turned_off_when_it_is_forced() {
    let stage = Stage::new();
    stage.cluster.edit(9000, |guest| guest.obeys = false);
    let target = stage.target(stage.settings(vm(None), 1));
    target
        .put_now(&unit(0), Slot::Blue, &stage.release("1.0.0"))
        .unwrap();
    for _ in 0..5 {
        assert_eq!(
            target.remove(&unit(0), Slot::Blue, Stop::Graceful).unwrap(),
            Removal::Stopping
        );
        stage.clock.advance(Duration::from_secs(5));
    }
    // A process that knows nothing of it waits as well.
    let other = stage.target(stage.settings(vm(None), 1));
    assert_eq!(
        other.remove(&unit(0), Slot::Blue, Stop::Graceful).unwrap(),
        Removal::Stopping
    );
    gone(&other, &unit(0), Slot::Blue, Stop::Force).unwrap();
    assert!(stage.cluster.guest(2000).is_none());
}

#[test]
fn guests_whose_time_is_up_are_swept_and_no_others() {
    let stage = Stage::new();
    let release = stage.release("1.0.0");
    let start = Timestamp::from_unix_millis(1_795_176_000_000);
    let temporary = |environment: &str, ids, minutes: u64| GuestSettings {
        environment: environment.parse().unwrap(),
        ids,
        prefix: Some("acceptance".to_owned()),
        expires: Some(start.plus(greenroom::domain::model::Period::from_secs(minutes * 60))),
        protect: true,
        ..stage.settings(vm(None), 1)
    };
    let early = stage.target(temporary("acceptance", 2000..=2009, 5));
    let late = stage.target(temporary("test", 2010..=2019, 60));
    let stays = stage.target(GuestSettings {
        ids: 2020..=2029,
        ..stage.settings(vm(None), 1)
    });
    for target in [&early, &late, &stays] {
        target.put_now(&unit(0), Slot::Blue, &release).unwrap();
    }
    assert_eq!(stage.cluster.guest(2000).unwrap().name(), "acceptance-web-0-blue");
    let everything = stage.target(GuestSettings {
        ids: 2000..=2099,
        ..stage.settings(vm(None), 1)
    });
    let sweeper = everything.guests();
    assert_eq!(sweeper.all().unwrap().len(), 3);
    assert!(sweeper.overdue().unwrap().is_empty());
    stage.clock.advance(Duration::from_secs(600));
    let overdue = sweeper.overdue().unwrap();
    let ids: Vec<u32> = overdue.iter().map(|made| made.guest.id).collect();
    assert_eq!(ids, [2000]);
    for other in sweeper.all().unwrap().iter().filter(|made| made.guest.id != 2000) {
        assert_eq!(sweeper.remove(other).unwrap_err().kind, ErrorKind::Denied);
    }
    // Between the list and the removal the id is used again.
    let serial = stage.cluster.recycle(2000, "important");
    assert!(sweeper.remove(&overdue[0]).is_err());
    assert_eq!(stage.cluster.touched(serial), []);
    stage.cluster.remove(2000);
    early.put_now(&unit(0), Slot::Blue, &release).unwrap();
    let again = sweeper.overdue().unwrap();
    while sweeper.remove(&again[0]).unwrap() != Removal::Gone {}
    let left: Vec<u32> = stage.cluster.guests().iter().map(FakeGuest::id).collect();
    assert_eq!(left, [2010, 2020, 9000, 9100]);
}

//! The local target with real processes.

use crate::support::own_test::own_test;
use greenroom::adapters::builder::files::{Base, FilesBuilder, FilesImage, LayerSource};
use greenroom::adapters::registry::layout::LayoutRegistry;
use greenroom::adapters::targets::local::{LocalSettings, LocalSweeper, LocalTarget, units};
use greenroom::domain::model::{
    EnvironmentName, ErrorKind, Instance, Release, SecretSource, Slot, Timestamp, UnitId,
};
use greenroom::host::clock::SystemClock;
use greenroom::host::process::ProcessIdentity;
use greenroom::host::secrets::Secrets;
use greenroom::ports::{BuildRequest, Builder, Registry, Removal, Stop, Target};
use greenroom::testing::clock::WaitlessClock;
use greenroom::testing::sweeper::{SweeperCase, sweeper_contract};
use greenroom::testing::target::{PutNow as _, TargetCase, gone, target_contract};
use rustix::process::{Pid, Signal};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Says what it was given, starts a process of its own, and waits until it is asked to stop.
const SERVICE: &str = r#"#!/bin/sh
echo "version $GREENROOM_VERSION in $GREENROOM_SLOT of $GREENROOM_UNIT on port $PORT"
echo "$LEVEL $GREETING $TOKEN $(cat config) $*"
sleep 600 &
trap 'echo finishing; kill $! 2>/dev/null; exit 0' TERM
wait
"#;

struct World {
    root: PathBuf,
    temporary: Option<tempfile::TempDir>,
    registry: Arc<LayoutRegistry>,
}

impl World {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut world = Self::at(temporary.path().to_owned());
        world.temporary = Some(temporary);
        world
    }

    fn at(root: PathBuf) -> Self {
        let registry = Arc::new(LayoutRegistry::open(root.join("images")));
        Self {
            root,
            temporary: None,
            registry,
        }
    }

    fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// A target on the state directory, as a new greenroom process would have it.
    fn target(&self) -> LocalTarget {
        self.target_of(self.state(), "test", None)
    }

    fn target_of(&self, state: PathBuf, environment: &str, expires: Option<Timestamp>) -> LocalTarget {
        let settings = LocalSettings {
            expires,
            state_directory: state,
            service: "web".into(),
            environment: environment.parse().unwrap(),
            port_variable: "PORT".into(),
            command: None,
            base_variables: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            parallelism: 8,
        };
        let environment = BTreeMap::from([("APP_TOKEN".to_owned(), "swordfish".to_owned())]);
        let secrets = Secrets::new(environment, self.root.clone());
        let registry: Arc<dyn Registry> = self.registry.clone();
        LocalTarget::new(
            settings,
            registry,
            Arc::new(WaitlessClock(SystemClock::new())),
            secrets,
        )
    }

    /// A release whose image holds `script`.
    fn release(&self, version: &str, script: &str) -> Release {
        let app = self.root.join(format!("app-{version}"));
        fs::create_dir_all(&app).unwrap();
        fs::write(app.join("server"), script).unwrap();
        fs::write(app.join("config"), format!("config of {version}")).unwrap();
        fs::set_permissions(app.join("server"), fs::Permissions::from_mode(0o755)).unwrap();
        let image = FilesImage {
            base: Base::Scratch,
            layers: vec![LayerSource {
                from: app,
                to: "/app".into(),
            }],
            entrypoint: vec!["/app/server".into()],
            command: vec!["--quiet".into()],
            env: BTreeMap::from([("LEVEL".to_owned(), "info".to_owned())]),
            working_directory: Some("/app".into()),
            ports: vec![],
            user: None,
            platforms: Vec::new(),
        };
        let request = BuildRequest {
            repository: "web".into(),
            tags: vec![],
            labels: BTreeMap::new(),
            created: Timestamp::from_unix_millis(0),
        };
        let staging = self.root.join("staging");
        let artifact = FilesBuilder::new(image, self.registry.clone(), staging)
            .build(&request)
            .unwrap();
        Release {
            version: version.parse().unwrap(),
            artifact: Some(artifact),
            commit: None,
            variables: BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]),
            secrets: BTreeMap::from([("TOKEN".to_owned(), SecretSource::Env("APP_TOKEN".into()))]),
        }
    }

    fn record(&self, unit: &UnitId, slot: Slot) -> PathBuf {
        self.state()
            .join("units")
            .join(unit.as_str())
            .join(slot.as_str())
            .join("instance.json")
    }

    fn process(&self, unit: &UnitId, slot: Slot) -> ProcessIdentity {
        let record: serde_json::Value =
            serde_json::from_slice(&fs::read(self.record(unit, slot)).unwrap()).unwrap();
        serde_json::from_value(record["process"].clone()).unwrap()
    }

    /// Every process that runs from this state directory.
    fn processes(&self) -> Vec<u32> {
        let state = self.state();
        let wanted = format!(
            "GREENROOM_STATE={}",
            state.canonicalize().unwrap_or(state).display()
        );
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
                continue;
            };
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let ours = environment.split(|b| *b == 0).any(|v| v == wanted.as_bytes());
            if ours && ProcessIdentity::of(pid).is_ok_and(|process| process.is_alive()) {
                found.push(pid);
            }
        }
        found
    }

    /// Kills them, and says how many there were.
    fn kill_all(&self) -> usize {
        let processes = self.processes();
        for pid in &processes {
            let _ = rustix::process::kill_process(Pid::from_raw(*pid as i32).unwrap(), Signal::KILL);
        }
        processes.len()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        while self.kill_all() > 0 {}
    }
}

fn unit() -> UnitId {
    "web-1".parse().unwrap()
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
    }
}

fn kill(process: &ProcessIdentity) {
    rustix::process::kill_process(Pid::from_raw(process.pid as i32).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn the_local_target_keeps_the_contract() {
    let world = World::new();
    let target = world.target();
    let case = TargetCase {
        target: &target,
        unit: unit(),
        first: world.release("1.0", SERVICE),
        second: world.release("2.0", SERVICE),
        kill: &|_: &Instance| kill(&world.process(&unit(), Slot::Blue)),
    };
    target_contract(&case).unwrap();
    assert_eq!(world.processes(), Vec::<u32>::new());
    assert!(target.orphans().unwrap().is_empty());
}

#[test]
fn the_service_gets_its_environment_files_and_arguments_and_its_log_is_kept() {
    let world = World::new();
    let target = world.target();
    let instance = target
        .put_now(&unit(), Slot::Green, &world.release("1.0", SERVICE))
        .unwrap();
    let port = instance.address.unwrap().authority().replace("127.0.0.1:", "");
    let log = || target.logs(&unit(), Slot::Green, 10).unwrap();
    until("the service's first words", || log().lines().count() >= 2);
    assert_eq!(
        log(),
        format!("version 1.0 in green of web-1 on port {port}\ninfo hello *** config of 1.0 --quiet\n")
    );
    assert_eq!(
        target.remove(&unit(), Slot::Green, Stop::Graceful).unwrap(),
        Removal::Stopping
    );
    let note = target.inspect(&unit()).unwrap().slots[&Slot::Green].note.clone();
    assert!(note.is_some());
    gone(&target, &unit(), Slot::Green, Stop::Graceful).unwrap();
    assert!(
        log().ends_with("hello *** config of 1.0 --quiet\nfinishing\n"),
        "it finished by itself: {}",
        log()
    );
    assert!(!world.record(&unit(), Slot::Green).exists());
}

#[test]
fn an_instance_outlives_greenroom_and_is_known_to_the_next_one() {
    let world = World::new();
    let release = world.release("1.0", SERVICE);
    let put = world.target().put_now(&unit(), Slot::Blue, &release).unwrap();
    let next = world.target();
    let seen = next.inspect(&unit()).unwrap().slots.remove(&Slot::Blue).unwrap();
    assert_eq!((seen.running, &seen.address), (true, &put.address));
    assert_eq!(next.put_now(&unit(), Slot::Blue, &release).unwrap(), put);
    gone(&next, &unit(), Slot::Blue, Stop::Force).unwrap();
    until("the end of every process", || world.processes().is_empty());
}

#[test]
fn a_crash_at_any_point_of_a_start_leaves_no_orphan() {
    let world = World::new();
    let release = world.release("1.0", SERVICE);
    let target = world.target();

    // Ended after the process was started and before it was written down.
    let put = target.put_now(&unit(), Slot::Blue, &release).unwrap();
    let first = world.process(&unit(), Slot::Blue);
    // Some seconds ago, that is.
    let forget_process = || {
        let path = world.record(&unit(), Slot::Blue);
        let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        record["process"] = serde_json::Value::Null;
        record["started"] = "2026-01-01T00:00:00.000Z".into();
        fs::write(&path, record.to_string()).unwrap();
    };
    forget_process();
    let next = world.target();
    assert!(next.inspect(&unit()).unwrap().slots[&Slot::Blue].running);
    let taken_over = next.put_now(&unit(), Slot::Blue, &release).unwrap();
    assert_eq!((taken_over.running, &taken_over.address), (true, &put.address));
    assert_eq!(world.process(&unit(), Slot::Blue), first);
    forget_process();
    gone(&world.target(), &unit(), Slot::Blue, Stop::Graceful).unwrap();
    until("the end of every process", || world.processes().is_empty());

    // Ended after the record was written and before the process was started.
    target.put_now(&unit(), Slot::Blue, &release).unwrap();
    forget_process();
    until("the end of every process", || world.kill_all() == 0);
    let next = world.target();
    let seen = next.inspect(&unit()).unwrap().slots.remove(&Slot::Blue).unwrap();
    assert_eq!(
        seen.note.as_deref(),
        Some("was never started: greenroom was ended before")
    );
    let again = next.put_now(&unit(), Slot::Blue, &release).unwrap();
    assert!(again.running && again.address != put.address);
    gone(&next, &unit(), Slot::Blue, Stop::Force).unwrap();
    assert!(next.orphans().unwrap().is_empty());
}

#[test]
fn what_a_dead_service_left_running_ends_with_it() {
    let world = World::new();
    let target = world.target();
    let release = world.release("1.0", SERVICE);
    target.put_now(&unit(), Slot::Blue, &release).unwrap();
    until("its child", || world.processes().len() == 2);
    kill(&world.process(&unit(), Slot::Blue));
    until("its end", || {
        !target.inspect(&unit()).unwrap().slots[&Slot::Blue].running
    });
    let note = target.inspect(&unit()).unwrap().slots[&Slot::Blue]
        .note
        .clone()
        .unwrap();
    assert!(
        note.starts_with("ended within ") && note.contains("signal: 9"),
        "{note}"
    );
    gone(&target, &unit(), Slot::Blue, Stop::Graceful).unwrap();
    assert_eq!(world.processes(), Vec::<u32>::new());
}

#[test]
fn a_record_with_a_recycled_process_id_kills_nobody() {
    let world = World::new();
    let target = world.target();
    let release = world.release("1.0", SERVICE);
    target.put_now(&unit(), Slot::Blue, &release).unwrap();
    gone(&target, &unit(), Slot::Green, Stop::Force).unwrap();
    let path = world.record(&unit(), Slot::Blue);
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut bystander = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    // The id is now the bystander's, the rest is not.
    record["process"]["pid"] = bystander.id().into();
    record["process"]["started"] = 1.into();
    record["token"] = "f".repeat(32).into();
    fs::write(&path, record.to_string()).unwrap();
    assert!(!target.inspect(&unit()).unwrap().slots[&Slot::Blue].running);
    gone(&target, &unit(), Slot::Blue, Stop::Force).unwrap();
    assert!(bystander.try_wait().unwrap().is_none(), "the bystander lives");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    // The real one has now no record: that is what an orphan is.
    assert!(!target.orphans().unwrap().is_empty());
}

#[test]
fn what_greenroom_did_not_make_is_not_touched() {
    let world = World::new();
    let release = world.release("1.0", SERVICE);
    let target = world.target();
    let slot = world.state().join("units/web-1/blue");
    target.put_now(&unit(), Slot::Green, &release).unwrap();
    fs::create_dir_all(&slot).unwrap();
    fs::write(slot.join("theirs"), "x").unwrap();
    let seen = target.inspect(&unit()).unwrap();
    assert!(seen.foreign.unwrap().contains("theirs"));
    for refused in [
        target.put_now(&unit(), Slot::Blue, &release).unwrap_err(),
        target.remove(&unit(), Slot::Blue, Stop::Force).unwrap_err(),
    ] {
        assert_eq!(refused.kind, ErrorKind::Denied);
    }
    assert_eq!(fs::read_to_string(slot.join("theirs")).unwrap(), "x");
    gone(&target, &unit(), Slot::Green, Stop::Force).unwrap();

    let strange = World::new();
    fs::create_dir_all(strange.state()).unwrap();
    fs::write(strange.state().join("photos"), "").unwrap();
    let error = strange
        .target()
        .put_now(&unit(), Slot::Blue, &release)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(
        strange
            .target()
            .inspect(&unit())
            .unwrap()
            .foreign
            .unwrap()
            .contains("photos")
    );
}

#[test]
fn what_cannot_be_started_says_why_and_leaves_nothing() {
    let world = World::new();
    let target = world.target();
    let good = world.release("1.0", SERVICE);
    let mut no_secret = good.clone();
    no_secret
        .secrets
        .insert("X".into(), SecretSource::Env("ABSENT".into()));
    let mut no_image = good.clone();
    no_image.artifact = None;
    let no_interpreter = world.release("3.0", "#!/no/such/interpreter\n");
    for (release, words) in [
        (&no_secret, "the environment variable ABSENT is not set"),
        (&no_image, "has no image"),
        (&no_interpreter, "the interpreter or loader"),
    ] {
        let error = target.put_now(&unit(), Slot::Blue, release).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(target.inspect(&unit()).unwrap().slots.is_empty());
    }
    assert_eq!(world.processes(), Vec::<u32>::new());
}

#[test]
fn many_units_start_at_once_each_with_its_own_port() {
    let world = World::new();
    let target = world.target();
    let release = world.release("1.0", SERVICE);
    let units = units("web", 12).unwrap();
    let begun = Instant::now();
    let mut addresses: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> = units
            .iter()
            .map(|unit| scope.spawn(|| target.put_now(unit, Slot::Blue, &release).unwrap()))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap().address.unwrap().to_string())
            .collect()
    });
    let took = begun.elapsed();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 12);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(
        fs::read_dir(world.state().join("images")).unwrap().count(),
        1,
        "unpacked once"
    );
    for unit in &units {
        gone(&target, unit, Slot::Blue, Stop::Force).unwrap();
    }
    until("the end of every process", || world.processes().is_empty());
}

#[test]
fn the_image_for_this_platform_is_chosen_from_an_index() {
    let world = World::new();
    let mut release = world.release("1.0", SERVICE);
    let image = release.artifact.clone().unwrap();
    let size = world.registry.manifest("web", &image.digest).unwrap().len();
    let platform = greenroom::host::platform::Platform::host();
    let index = |os: &str, architecture: &str| {
        let index = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": image.digest, "size": size,
                "platform": { "os": os, "architecture": architecture },
            }],
        });
        world
            .registry
            .push_manifest("web", index.to_string().as_bytes(), &[])
            .unwrap()
    };
    let target = world.target();
    release.artifact.as_mut().unwrap().digest = index("plan9", "mips");
    let error = target.put_now(&unit(), Slot::Blue, &release).unwrap_err();
    assert!(error.to_string().contains("built for plan9/mips"), "{error}");
    release.artifact.as_mut().unwrap().digest = index(&platform.os, &platform.architecture);
    assert!(target.put_now(&unit(), Slot::Blue, &release).unwrap().running);
    gone(&target, &unit(), Slot::Blue, Stop::Force).unwrap();
}

#[test]
fn a_killed_unpacking_is_cleared_away_and_an_image_of_an_earlier_boot_unpacked_anew() {
    let world = World::new();
    let target = world.target();
    let release = world.release("1.0", SERVICE);
    let images = world.state().join("images");
    target.put_now(&unit(), Slot::Blue, &release).unwrap();
    gone(&target, &unit(), Slot::Blue, Stop::Force).unwrap();

    let image = images.join(release.artifact.as_ref().unwrap().digest.hex());
    let marker = image.join("image.json");
    let text = fs::read_to_string(&marker).unwrap();
    let boot = ProcessIdentity::current().unwrap().boot;
    fs::write(&marker, text.replace(&boot, "an earlier boot")).unwrap();
    fs::write(image.join("rootfs/app/server"), "").unwrap();
    fs::create_dir_all(images.join(".stage-1-1-ab/rootfs")).unwrap();
    target.put_now(&unit(), Slot::Blue, &release).unwrap();
    assert_eq!(
        fs::read_to_string(image.join("rootfs/app/server")).unwrap(),
        SERVICE
    );
    let names: Vec<PathBuf> = list(&images);
    assert_eq!(names, [image]);
    gone(&target, &unit(), Slot::Blue, Stop::Force).unwrap();
}

#[test]
fn a_damaged_layer_is_not_run() {
    let world = World::new();
    let release = world.release("1.0", SERVICE);
    let image = release.artifact.as_ref().unwrap();
    let manifest: serde_json::Value =
        serde_json::from_slice(&world.registry.manifest("web", &image.digest).unwrap()).unwrap();
    let layer = manifest["layers"][0]["digest"]
        .as_str()
        .unwrap()
        .replace("sha256:", "");
    let blob = world.root.join("images/web/blobs/sha256").join(layer);
    let whole = fs::read(&blob).unwrap();
    let end = whole.len() - 1;
    // Content, the archive's checksum, a missing end, something behind the end.
    let damaged = [
        [&whole[..40], &[whole[40] ^ 1], &whole[41..]].concat(),
        [&whole[..end], &[whole[end] ^ 1]].concat(),
        whole[..end - 8].to_vec(),
        [&whole[..], b"more"].concat(),
    ];
    let target = world.target();
    for content in damaged {
        fs::write(&blob, content).unwrap();
        let error = target.put_now(&unit(), Slot::Blue, &release).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        assert_eq!(list(&world.state().join("images")), Vec::<PathBuf>::new());
    }
    fs::write(&blob, whole).unwrap();
    assert!(target.put_now(&unit(), Slot::Blue, &release).unwrap().running);
    gone(&target, &unit(), Slot::Blue, Stop::Force).unwrap();
}

fn list(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
#[ignore = "run by the test below, which kills it"]
fn puts_and_removes_until_it_is_killed() {
    let world = World::at(std::env::current_dir().unwrap());
    let release: Release =
        serde_json::from_slice(&fs::read(world.root.join("release.json")).unwrap()).unwrap();
    let target = world.target();
    loop {
        for slot in Slot::BOTH {
            target.put_now(&unit(), slot, &release).unwrap();
        }
        for slot in Slot::BOTH {
            gone(&target, &unit(), slot, Stop::Force).unwrap();
        }
    }
}

#[test]
fn greenroom_may_be_killed_at_any_moment_and_nothing_is_orphaned() {
    let world = World::new();
    let release = world.release("1.0", SERVICE);
    fs::write(
        world.root.join("release.json"),
        serde_json::to_vec(&release).unwrap(),
    )
    .unwrap();
    for round in 0..25_u64 {
        let mut greenroom = own_test(module_path!(), "puts_and_removes_until_it_is_killed")
            .current_dir(&world.root)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let moment = Instant::now() + Duration::from_micros(4_000 + round * 1_777);
        until("the moment", || Instant::now() >= moment);
        greenroom.kill().unwrap();
        greenroom.wait().unwrap();

        let next = world.target();
        for slot in Slot::BOTH {
            until("a new start", || match next.put_now(&unit(), slot, &release) {
                Ok(instance) => instance.running,
                Err(error) if error.kind == ErrorKind::Transient => false,
                Err(error) => panic!("{error}"),
            });
        }
        assert!(next.orphans().unwrap().is_empty(), "round {round}");
        for slot in Slot::BOTH {
            gone(&next, &unit(), slot, Stop::Force).unwrap();
        }
        assert_eq!(world.processes(), Vec::<u32>::new(), "round {round}");
    }
}

#[test]
fn what_was_made_for_a_time_is_swept() {
    let world = World::new();
    let release = world.release("1.0", SERVICE);
    let directory = |environment: &EnvironmentName| world.root.join("all").join(environment.as_str());
    let make = |environment: &EnvironmentName, expires: Option<Timestamp>| {
        let target = world.target_of(directory(environment), environment.as_str(), expires);
        target.put_now(&unit(), Slot::Blue, &release).unwrap();
    };
    // What stands there beside is nobody's business.
    fs::create_dir_all(world.root.join("all/theirs")).unwrap();
    let none = "none".parse().unwrap();
    let sweeper = LocalSweeper::beside(world.target_of(directory(&none), "none", None));
    let at = Timestamp::from_unix_millis(1_795_176_000_000);
    sweeper_contract(&SweeperCase {
        sweeper: &sweeper,
        make: &make,
        stands: &|environment| directory(environment).exists(),
        pause: &std::thread::yield_now,
        at,
    })
    .unwrap();
    assert!(world.root.join("all/theirs").exists());
    let stays = "stays".parse().unwrap();
    let target = world.target_of(directory(&stays), "stays", None);
    gone(&target, &unit(), Slot::Blue, Stop::Force).unwrap();
}

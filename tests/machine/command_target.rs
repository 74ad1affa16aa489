//! The command target with real commands: a "platform" that is a directory with one file per unit.

use greenroom::adapters::targets::command::{CommandSettings, CommandTarget};
use greenroom::app::template::Templates;
use greenroom::domain::model::{ErrorKind, Instance, Period, Release, SecretSource, Slot, Timestamp, UnitId};
use greenroom::host::runner::LocalRunner;
use greenroom::host::secrets::Secrets;
use greenroom::ports::{Removal, Runner, Stop, Target};
use greenroom::testing::clock::{FakeClock, WaitlessClock};
use greenroom::testing::runner::ScriptedRunner;
use greenroom::testing::scenario;
use greenroom::testing::target::{PutNow as _, TargetCase, target_contract};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Shows the first second of 1970, for ever.
fn clock() -> WaitlessClock<FakeClock> {
    WaitlessClock(FakeClock::at(Timestamp::from_unix_millis(1_000)))
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

fn unit() -> UnitId {
    "host-1".parse().unwrap()
}

fn release(version: &str) -> Release {
    Release {
        variables: BTreeMap::from([("COLOUR".to_owned(), "green".to_owned())]),
        secrets: BTreeMap::from([("TOKEN".to_owned(), SecretSource::Env("APP_TOKEN".into()))]),
        ..scenario::release(version)
    }
}

struct World {
    root: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("platform")).unwrap();
        Self { root }
    }

    fn platform(&self) -> PathBuf {
        self.root.path().join("platform")
    }

    /// Deploys write their version into the unit's file; status prints it.
    fn settings(&self) -> CommandSettings {
        CommandSettings {
            service: "web".into(),
            environment: "test".parse().unwrap(),
            deploy: words(&[
                "sh",
                "-c",
                "echo deploying $1; echo $1 > $2",
                "deploy",
                "{{ version }}",
                "platform/{{ unit }}",
            ]),
            status: words(&["cat", "platform/{{ unit }}"]),
            remove: Some(words(&["rm", "-f", "platform/{{ unit }}"])),
            rollback: None,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            timeout: Period::from_secs(20),
            directory: None,
            url: Some("http://127.0.0.1:1".parse().unwrap()),
            state_directory: self.root.path().join("state"),
            take_over: false,
            parallelism: 4,
        }
    }

    fn target(&self, settings: CommandSettings) -> CommandTarget {
        let path = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let runner = LocalRunner::new(&path, self.root.path().to_owned());
        self.target_with(settings, Arc::new(runner))
    }

    fn target_with(&self, settings: CommandSettings, runner: Arc<dyn Runner>) -> CommandTarget {
        let environment = BTreeMap::from([("APP_TOKEN".to_owned(), "swordfish".to_owned())]);
        let secrets = Secrets::new(environment.clone(), self.root.path().to_owned());
        let render = Templates::new(
            environment,
            &release("1").secrets.into_values().collect::<Vec<_>>(),
        );
        CommandTarget::new(settings, runner, Arc::new(clock()), secrets, render.renderer())
    }
}

#[test]
fn the_command_target_keeps_the_contract() {
    let world = World::new();
    let target = world.target(world.settings());
    let case = TargetCase {
        target: &target,
        unit: unit(),
        first: release("1.0"),
        second: release("2.0"),
        kill: &|_: &Instance| fs::remove_file(world.platform().join("host-1")).unwrap(),
    };
    target_contract(&case).unwrap();
    assert_eq!(fs::read_dir(world.platform()).unwrap().count(), 0);
}

#[test]
fn what_runs_already_is_not_replaced_unless_allowed() {
    let world = World::new();
    fs::write(world.platform().join("host-1"), "0.9\n").unwrap();
    let target = world.target(world.settings());
    let words = target.inspect(&unit()).unwrap().foreign.unwrap();
    assert!(
        words.contains("0.9") && words.contains("did not deploy"),
        "{words}"
    );
    let error = target.put_now(&unit(), Slot::Blue, &release("1.0")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(
        target.remove(&unit(), Slot::Blue, Stop::Force).unwrap(),
        Removal::Gone
    );
    assert_eq!(
        fs::read_to_string(world.platform().join("host-1")).unwrap(),
        "0.9\n"
    );

    let mut settings = world.settings();
    settings.take_over = true;
    let target = world.target(settings);
    assert_eq!(target.inspect(&unit()).unwrap().foreign, None);
    target.put_now(&unit(), Slot::Blue, &release("1.0")).unwrap();
    assert_eq!(
        fs::read_to_string(world.platform().join("host-1")).unwrap(),
        "1.0\n"
    );
    // Somebody else deploys over it.
    fs::write(world.platform().join("host-1"), "6.6\n").unwrap();
    let target = world.target(world.settings());
    assert!(target.inspect(&unit()).unwrap().foreign.unwrap().contains("6.6"));
}

#[test]
fn commands_get_facts_variables_and_secrets_as_variables_and_output_is_masked() {
    let world = World::new();
    let mut settings = world.settings();
    settings.deploy = words(&[
        "sh",
        "-c",
        "env | grep -E 'GREENROOM|COLOUR' | sort; echo token $TOKEN; echo $VERSION > platform/$GREENROOM_UNIT; exit 3",
    ]);
    let target = world.target(settings);
    let error = target.put_now(&unit(), Slot::Blue, &release("1.0")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    insta::assert_snapshot!(error.to_string().replace(release("1.0").id().as_str(), "ID"), @r"
    running the deploy command for host-1: it ended with 3: GREENROOM_ACTION=deploy
    GREENROOM_DIGEST=
    GREENROOM_ENVIRONMENT=test
    GREENROOM_IMAGE=
    GREENROOM_RELEASE=ID
    GREENROOM_SERVICE=web
    GREENROOM_UNIT=host-1
    GREENROOM_URL=http://127.0.0.1:1
    GREENROOM_VERSION=1.0
    token ***
    ");
    let log = target.logs(&unit(), Slot::Blue, 100).unwrap();
    assert!(log.contains("COLOUR=green") && log.contains("token ***") && !log.contains("swordfish"));
    for entry in fs::read_dir(world.root.path().join("state")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("swordfish"));
    }
}

#[test]
fn a_template_with_a_secret_or_a_typo_runs_nothing() {
    let world = World::new();
    for (word, message) in [
        ("{{ env.APP_TOKEN }}", "holds a secret"),
        ("{{ verson }}", "known are digest"),
    ] {
        let mut settings = world.settings();
        settings.deploy = words(&["touch", "ran", word]);
        let error = world
            .target(settings)
            .put_now(&unit(), Slot::Blue, &release("1.0"))
            .unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    assert!(!world.root.path().join("ran").exists());
}

#[test]
fn going_back_uses_the_rollback_command_and_a_failed_attempt_is_not_taken_for_success() {
    let world = World::new();
    let mut settings = world.settings();
    settings.deploy = words(&["deploy", "{{ version }}"]);
    settings.rollback = Some(words(&["rollback", "{{ version }}"]));
    settings.status = vec![];
    let runner = Arc::new(ScriptedRunner::default());
    let target = world.target_with(settings, runner.clone());
    for (argv, code) in [
        (["deploy", "1"], 0),
        (["deploy", "2"], 0),
        (["deploy", "3"], 9),
        (["rollback", "1"], 0),
        (["rollback", "2"], 0),
    ] {
        runner.answer(&argv, code, "");
    }
    let put = |version: &str| target.put_now(&unit(), Slot::Blue, &release(version));
    put("1").unwrap();
    put("2").unwrap();
    put("1").unwrap();
    put("2").unwrap();
    assert_eq!(put("3").unwrap_err().kind, ErrorKind::Invalid);
    let seen = target
        .inspect(&unit())
        .unwrap()
        .slots
        .remove(&Slot::Blue)
        .unwrap();
    assert_eq!((seen.running, seen.release), (false, release("3").id()));
    assert!(
        put("2").unwrap().running,
        "the record says 2, but an attempt came in between"
    );
    assert!(target.inspect(&unit()).unwrap().slots[&Slot::Blue].running);
    let ran: Vec<String> = runner
        .take()
        .iter()
        .map(|command| command.argv.join(" "))
        .collect();
    assert_eq!(
        ran,
        [
            "deploy 1",
            "deploy 2",
            "rollback 1",
            "rollback 2",
            "deploy 3",
            "rollback 2"
        ]
    );
}

#[test]
fn a_command_that_takes_too_long_may_have_happened() {
    let world = World::new();
    let mut settings = world.settings();
    settings.deploy = words(&["sleep", "30"]);
    settings.timeout = Period::from_millis(100);
    let error = world
        .target(settings)
        .put_now(&unit(), Slot::Blue, &release("1.0"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous);
}

/// Puts `count` units, `parallelism` at a time, each with a command of 50 ms; how many times the ideal
/// that takes.
fn overhead(count: u32, parallelism: u32) -> f64 {
    let world = World::new();
    let mut settings = world.settings();
    settings.deploy = words(&["sleep", "0.05"]);
    settings.status = vec![];
    let target = world.target(settings);
    let next = AtomicUsize::new(1);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..parallelism {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > count as usize {
                        break;
                    }
                    let unit = format!("host-{number}").parse().unwrap();
                    target.put_now(&unit, Slot::Blue, &release("1.0")).unwrap();
                }
            });
        }
    });
    begun.elapsed().as_secs_f64() / (0.05 * f64::from(count.div_ceil(parallelism)))
}

#[test]
fn a_hundred_units_take_little_longer_than_their_commands() {
    let factor = overhead(100, 10);
    assert!(factor < 2.0, "{factor:.2} times the ideal");
}

#[test]
#[ignore = "a measurement, for a quiet machine: cargo nextest run --cargo-profile dist --run-ignored only --no-capture thousand"]
fn a_thousand_units_take_at_most_a_third_longer_than_their_commands() {
    for parallelism in [4, 8, 16] {
        let factor = overhead(1_000, parallelism);
        println!("1,000 units of 50 ms, {parallelism} at a time: {factor:.3} times the ideal");
        assert!(factor <= 1.3);
    }
}

//! Every strategy, several environments, hooks, commands, interruptions.

use crate::support::address::{free_port, get};
use crate::support::project::{PIPELINE, Project};
use crate::support::waiting::eventually;
use rustix::process::{Pid, Signal, kill_process};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

fn signal(child: &Child, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(process, signal).unwrap();
}

/// A client that asks all the time.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
    thread: Option<JoinHandle<u64>>,
}

impl Traffic {
    pub(crate) fn to(port: u16) -> Self {
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ended, lost) = (Arc::clone(&stop), Arc::clone(&failed));
        let thread = std::thread::spawn(move || {
            let mut asked = 0;
            while !ended.load(Ordering::Relaxed) {
                if get(port, "/").is_none_or(|(status, _)| status != 200) {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
                asked += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
            asked
        });
        Self {
            stop,
            failed,
            thread: Some(thread),
        }
    }

    /// How many were asked, and how many of them were not answered well.
    pub(crate) fn end(mut self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let asked = self.thread.take().unwrap().join().unwrap();
        (asked, self.failed.load(Ordering::Relaxed))
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

const CANARY: &str = "  strategy: { canary: { steps: [50], every: 1500ms, analysis: { minRequests: 20 } } }\n  rollback: { watch: 0s }";

#[test]
fn no_request_is_lost_by_rolling_or_direct_or_blue_green() {
    let project = Project::new("  rollback: { watch: 300ms }");
    project.must(&["run"]);
    for (version, strategy) in [("1.1.0", "rolling"), ("1.2.0", "blue-green"), ("1.3.0", "direct")] {
        let traffic = Traffic::to(project.port);
        project.version(version, "");
        project.must(&["deploy", "-e", "staging", "--strategy", strategy]);
        let (asked, failed) = traffic.end();
        assert_eq!(
            project.get("/").1,
            format!("hello from {version}\n"),
            "{strategy}"
        );
        assert!(asked > 10);
        // Direct is the strategy that says it interrupts.
        if strategy != "direct" {
            assert_eq!(failed, 0, "of {asked} with {strategy}");
        }
    }
}

#[test]
fn a_canary_that_answers_errors_is_taken_back() {
    let project = Project::new(CANARY);
    project.must(&["run", "--strategy", "direct"]);
    let traffic = Traffic::to(project.port);
    project.version("1.1.0", "");
    project.must(&["run"]);
    assert_eq!(traffic.end().1, 0);
    let traffic = Traffic::to(project.port);
    project.version("2.0.0", "errors");
    let ran = project.run(&["run"]);
    let (_, failed) = traffic.end();
    assert_eq!(ran.status, 4, "{}", ran.out);
    assert!(failed > 0, "clients met the canary");
    assert!(ran.out.contains("requests failed"), "{}", ran.out);
    assert_eq!(project.get("/").1, "hello from 1.1.0\n");
}

#[test]
fn a_canary_without_traffic_halts_and_a_person_goes_on_or_back() {
    let project = Project::new(CANARY);
    project.must(&["run", "--strategy", "direct"]);
    for (version, command, serving) in [("1.1.0", "resume", "1.1.0"), ("1.2.0", "abort", "1.1.0")] {
        project.version(version, "");
        let ran = project.run(&["run"]);
        assert_eq!(ran.status, 5, "{}", ran.out);
        let status = project.must(&["status"]).out;
        assert!(
            status.contains(&format!("{version} is halted"))
                && status.contains("next: greenroom resume staging"),
            "{status}"
        );
        let ran = project.run(&["run"]);
        assert_eq!(
            ran.status, 6,
            "a halted rollout is in the way: {}{}",
            ran.out, ran.err
        );
        project.must(&[command, "staging"]);
        assert_eq!(project.get("/").1, format!("hello from {serving}\n"), "{command}");
    }
}

#[test]
fn what_taking_up_a_rollout_would_do_is_shown_first_and_touches_nothing() {
    let project = Project::new(CANARY);
    let shown = |words: &[&str]| {
        let before = project.records("staging", "");
        let text = project.must(&[words, &["staging", "--dry-run"]].concat()).out;
        let json = [words, &["staging", "--dry-run", "--format", "json"]].concat();
        let json: serde_json::Value = serde_json::from_str(&project.must(&json).out).unwrap();
        assert_eq!(json["schema"], "greenroom.takeup.preview/1");
        assert_eq!(json["command"], words[0]);
        assert_eq!(project.records("staging", ""), before, "{words:?}");
        (text, json)
    };
    let (text, json) = shown(&["resume"]);
    assert!(text.contains("no rollout is open in staging"), "{text}");
    assert_eq!(
        (&json["outcome"], &json["steps"]),
        (&serde_json::Value::Null, &serde_json::json!([]))
    );

    project.must(&["run", "--strategy", "direct"]);
    project.version("1.1.0", "");
    assert_eq!(project.run(&["run"]).status, 5);
    let (text, json) = shown(&["resume"]);
    assert!(
        text.starts_with("resume 1.1.0 in staging (") && text.contains("\n  because   "),
        "{text}"
    );
    assert!(text.contains("make 1.1.0 the live version"), "{text}");
    assert!(text.trim_end().ends_with("1.1.0 is live then"), "{text}");
    assert_eq!(json["outcome"], "succeeded");

    let (text, json) = shown(&["abort", "--reason", "let us see"]);
    assert!(
        text.contains("  back 1 ") && text.trim_end().ends_with("1.0.0 is live again then"),
        "{text}"
    );
    assert_eq!(json["outcome"], "rolledBack");
    let told = json["steps"].as_array().unwrap().len();
    project.must(&["abort", "staging"]);
    let begun = |index: usize| {
        let step = format!("{{\"began\":{{\"step\":{{\"index\":{index},\"phase\":\"recovery\"}}}}}}");
        project.records("staging", &step)
    };
    assert_eq!((begun(told - 1), begun(told)), (1, 0), "that many steps it took");
    assert_eq!(project.get("/").1, "hello from 1.0.0\n");
}

#[test]
fn an_interrupted_canary_goes_back_and_a_second_signal_stops_at_once() {
    let project = Project::new(&format!("{}\n  drain: 2s", CANARY.replace("1500ms", "20s")));
    project.must(&["run", "--strategy", "direct"]);
    project.version("1.1.0", "");
    let watching = || {
        let child = project.command(&["run"]).spawn().unwrap();
        eventually("the canary's traffic", || {
            std::fs::read_to_string(project.path(".greenroom/router/staging/routes.json"))
                .is_ok_and(|routes| routes.matches("\"weight\":50").count() == 4)
        });
        child
    };
    let child = watching();
    signal(&child, Signal::INT);
    let ran = project.wait(child);
    assert_eq!(ran.status, 130, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("interrupted by SIGINT"), "{}", ran.out);
    assert_eq!(project.get("/").1, "hello from 1.0.0\n");

    // This one takes its time to stop, and a second signal comes meanwhile.
    project.version("1.2.0", "stubborn");
    let retiring = || project.records("staging", "\"index\":1,\"phase\":\"recovery\"");
    let before = retiring();
    let child = watching();
    signal(&child, Signal::INT);
    eventually("the way back", || retiring() > before);
    signal(&child, Signal::INT);
    let ran = project.wait(child);
    insta::assert_snapshot!(ran.err, @r"
    error: stopped by SIGINT before the rollout came to an end
      fix: take it up with `greenroom resume`
    ");
    assert_eq!(ran.status, 130, "{}{}", ran.out, ran.err);
    assert_eq!(project.get("/").1, "hello from 1.0.0\n");
    let status = project.must(&["status"]).out;
    assert!(status.contains("next: greenroom resume staging"), "{status}");
    let ran = project.run(&["resume", "staging"]);
    assert_eq!(ran.status, 4, "{}{}", ran.out, ran.err);
    assert!(!project.must(&["status"]).out.contains("next:"));
    assert_eq!(project.get("/").1, "hello from 1.0.0\n");
}

#[test]
fn several_environments_at_once_in_order_and_by_themselves() {
    let project = Project::new("  rollback: { watch: 0s }");
    let (second, third) = (free_port(), free_port());
    project.environment("second", second, "  rollback: { watch: 0s }\n  autoPromote: true");
    project.environment("third", third, "  rollback: { watch: 0s }");
    let ran = project.must(&["deploy", "-e", "staging", "-e", "second", "--parallel"]);
    assert!(
        ran.out.lines().any(|line| line.starts_with("staging "))
            && ran.out.lines().any(|line| line.starts_with("second ")),
        "{}",
        ran.out
    );
    assert_eq!(get(third, "/"), None, "not asked for");

    project.write(
        "greenroom.yaml",
        format!("{PIPELINE}promotion: [staging, second, third]\n"),
    );
    project.version("1.1.0", "");
    project.must(&["deploy", "-e", "staging", "--through", "second"]);
    for port in [project.port, second, third] {
        assert_eq!(get(port, "/").unwrap().1, "hello from 1.1.0\n");
    }
    let history = project.must(&["history", "third"]).out;
    assert!(history.contains("promoted automatically"), "{history}");

    project.version("2.0.0", "sick");
    let ran = project.run(&["deploy", "-e", "staging", "--through", "third"]);
    assert_eq!(ran.status, 4, "{}", ran.out);
    assert!(
        !project.must(&["history", "third"]).out.contains("2.0.0"),
        "the first failure ends the sequence"
    );
}

#[test]
fn hooks_run_around_a_deployment_and_one_that_fails_turns_it_back() {
    let project = Project::new("  rollback: { watch: 0s }");
    let hooks = |before: &str| {
        format!(
            "{PIPELINE}hooks:\n  beforeDeploy: [{{ name: migrate, run: [sh, -c, {before:?}], reversible: false }}]\n  \
             afterDeploy: [{{ name: tell, run: [sh, -c, \"echo $GREENROOM_VERSION >> told\"] }}]\n"
        )
    };
    project.write("greenroom.yaml", hooks("echo {{ version }} >> migrated"));
    project.must(&["run"]);
    assert_eq!(
        (project.read("migrated"), project.read("told")),
        ("1.0.0\n".to_owned(), "1.0.0\n".to_owned())
    );
    project.version("1.1.0", "");
    project.write("greenroom.yaml", hooks("echo table is locked >&2; exit 3"));
    let ran = project.run(&["run"]);
    insta::assert_snapshot!(ran.shown(), @r#"
    status 5
    -- stdout
    deploying: staging is the only environment, and there is no event that says otherwise
    version 1.1.0, [TIME]
    image hello@[DIGEST] as staging-v1.1.0-[STAMP]
    deploying hello 1.1.0 to staging (direct, 2 units); 1.0.0 is serving
      asked for by ana: staging is the only environment, and there is no event that says otherwise
     [T] 1/8 run the hook migrate, which cannot be undone
     [T] ✗ 1/8 run the hook migrate, which cannot be undone ([T]): hook migrate exited with 3: table is locked
    halted after [T]: halted with 0% of traffic on 1.1.0: hook migrate exited with 3: table is locked
      failed: 1/8 run the hook migrate, which cannot be undone
      next: fix the cause, then `greenroom resume staging` to go on or `greenroom abort staging` to go back; see `greenroom history staging`
    "#);
    assert_eq!(project.get("/").1, "hello from 1.0.0\n");
    assert_eq!(project.read("told"), "1.0.0\n");
}

#[test]
fn commands_of_ones_own_deploy_say_what_runs_and_go_back() {
    let project = Project::empty();
    project.write(
        "greenroom.yaml",
        "service: hello\nversion: { file: VERSION }\nenvironments: [environments/*.yaml]\n",
    );
    project.write(
        "environments/staging.yaml",
        "\
name: staging
type: staging
command:
  deploy: [sh, -c, 'echo \"$1\" > live; echo \"deploy $1\" >> log', deploy, \"{{ version }}\"]
  status: [cat, live]
  rollback: [sh, -c, 'echo \"$1\" > live; echo \"rollback $1\" >> log', rollback, \"{{ version }}\"]
protection: { requireTests: false }
",
    );
    for version in ["1.0.0", "1.1.0"] {
        project.write("VERSION", version);
        let ran = project.run(&["deploy", "-e", "staging"]);
        assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    }
    project.must(&["rollback", "staging"]);
    assert_eq!(project.read("live"), "1.0.0\n");
    insta::assert_snapshot!(project.read("log"), @r#"
    deploy 1.0.0
    deploy 1.1.0
    rollback 1.0.0
    "#);
}

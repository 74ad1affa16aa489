//! What runs on a machine whose working tree is cleaned before each deployment, as `actions/checkout` does it.

use crate::cli::strategies::Traffic;
use crate::support::address::get;
use crate::support::project::{PIPELINE, Project};
use crate::support::waiting::eventually;
use rustix::process::{Pid, Signal, kill_process};
use std::process::Child;

/// A project in a repository, with its remote, and a directory beside it that no checkout knows.
struct Runner {
    project: Project,
    kept: Project,
}

impl Runner {
    fn new() -> Self {
        let (project, kept) = (Project::empty(), Project::empty());
        let ledger = "ledger: { gitBranch: record }\n";
        project.write("greenroom.yaml", format!("{PIPELINE}{ledger}"));
        project.write("VERSION", "1.0.0\n");
        project.write("app/server.py", include_str!("../../fixtures/service/server.py"));
        project.write(
            "environments/staging.yaml",
            format!(
                "name: staging\ntype: staging\nlocal: {{ instances: 2, listen: \"127.0.0.1:{}\", \
                 stateDirectory: {:?} }}\nsuites: [smoke]\ndeployment: {{ strategy: blue-green, \
                 healthCheckInterval: 50ms, drain: 2s, rollback: {{ watch: 0s }} }}\n",
                project.port,
                kept.path("state")
            ),
        );
        project.write(".gitignore", ".greenroom\n");
        let runner = Self { project, kept };
        let remote = runner.kept.path("remote.git");
        let remote = remote.to_str().unwrap();
        runner.git(&["init", "--quiet", "--bare", "--initial-branch=main", remote]);
        runner.git(&["init", "--quiet", "--initial-branch=main"]);
        runner.git(&["add", "--all"]);
        runner.git(&["commit", "--quiet", "--message", "one"]);
        runner.git(&["remote", "add", "origin", &format!("file://{remote}")]);
        runner.git(&["push", "--quiet", "origin", "main"]);
        runner
    }

    fn git(&self, args: &[&str]) {
        let output = crate::support::git::git(&self.project.path(""))
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
    }

    /// What a checkout does before the next job's first step.
    fn clean(&self) {
        self.git(&["clean", "-ffdx", "--quiet"]);
        assert!(!self.project.path(".greenroom").exists());
    }

    /// A router that greenroom started before it kept the router's state beside the processes.
    fn router_of_before(&self) -> Child {
        let listen = format!("127.0.0.1:{}", self.project.port);
        let state = self.project.path(".greenroom/router/staging");
        let mut command = self.project.command(&["router", "--listen", &listen, "--state"]);
        let router = command.arg(state).spawn().unwrap();
        eventually("the router", || get(self.project.port, "/").is_some());
        router
    }

    fn deploy(&self, version: &str) {
        self.project.version(version, "");
        self.project.must(&["deploy", "-e", "staging"]);
        assert_eq!(self.project.get("/").1, format!("hello from {version}\n"));
    }
}

#[test]
fn what_runs_outlives_a_checkout_that_cleans_and_no_request_is_lost() {
    let runner = Runner::new();
    let (project, kept) = (&runner.project, &runner.kept);
    runner.deploy("1.0.0");
    assert!(!project.path(".greenroom/router").exists());
    let first = kept.processes();
    assert_eq!(first.len(), 3, "two instances and the router");

    let traffic = Traffic::to(project.port);
    runner.clean();
    runner.deploy("1.1.0");
    let (asked, failed) = traffic.end();
    assert!(asked > 10);
    assert_eq!(failed, 0, "of {asked}");
    let second = kept.processes();
    assert_eq!(second.len(), 3, "what was there before went");
    let stayed = second.iter().filter(|id| first.contains(id)).count();
    assert_eq!(stayed, 1, "the router, and nothing else");

    runner.clean();
    let status = project.must(&["status", "staging", "--live"]).out;
    assert!(status.contains("1.1.0") && !status.contains("drift"), "{status}");
    let history = project.must(&["history", "staging"]).out;
    assert!(
        history.contains("1.0.0") && history.contains("1.1.0"),
        "{history}"
    );
    runner.clean();
    let traffic = Traffic::to(project.port);
    project.must(&["rollback", "staging"]);
    assert_eq!(traffic.end().1, 0);
    assert_eq!(project.get("/").1, "hello from 1.0.0\n");

    runner.clean();
    project.must(&["environment", "stop", "staging"]);
    assert_eq!(kept.processes(), [] as [u32; 0]);
    assert_eq!(get(project.port, "/"), None);
}

#[test]
fn a_router_with_its_state_in_the_working_tree_serves_on_until_it_ends() {
    let runner = Runner::new();
    let (project, kept) = (&runner.project, &runner.kept);
    let mut router = runner.router_of_before();
    runner.deploy("1.0.0");
    assert!(
        !kept.path("state/staging/router").exists(),
        "it is the one that ran"
    );
    let doctor = project.run(&["doctor", "-e", "staging"]).out;
    assert!(doctor.contains("runs with 2 route(s)"), "{doctor}");

    // It ends without the knowledge of greenroom, and its routes are not lost.
    router.kill().unwrap();
    router.wait().unwrap();
    project.version("1.1.0", "");
    project.must(&["deploy", "-e", "staging"]);
    assert!(kept.path("state/staging/router/routes.json").exists());
    runner.clean();
    runner.deploy("1.2.0");
}

#[test]
fn a_router_whose_state_was_cleaned_away_is_named_with_the_way_out() {
    let runner = Runner::new();
    let project = &runner.project;
    let mut router = runner.router_of_before();
    runner.deploy("1.0.0");
    runner.clean();
    project.version("1.1.0", "");
    let ran = project.run(&["deploy", "-e", "staging"]);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    let way_out = format!(
        "a router (process {id}) listens there that keeps its state in {}, which is gone\n  fix: end it with `kill {id}`",
        project.path(".greenroom/router/staging").display(),
        id = router.id()
    );
    assert!(ran.err.contains(&way_out), "{}", ran.err);
    assert_eq!(project.get("/").1, "hello from 1.0.0\n", "it serves on");
    let id = Pid::from_raw(i32::try_from(router.id()).unwrap()).unwrap();
    kill_process(id, Signal::TERM).unwrap();
    router.wait().unwrap();
    runner.deploy("1.1.0");
}

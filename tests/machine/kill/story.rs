//! One environment's life: what goes out, what is killed, how it is taken up, and what must hold then.

use super::chance::Chance;
use super::client::version_at;
use super::inspect::UNITS;
use super::project::{Project, Running, pause};
use super::{processes, services};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// Answers take longer than a few records, so that some are under way whenever an instance has to go:
/// one that is not drained shows.
const SLOW: &str = "slow=50ms";

/// When a greenroom is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// This long after the record with that number, from the first of the rollout on, has appeared.
    Record(u64, Duration),
    /// This long after its start.
    After(Duration),
    /// This long after it has begun to start the router.
    Router(Duration),
}

/// What is to go out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) strategy: &'static str,
    pub(crate) behaviour: &'static str,
}

/// What has been done so far.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Deployments begun.
    pub(crate) deployments: u32,
    /// Greenrooms killed at work: those that deployed, and those that took up.
    pub(crate) kills: u32,
    pub(crate) kills_of_take_ups: u32,
    /// Rollouts that were found open after a kill.
    pub(crate) open: u32,
    pub(crate) resumed: u32,
    pub(crate) aborted: u32,
    pub(crate) succeeded: u32,
    pub(crate) rolled_back: u32,
    pub(crate) halted: u32,
}

/// One environment's life.
pub(crate) struct Story {
    pub(crate) project: Project,
    pub(crate) image: Option<String>,
    pub(crate) chance: Chance,
    pub(crate) figures: Figures,
    /// Whether the rollout at hand has a reason to be taken back: its candidate, or an abort.
    pub(crate) may_go_back: bool,
}

impl Story {
    /// A project of which nothing runs.
    pub(crate) fn fresh() -> Self {
        services::adopt_orphans();
        Self {
            project: Project::new(),
            image: None,
            chance: Chance::new(),
            figures: Figures::default(),
            may_go_back: false,
        }
    }

    /// A project in which a first version is live.
    pub(crate) fn begin() -> Self {
        let mut story = Self::fresh();
        let first = story.deploy(Candidate {
            strategy: "direct",
            behaviour: "ok",
        });
        assert!(first.wait().success(), "{}", story.project.last_said());
        story.image = Some(story.project.image());
        story
    }

    pub(crate) fn deploy(&mut self, candidate: Candidate) -> Running {
        self.figures.deployments += 1;
        self.may_go_back = candidate.behaviour != "ok";
        let version = format!("1.0.{}", self.figures.deployments);
        let behaviour = format!("{},{SLOW}", candidate.behaviour);
        self.project.configure(&version, &behaviour);
        self.project.note(&format!("deploying {version}, {candidate:?}"));
        let mut arguments = vec!["deploy", "-e", "staging", "--version", &version];
        arguments.extend(["--strategy", candidate.strategy]);
        // Some build the image anew, so that kills hit that too.
        if let Some(image) = &self.image
            && !self.figures.deployments.is_multiple_of(16)
        {
            arguments.extend(["--image", image]);
        }
        self.project.start(&arguments)
    }

    /// Kills it at this moment; false when it ended before.
    pub(crate) fn kill_at(&mut self, mut running: Running, moment: Moment, base: u64) -> bool {
        match moment {
            Moment::Record(number, later) => {
                if !appears(&self.project.record(base + number), &mut running) {
                    return false;
                }
                spend(later);
            }
            Moment::Router(later) => {
                if !appears(&self.project.router_state().join("router.log"), &mut running) {
                    return false;
                }
                spend(later);
            }
            Moment::After(period) => spend(period),
        }
        let killed = running.kill();
        self.figures.kills += u32::from(killed);
        killed
    }

    /// One rollout, killed and taken up until it has ended; false when it ended before the moment.
    pub(crate) fn round(&mut self, candidate: Candidate, moment: Moment) -> bool {
        let base = self.project.records();
        let running = self.deploy(candidate);
        let killed = self.kill_at(running, moment, base);
        self.project.note(&format!("{moment:?}: killed {killed}"));
        self.figures.open += u32::from(self.project.standing().open);
        self.settle();
        self.check();
        killed
    }

    /// Takes up what is open, now and then killed at it again, until nothing is.
    pub(crate) fn settle(&mut self) {
        for _ in 0..20 {
            let open = self.project.standing().open;
            if self.chance.once_in(4) {
                let taking_up = self.take_up();
                let after = self.chance.below(Duration::from_millis(150));
                let killed = self.kill_at(taking_up, Moment::After(after), 0);
                self.figures.kills_of_take_ups += u32::from(killed);
                continue;
            }
            let abort = open && self.chance.once_in(6);
            let verb = if abort { "abort" } else { "resume" };
            self.may_go_back |= abort;
            let code = self.project.run(&[verb, "staging"]);
            self.judge(verb, code, open);
            if !self.project.standing().open {
                return;
            }
        }
        panic!("it does not come to an end:\n{}", self.project.last_said());
    }

    pub(crate) fn take_up(&mut self) -> Running {
        let verb = self.chance.choose(&["resume", "resume", "abort"]);
        self.project.note(verb);
        self.may_go_back |= verb == "abort";
        self.project.start(&[verb, "staging"])
    }

    /// The exit code says what the ledger says.
    pub(crate) fn judge(&mut self, verb: &str, code: i32, was_open: bool) {
        let standing = self.project.standing();
        self.project.note(&format!("{verb}: {code}, {standing:?}"));
        let outcome = standing.outcome.as_deref();
        let said = self.project.last_said();
        match (verb, code) {
            (_, 0) if !was_open => return,
            ("resume", 0) => {
                assert_eq!((outcome, standing.open), (Some("succeeded"), false), "{said}");
                self.figures.succeeded += 1;
            }
            ("resume", 4) | ("abort", 0) => {
                assert_eq!((outcome, standing.open), (Some("rolledBack"), false), "{said}");
                assert!(self.may_go_back, "taken back without need:\n{said}");
                self.figures.rolled_back += 1;
            }
            ("resume", 5) => {
                assert_eq!((outcome, standing.open), (Some("halted"), true), "{said}");
                self.figures.halted += 1;
            }
            // Promotion had begun: there is no way back to abort to.
            ("abort", 6) => {
                assert!(standing.open, "{said}");
                return;
            }
            _ => panic!("{verb} ended with {code}, {standing:?}:\n{said}"),
        }
        self.figures.resumed += u32::from(verb == "resume");
        self.figures.aborted += u32::from(verb == "abort");
    }

    /// What serves is what the ledger says, in one instance per unit, and nothing else is there.
    pub(crate) fn check(&self) {
        let said = self.project.last_said();
        let live = self.project.standing().live;
        for _ in 0..4 {
            assert_eq!(version_at(self.project.listen).ok(), live, "{said}");
        }
        self.check_processes(if live.is_some() { &UNITS } else { &[] });
        let routers = services::routers(&self.project.router_state());
        assert!(routers.len() == 1 || live.is_none(), "{routers:?}\n{said}");
    }

    /// One instance in each of these units, each known to a slot, and at most one router: nothing else.
    fn check_processes(&self, units: &[&str]) {
        let said = self.project.last_said();
        let services = services::services(&self.project.state());
        let found: Vec<&str> = services.iter().map(|service| service.unit.as_str()).collect();
        assert_eq!(found, units, "{said}");
        let tokens: BTreeSet<&str> = services.iter().map(|service| service.token.as_str()).collect();
        let known = self.project.tokens();
        assert_eq!(tokens, known.iter().map(String::as_str).collect(), "{said}");
        let routers = services::routers(&self.project.router_state());
        assert!(routers.len() <= 1, "{routers:?}\n{said}");
        // Whatever lost its parent is a child of this process now.
        let known: BTreeSet<u32> = services
            .iter()
            .map(|service| service.pid)
            .chain(routers)
            .collect();
        let children: BTreeSet<u32> = processes::reap().into_iter().collect();
        assert_eq!(children, known, "{said}");
    }
}

/// Waits for a file; false when the command ends before it is there.
fn appears(file: &Path, running: &mut Running) -> bool {
    while !file.exists() {
        if running.has_ended() {
            return false;
        }
        pause(Duration::from_micros(50));
    }
    true
}

/// Lets time pass: exactly, where it is short.
fn spend(period: Duration) {
    let until = Instant::now() + period;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        pause(left.min(Duration::from_micros(200)));
    }
}

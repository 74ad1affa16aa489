//! Plans and event lists as real runs make them, for the tests of every sink.

use super::{Recorded, RunReport};
use crate::domain::model::{
    Actor, Artifact, Canary, Check, CheckKind, Digest, HttpExpectation, HttpProbe, Origin, Percent, Period,
    ProbeSpec, Release, SecretSource, Slot, Strategy, Suite, Thresholds, Timestamp, UnitId, Verdict,
};
use crate::domain::rollout::{
    Event, Hook, Kind, Outcome, Phase, Placement, Plan, Readiness, RollbackPolicy, Samples, Side, Step,
    StepId, StepResult, UnitFailure, Watch,
};
use std::collections::BTreeMap;

/// Text that tries to break out of every sink.
pub(crate) const HOSTILE: &str = "x\n::set-output name=a::b\n##[add-mask]e | ` ``` ~~~ ${{ secrets.T }} </details> \
     <script> @octocat #1 [a](http://evil.test) https://evil.test %%{init: {}}%% :a; ]]> \
     \u{1b}[31mred\u{1b}[0m \u{202e}lortnoc \u{0}";

pub(crate) fn units(count: usize) -> Vec<UnitId> {
    (1..=count).map(|n| format!("web-{n}").parse().unwrap()).collect()
}

pub(crate) fn percent(share: u8) -> Percent {
    share.try_into().unwrap()
}

fn release(version: &str, variables: &[(&str, &str)], secrets: &[&str]) -> Release {
    Release {
        version: version.parse().unwrap(),
        artifact: Some(Artifact {
            repository: "ghcr.io/acme/shop".into(),
            digest: Digest::of(version.as_bytes()),
        }),
        commit: Some(Digest::of(version.as_bytes()).hex()[..40].parse().unwrap()),
        variables: variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        secrets: secrets
            .iter()
            .map(|name| (name.to_string(), SecretSource::Env(name.to_string())))
            .collect(),
    }
}

pub(crate) fn health() -> Check {
    Check {
        name: "health".into(),
        kind: CheckKind::Health,
        probe: ProbeSpec::Http(HttpProbe {
            method: "GET".into(),
            path: "/api/health".into(),
            headers: BTreeMap::new(),
            body: None,
            expect: HttpExpectation {
                status: vec![200],
                json: BTreeMap::from([("database.status".into(), "connected".into())]),
                ..HttpExpectation::default()
            },
        }),
        timeout: Period::from_secs(5),
    }
}

pub(crate) fn origin(reason: &str) -> Origin {
    Origin {
        actor: Actor {
            name: "alice".into(),
            via: "github".into(),
        },
        reason: reason.into(),
        run: Some("https://github.com/acme/shop/actions/runs/42".into()),
        commit: None,
    }
}

fn smoke(name: &str, checks: &[&str]) -> Suite {
    Suite {
        name: name.into(),
        checks: checks
            .iter()
            .map(|check| Check {
                name: check.to_string(),
                ..health()
            })
            .collect(),
    }
}

/// A canary over `count` units.
pub(crate) fn plan(count: usize) -> Plan {
    let all = units(count);
    let minute = Period::from_secs(60);
    Plan {
        deployment: "20261120-235019-1f0c9a2e".parse().unwrap(),
        kind: Kind::Deploy,
        service: "shop".into(),
        environment: "production".parse().unwrap(),
        origin: origin("push to main: faster checkout"),
        strategy: Strategy::Canary(Canary::default()),
        candidate: release(
            "1.3.0",
            &[("CHECKOUT", "fast"), ("LOG_LEVEL", "debug")],
            &["DB_PASSWORD", "MAIL_KEY"],
        ),
        previous: Some(release(
            "1.2.0",
            &[("LOG_LEVEL", "info"), ("OLD", "1")],
            &["DB_PASSWORD", "OLD_KEY"],
        )),
        placements: all
            .iter()
            .map(|unit| Placement {
                unit: unit.clone(),
                previous: Some(Slot::Blue),
                candidate: Some(Slot::Green),
            })
            .collect(),
        url: Some("https://shop.acme.test".parse().unwrap()),
        routed: true,
        in_place: false,
        readiness: Readiness {
            check: Some(health()),
            interval: Period::from_secs(2),
            timeout: minute,
        },
        policy: RollbackPolicy {
            clean_up: true,
            automatic: true,
            max_failures: 0,
        },
        drain: Period::from_secs(30),
        parallelism: 4,
        grounds: crate::domain::rollout::Grounds::default(),
        signatures: Vec::new(),
        steps: canary_steps(&all),
    }
}

fn canary_steps(all: &[UnitId]) -> Vec<Step> {
    let thresholds = Thresholds {
        p95: Some(Period::from_millis(300)),
        ..Thresholds::default()
    };
    let shift = |share| Step::Shift {
        units: all.to_vec(),
        percent: percent(share),
    };
    vec![
        Step::Stage { units: all.to_vec() },
        Step::AwaitReady {
            side: Side::Candidate,
            units: all.to_vec(),
        },
        Step::Observe(Watch::Preview {
            suite: smoke("smoke", &["login works", "cart works"]),
            units: all.to_vec(),
        }),
        shift(25),
        Step::Observe(Watch::Traffic {
            period: Period::from_secs(60),
            thresholds,
        }),
        shift(100),
        Step::Promote,
        Step::Retire {
            side: Side::Previous,
            units: all.to_vec(),
        },
    ]
}

/// A first deployment, straight to one unit, with a hook that cannot be undone.
pub(crate) fn first_plan() -> Plan {
    let all = units(1);
    Plan {
        strategy: Strategy::Direct,
        previous: None,
        routed: false,
        placements: vec![Placement {
            unit: all[0].clone(),
            previous: None,
            candidate: Some(Slot::Blue),
        }],
        steps: vec![
            Step::Hook(Hook {
                name: "migrate".into(),
                argv: vec!["./migrate.sh".into(), "--all".into()],
                timeout: Period::from_secs(300),
                reversible: false,
            }),
            Step::Stage { units: all.clone() },
            Step::AwaitReady {
                side: Side::Candidate,
                units: all,
            },
            Step::Promote,
        ],
        ..plan(1)
    }
}

/// The steps outside of the plan that the fixtures use.
pub(crate) fn acts(id: StepId) -> Option<Step> {
    match (id.phase, id.index) {
        (Phase::Recovery, 0) => Some(Step::Shift {
            units: units(2),
            percent: Percent::ZERO,
        }),
        (Phase::Recovery, 1) => Some(Step::Retire {
            side: Side::Candidate,
            units: units(2),
        }),
        (Phase::Recovery, 2) => Some(Step::Retire {
            side: Side::Candidate,
            units: units(1),
        }),
        (Phase::Completion, 0) => Some(Step::Shift {
            units: units(2),
            percent: Percent::ALL,
        }),
        _ => None,
    }
}

pub(crate) fn no_redaction(text: &str) -> String {
    text.to_owned()
}

pub(crate) fn folded(events: &[Recorded]) -> RunReport {
    RunReport::fold(events, &acts, &no_redaction).unwrap()
}

/// Writes down events with the time of a run that goes on.
pub(crate) struct Story {
    pub(crate) events: Vec<Recorded>,
    now: Timestamp,
}

impl Story {
    pub(crate) fn of(plan: Plan) -> Self {
        let mut story = Self {
            events: Vec::new(),
            now: "2026-11-20T23:50:19Z".parse().unwrap(),
        };
        story.then(0, Event::Planned(Box::new(plan)));
        story
    }

    pub(crate) fn then(&mut self, millis: u64, event: Event) -> &mut Self {
        self.now = self.now.plus(Period::from_millis(millis));
        let seq = 40 + self.events.len() as u64;
        self.events.push(Recorded {
            seq,
            at: self.now,
            event,
        });
        self
    }

    pub(crate) fn began(&mut self, phase: Phase, index: u32) -> &mut Self {
        self.then(
            10,
            Event::Began {
                step: StepId { phase, index },
            },
        )
    }

    pub(crate) fn ended(&mut self, phase: Phase, index: u32, result: StepResult) -> &mut Self {
        self.then(
            800,
            Event::Ended {
                step: StepId { phase, index },
                result,
            },
        )
    }

    pub(crate) fn done(&mut self, steps: std::ops::Range<u32>) -> &mut Self {
        for index in steps {
            self.began(Phase::Forward, index)
                .ended(Phase::Forward, index, StepResult::Done);
        }
        self
    }

    pub(crate) fn judged(
        &mut self,
        index: u32,
        check: &str,
        unit: Option<u32>,
        verdict: Verdict,
    ) -> &mut Self {
        let reason = match verdict {
            Verdict::Pass => "status 200, as expected",
            Verdict::Fail => "status 503, expected 200",
            Verdict::Inconclusive => "3 requests, at least 20 are needed",
        };
        let event = Event::Judged {
            step: StepId {
                phase: Phase::Forward,
                index,
            },
            check: check.into(),
            suite: (index == 2).then(|| "smoke".into()),
            kind: if index == 2 {
                CheckKind::Functional
            } else {
                CheckKind::Health
            },
            unit: unit.map(|n| format!("web-{n}").parse().unwrap()),
            share: percent(if index > 3 { 25 } else { 0 }),
            verdict,
            reason: reason.into(),
            samples: Samples {
                count: 4,
                failed: u64::from(verdict == Verdict::Fail),
                p50: Some(Period::from_millis(12)),
                p95: Some(Period::from_millis(31)),
            },
            took: Period::from_millis(48),
        };
        self.then(50, event)
    }

    pub(crate) fn back(&mut self) -> &mut Self {
        for index in 0..2 {
            self.began(Phase::Recovery, index)
                .ended(Phase::Recovery, index, StepResult::Done);
        }
        self
    }

    pub(crate) fn finished(&mut self, outcome: Outcome, summary: &str, warnings: &[&str]) -> Vec<Recorded> {
        let warnings = warnings.iter().map(ToString::to_string).collect();
        self.then(
            5,
            Event::Finished {
                outcome,
                summary: summary.into(),
                warnings,
            },
        );
        std::mem::take(&mut self.events)
    }
}

fn failed(reason: &str, units: &[(&str, &str)]) -> StepResult {
    StepResult::Failed {
        reason: reason.into(),
        units: units
            .iter()
            .map(|(unit, logs)| UnitFailure {
                unit: unit.parse().unwrap(),
                reason: "exited with status 1 after 0.2 s".into(),
                logs: logs.to_string(),
            })
            .collect(),
    }
}

pub(crate) fn success() -> Vec<Recorded> {
    Story::of(plan(2))
        .done(0..1)
        .began(Phase::Forward, 1)
        .judged(1, "health", Some(1), Verdict::Pass)
        .judged(1, "health", Some(2), Verdict::Pass)
        .ended(Phase::Forward, 1, StepResult::Done)
        .began(Phase::Forward, 2)
        .judged(2, "login works", Some(1), Verdict::Pass)
        .judged(2, "cart works", Some(2), Verdict::Pass)
        .ended(Phase::Forward, 2, StepResult::Done)
        .done(3..4)
        .began(Phase::Forward, 4)
        .judged(4, "traffic", None, Verdict::Pass)
        .then(
            59_000,
            Event::Ended {
                step: StepId {
                    phase: Phase::Forward,
                    index: 4,
                },
                result: StepResult::Done,
            },
        )
        .done(5..8)
        .finished(
            Outcome::Succeeded,
            "1.3.0 is live on 2 units.",
            &["web-2 took 31s to stop"],
        )
}

pub(crate) fn failed_health() -> Vec<Recorded> {
    Story::of(plan(2))
        .done(0..1)
        .began(Phase::Forward, 1)
        .judged(1, "health", Some(1), Verdict::Pass)
        .judged(1, "health", Some(2), Verdict::Fail)
        .ended(
            Phase::Forward,
            1,
            failed(
                "web-2 was not ready within 1m",
                &[(
                    "web-2",
                    "booting\nError: cannot reach database\n  at main.js:12\n",
                )],
            ),
        )
        .back()
        .finished(Outcome::RolledBack, "1.3.0 was not ready; 1.2.0 is serving.", &[])
}

pub(crate) fn halted_promote() -> Vec<Recorded> {
    Story::of(plan(2))
        .done(0..6)
        .began(Phase::Forward, 6)
        .ended(
            Phase::Forward,
            6,
            failed("the router refused the new routes", &[]),
        )
        .began(Phase::Completion, 0)
        .ended(Phase::Completion, 0, StepResult::Done)
        .finished(
            Outcome::Halted,
            "All traffic goes to 1.3.0; promotion was not completed.",
            &[],
        )
}

pub(crate) fn first_removed() -> Vec<Recorded> {
    let mut story = Story::of(first_plan());
    story
        .done(0..2)
        .began(Phase::Forward, 2)
        .judged(1, "health", Some(1), Verdict::Fail)
        .ended(
            Phase::Forward,
            2,
            failed("web-1 was not ready within 1m", &[("web-1", "")]),
        )
        .began(Phase::Recovery, 2)
        .ended(Phase::Recovery, 2, StepResult::Done)
        .finished(Outcome::RolledBack, "1.3.0 was removed.", &[])
}

pub(crate) fn interrupted() -> Vec<Recorded> {
    Story::of(plan(2))
        .done(0..4)
        .began(Phase::Forward, 4)
        .then(
            3_000,
            Event::Interrupted {
                signal: "SIGTERM".into(),
            },
        )
        .back()
        .finished(Outcome::RolledBack, "Interrupted; 1.2.0 is serving.", &[])
}

pub(crate) fn resumed() -> Vec<Recorded> {
    Story::of(plan(2))
        .done(0..4)
        .began(Phase::Forward, 4)
        .judged(4, "traffic", None, Verdict::Inconclusive)
        .ended(
            Phase::Forward,
            4,
            StepResult::Inconclusive {
                reason: "3 requests, at least 20 are needed".into(),
            },
        )
        .then(
            5,
            Event::Finished {
                outcome: Outcome::Halted,
                summary: "Too little traffic.".into(),
                warnings: vec![],
            },
        )
        .then(
            600_000,
            Event::Resumed {
                origin: origin("traffic is back"),
            },
        )
        .began(Phase::Forward, 4)
        .judged(4, "traffic", None, Verdict::Pass)
        .ended(Phase::Forward, 4, StepResult::Done)
        .done(5..8)
        .finished(Outcome::Succeeded, "1.3.0 is live on 2 units.", &[])
}

/// Hostile text in every place that holds free text.
pub(crate) fn hostile() -> Vec<Recorded> {
    let mut plan = plan(2);
    plan.service = HOSTILE.into();
    plan.origin.reason = HOSTILE.into();
    plan.origin.actor.name = HOSTILE.into();
    plan.origin.run = Some(HOSTILE.into());
    plan.candidate.version = "1.3.0|`x`<b>@a".parse().unwrap();
    plan.candidate.variables = BTreeMap::from([(HOSTILE.into(), HOSTILE.into())]);
    plan.steps.insert(
        0,
        Step::Hook(Hook {
            name: HOSTILE.into(),
            argv: vec![HOSTILE.into()],
            timeout: Period::from_secs(1),
            reversible: true,
        }),
    );
    plan.steps[3] = Step::Observe(Watch::Preview {
        suite: smoke(HOSTILE, &[HOSTILE]),
        units: units(2),
    });
    let mut story = Story::of(plan);
    story
        .done(0..3)
        .began(Phase::Forward, 3)
        .judged(3, HOSTILE, Some(1), Verdict::Fail);
    if let Some(Recorded {
        event: Event::Judged { suite, reason, .. },
        ..
    }) = story.events.last_mut()
    {
        *suite = Some(HOSTILE.into());
        *reason = HOSTILE.into();
    }
    story
        .ended(
            Phase::Forward,
            3,
            StepResult::Failed {
                reason: HOSTILE.into(),
                units: vec![UnitFailure {
                    unit: "web-1".parse().unwrap(),
                    reason: HOSTILE.into(),
                    logs: format!("{HOSTILE}\n::error::no\n````\n  ::warning::no\n"),
                }],
            },
        )
        .back()
        .finished(Outcome::RolledBack, HOSTILE, &[HOSTILE])
}

//! One rollout, as it is told to the forge: opened, followed and ended.

use super::super::record;
use super::super::workspace::Workspace;
use super::announcer::Announcer;
use super::announcer::Forges;
use super::audience::Audience;
use super::mailbox::{Mailbox, Words};
use super::speaker;
use crate::config::Environment;
use crate::config::project::GitHubConfig;
use crate::domain::history;
use crate::domain::model::{
    CheckReport, DeploymentUpdate, Digest, EnvironmentName, EnvironmentType, Period, Timestamp,
};
use crate::domain::rollout::{Event, Plan};
use crate::engine::Observer;
use crate::ports::Ledger;
use crate::report::forge::{self as words, RunContext};
use crate::report::{Recorded, RunReport};
use std::sync::Arc;

/// The shortest time between two words on the progress of one deployment: GitHub counts requests, and nobody
/// reads faster.
const PACE: Period = Period::from_secs(10);

/// What is to be told of one rollout.
pub(in crate::app) struct Announcement {
    plan: Arc<Plan>,
    announcer: Arc<Announcer>,
    forges: Forges,
    wanted: GitHubConfig,
    around: RunContext,
    /// `None` where it cannot be opened, which is no reason to keep anything back.
    ledger: Option<Arc<dyn Ledger>>,
}

impl Announcement {
    /// The announcement of `plan`, before anything is told; `None` where nobody is to be told.
    pub(in crate::app) fn of(
        workspace: &Workspace,
        environment: &Environment,
        plan: &Plan,
        audience: &Audience,
    ) -> Option<Self> {
        let (announcer, wanted) = (audience.announcer(workspace), workspace.project.github);
        let forges = announcer
            .wanted(wanted, &plan.environment, &audience.watchers)?
            .clone();
        Some(Self {
            plan: Arc::new(plan.clone()),
            around: around(&announcer, environment),
            announcer,
            forges,
            wanted,
            ledger: workspace.ledger().ok(),
        })
    }

    /// Begins to tell of it; `events` are those that are recorded already, the plan first. What is told from
    /// now on comes from the observer.
    pub(in crate::app) fn open(self, events: &[Recorded]) -> (Telling, Box<dyn Observer>) {
        let (plan, around, wanted) = (&self.plan, &self.around, self.wanted);
        let begun = events
            .first()
            .map_or(Timestamp::from_unix_millis(0), |first| first.at);
        let now = events.last().map_or(begun, |last| last.at);
        let draft = words::draft(plan, around).filter(|_| wanted.deployments);
        let mailbox = speaker::start(Arc::clone(&self.forges.forge), draft);
        mailbox.open(Words {
            update: Some(words::underway(plan, around, words::on_its_way(plan))),
            check: words::check_underway(plan, around, begun).filter(|_| wanted.checks),
            status: words::status_underway(plan, around).filter(|_| wanted.status),
            ..Words::default()
        });
        let observer = Narrator {
            plan: Arc::clone(&self.plan),
            around: self.around.clone(),
            mailbox: Arc::clone(&mailbox),
            last: now,
        };
        let telling = Telling {
            announcement: self,
            mailbox,
        };
        (telling, Box::new(observer))
    }
}

/// What is known of the run and of the environment that it goes to.
pub(super) fn around(announcer: &Announcer, environment: &Environment) -> RunContext {
    RunContext {
        production: environment.kind == EnvironmentType::Production,
        transient: environment.temporary.is_some(),
        ..announcer.around().clone()
    }
}

/// Listens to a rollout, and passes on what is worth telling.
struct Narrator {
    plan: Arc<Plan>,
    around: RunContext,
    mailbox: Arc<Mailbox>,
    /// When something was last passed on.
    last: Timestamp,
}

impl Observer for Narrator {
    fn on(&mut self, _: u64, at: Timestamp, event: &Event) {
        if at.since(self.last) < PACE {
            return;
        }
        if let Some(description) = words::progress(&self.plan, event) {
            self.last = at;
            self.mailbox.go_on(Words {
                update: Some(words::underway(&self.plan, &self.around, description)),
                ..Words::default()
            });
        }
    }
}

/// How a rollout was left.
pub(in crate::app) struct End<'a> {
    /// Everything that was recorded.
    pub(in crate::app) events: &'a [Recorded],
    /// Hash of the newest record.
    pub(in crate::app) head: Option<Digest>,
    /// Whether a signal ended it.
    pub(in crate::app) interrupted: bool,
}

/// A rollout that is being told of. Dropped, it leaves the end to whoever takes the rollout up.
pub(in crate::app) struct Telling {
    announcement: Announcement,
    mailbox: Arc<Mailbox>,
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}

impl Telling {
    /// Tells how it ended.
    pub(in crate::app) fn end(self, end: &End<'_>, audience: &Audience) -> Ended {
        let Announcement { announcer, plan, .. } = &self.announcement;
        match RunReport::of_record(end.events, end.head.as_ref()) {
            Ok(report) => self.mailbox.end(self.last_words(&report, end.interrupted)),
            Err(error) => audience
                .watchers
                .warn(&plan.environment, &format!("not shown on GitHub: {error}")),
        }
        Ended {
            announcer: Arc::clone(announcer),
            environment: plan.environment.clone(),
            mailbox: Arc::clone(&self.mailbox),
        }
    }

    fn last_words(&self, report: &RunReport, interrupted: bool) -> Words {
        let Announcement {
            plan, wanted, around, ..
        } = &self.announcement;
        let commit = plan.candidate.commit.clone();
        let update: DeploymentUpdate = words::ended(report, around, interrupted);
        let check = |commit| -> CheckReport { words::check_ended(report, commit, around, interrupted) };
        let status = |commit| words::status_ended(report, commit, around, interrupted);
        Words {
            update: Some(update),
            check: commit.clone().filter(|_| wanted.checks).map(check),
            status: commit.filter(|_| wanted.status).map(status),
            comment: around
                .pull
                .filter(|_| wanted.comment)
                .and_then(|_| words::comment(report, around, self.count())),
            gone: None,
        }
    }

    /// Which deployment of the environment this is; `None` where the ledger does not tell just now.
    fn count(&self) -> Option<usize> {
        let environment = &self.announcement.plan.environment;
        let records = record::all(self.announcement.ledger.as_deref()?, environment).ok()?;
        Some(history::timeline(&records).deployments.len())
    }
}

/// A rollout that has ended, of which the forge has to hear.
pub(in crate::app) struct Ended {
    announcer: Arc<Announcer>,
    environment: EnvironmentName,
    mailbox: Arc<Mailbox>,
}

impl Ended {
    /// Waits a bounded time until the end is told; nothing that others wait for is to be held meanwhile. The
    /// forge's number of the deployment, where one was opened.
    pub(in crate::app) fn settle(&self, audience: &Audience) -> Option<u64> {
        self.announcer
            .settle(&self.mailbox, &self.environment, &audience.watchers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mailbox::Post;
    use super::*;
    use crate::domain::rollout::{Phase, StepId};
    use crate::report::fixtures::plan;

    #[test]
    fn traffic_that_moves_is_told_at_most_every_ten_seconds_and_only_the_newest_of_it() {
        let mailbox = Arc::new(Mailbox::default());
        let start: Timestamp = "2026-11-20T23:50:19Z".parse().unwrap();
        let mut narrator = Narrator {
            plan: Arc::new(plan(2)),
            around: RunContext::default(),
            mailbox: Arc::clone(&mailbox),
            last: start,
        };
        // The third and the fifth step of the fixture move traffic: to 25 % and to 100 %.
        for (seconds, index) in [(9, 3), (10, 3), (19, 5)] {
            let step = StepId {
                phase: Phase::Forward,
                index,
            };
            narrator.on(0, start.plus(Period::from_secs(seconds)), &Event::Began { step });
        }
        mailbox.close();
        let mut told = Vec::new();
        while let Some(Post::Progress(words)) = mailbox.next() {
            told.push(words.update.unwrap().description);
        }
        assert_eq!(told, ["send 25% of traffic to 1.3.0 and the rest to 1.2.0"]);
    }
}

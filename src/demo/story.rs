//! What happens in the demo, and what must be true of it.

use super::clients::Count;
use super::project::{Project, Release};
use super::stage::{Stage, Teller, by_version, environment};
use crate::app::announce::Audience;
use crate::app::deploy::Deployed;
use crate::app::shutdown::shut_down;
use crate::app::{AppError, Context, audit, status};
use crate::domain::model::Endpoint;
use crate::domain::rollout::Outcome;
use crate::report::markdown;
use std::path::Path;

/// The versions, in order.
const FIRST: Release = Release {
    version: "1.0.0",
    behaviour: "ok",
    strategy: "direct",
};
const SECOND: Release = Release {
    version: "2.0.0",
    behaviour: "ok",
    strategy: "blue-green",
};
const THIRD: Release = Release {
    version: "3.0.0",
    behaviour: "unhealthy",
    strategy: "blue-green",
};
const FOURTH: Release = Release {
    version: "4.0.0",
    behaviour: "errors=0.5",
    strategy: "{ canary: { steps: [10, 50], every: 2s, analysis: { errorRate: 0.01, minRequests: 20 } } }",
};

/// Tells the whole story in a directory below `parent`; whether everything held. Whatever happens,
/// nothing is left running and the directory is removed.
///
/// # Errors
/// When the story cannot be told at all.
pub fn tell(
    context: &Context,
    parent: &Path,
    audience: &Audience,
    teller: &mut dyn Teller,
) -> Result<bool, AppError> {
    let project = Project::create(parent, &context.binary)?;
    let mut story = Story {
        stage: Stage {
            context,
            audience,
            teller,
            pipeline: project.pipeline(),
            holds: true,
        },
        project,
    };
    let told = story.tell();
    let ended = story.clean_up();
    told.and(ended)?;
    Ok(story.stage.holds)
}

struct Story<'a> {
    stage: Stage<'a>,
    project: Project,
}

impl Story<'_> {
    fn tell(&mut self) -> Result<(), AppError> {
        self.first()?;
        self.second()?;
        self.third()?;
        let last = self.fourth()?;
        self.record(&last)
    }

    fn first(&mut self) -> Result<(), AppError> {
        self.stage.chapter("Version 1 goes out", "nothing runs yet: the image is built from files, two processes start, a router gives them traffic");
        let deployed = self.deploy(FIRST)?;
        self.stage
            .check(deployed.outcome == Outcome::Succeeded, "1.0.0 was deployed");
        self.serves("1.0.0")
    }

    fn second(&mut self) -> Result<(), AppError> {
        self.stage.chapter(
            "Version 2 goes out, blue-green, while clients keep asking",
            "it stands complete and healthy beside version 1 before all traffic moves in one step",
        );
        let (deployed, count) = self.deploy_under_load(SECOND)?;
        self.stage
            .check(deployed.outcome == Outcome::Succeeded, "2.0.0 was deployed");
        self.all_answered(&count);
        let both = count.versions.contains_key("1.0.0") && count.versions.contains_key("2.0.0");
        self.stage.check(
            both,
            &format!("clients were served by both: {}", by_version(&count)),
        );
        self.serves("2.0.0")
    }

    fn third(&mut self) -> Result<(), AppError> {
        self.stage.chapter(
            "Version 3 does not pass its health check",
            "it never gets a single request, and version 2 stays",
        );
        let (deployed, count) = self.deploy_under_load(THIRD)?;
        self.stage
            .check(deployed.outcome == Outcome::RolledBack, "3.0.0 was taken back");
        self.all_answered(&count);
        self.stage.check(
            count.versions.keys().eq(["2.0.0"]),
            &format!("only version 2 answered: {}", by_version(&count)),
        );
        self.serves("2.0.0")
    }

    fn fourth(&mut self) -> Result<Deployed, AppError> {
        self.stage.chapter(
            "Version 4 is healthy, and half of its answers are errors",
            "a canary with a tenth of the traffic shows it before the other nine tenths notice",
        );
        let (deployed, count) = self.deploy_under_load(FOURTH)?;
        self.stage
            .check(deployed.outcome == Outcome::RolledBack, "4.0.0 was taken back");
        let share = count.failed as f64 / count.requests.max(1) as f64;
        self.stage.check(
            count.failed > 0 && share < 0.1,
            &format!(
                "{} of {} requests failed ({:.1} %), those that the canary answered with errors",
                count.failed,
                count.requests,
                share * 100.0
            ),
        );
        self.serves("2.0.0")?;
        Ok(deployed)
    }

    fn record(&mut self, last: &Deployed) -> Result<(), AppError> {
        self.stage.chapter(
            "What the record says",
            "who, what, when and why, in a chain that shows tampering",
        );
        let workspace = self.stage.workspace()?;
        let deployments = status::past(&workspace, &environment()?)?.timeline.deployments;
        for deployment in &deployments {
            let outcome = deployment
                .outcome
                .map_or_else(|| "open".to_owned(), |outcome| outcome.to_string());
            let text = format!("{}  {:<12} {}", deployment.version(), outcome, deployment.summary);
            self.stage.teller.text(&text);
        }
        let outcomes: Vec<Option<Outcome>> =
            deployments.iter().map(|deployment| deployment.outcome).collect();
        let (good, bad) = (Some(Outcome::Succeeded), Some(Outcome::RolledBack));
        self.stage.check(
            outcomes == [good, good, bad, bad],
            "four deployments are on record, as they went",
        );
        let (audit, strangers) = audit::audit(&workspace, &environment()?, last.head.as_ref())?;
        self.stage.check(
            audit.is_whole() && strangers.is_empty(),
            &format!("the chain of {} records is whole", audit.length),
        );
        self.stage.chapter(
            "The summary of the last run",
            "in GitHub Actions it stands on the page of the run",
        );
        let markdown = markdown::render(&last.report()?, &[], markdown::MOST_BYTES);
        let shown: Vec<&str> = markdown.lines().take(12).collect();
        self.stage.teller.text(&shown.join("\n"));
        Ok(())
    }

    fn deploy(&mut self, release: Release) -> Result<Deployed, AppError> {
        self.project.write(release)?;
        self.stage.deploy()
    }

    fn deploy_under_load(&mut self, release: Release) -> Result<(Deployed, Count), AppError> {
        self.project.write(release)?;
        let url = self.url()?;
        self.stage.deploy_under_load(&url)
    }

    fn url(&self) -> Result<Endpoint, AppError> {
        Ok(format!("http://127.0.0.1:{}", self.project.port).parse()?)
    }

    fn serves(&mut self, version: &str) -> Result<(), AppError> {
        let url = self.url()?;
        self.stage.serves(&url, version)
    }

    fn all_answered(&mut self, count: &Count) {
        let what = format!(
            "{} requests during the rollout, {} failed",
            count.requests, count.failed
        );
        self.stage.check(count.failed == 0 && count.requests > 0, &what);
    }

    /// Ends everything that was started.
    fn clean_up(&mut self) -> Result<(), AppError> {
        if !self.project.pipeline().exists() {
            return Ok(());
        }
        let workspace = self.stage.workspace()?;
        let ended = shut_down(&workspace, workspace.environment(&environment()?)?)?;
        self.stage.check(
            ended.left == 0,
            &format!("{} processes were stopped, none is left", ended.stopped),
        );
        Ok(())
    }
}

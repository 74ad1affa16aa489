//! Four versions in virtual machines: made, replaced, refused, and gone back from.

use super::super::stage::{Stage, Teller, by_version, environment};
use super::lab::Lab;
use crate::app::announce::Audience;
use crate::app::{AppError, Context, audit};
use crate::domain::model::Endpoint;
use crate::domain::rollout::Outcome;
use std::path::Path;

/// Tells the story in a directory below `parent`; whether everything held. Nothing is left behind.
///
/// # Errors
/// When the story cannot be told at all.
pub fn tell(
    context: &Context,
    parent: &Path,
    audience: &Audience,
    teller: &mut dyn Teller,
) -> Result<bool, AppError> {
    let lab = Lab::open(context, parent)?;
    let stage = Stage {
        context,
        audience,
        teller,
        pipeline: lab.pipeline(),
        holds: true,
    };
    let mut story = Story { stage, lab };
    story.tell()?;
    Ok(story.stage.holds)
}

struct Story<'a> {
    stage: Stage<'a>,
    lab: Lab,
}

impl Story<'_> {
    fn tell(&mut self) -> Result<(), AppError> {
        let url = self.lab.url()?;
        self.first(&url)?;
        self.second(&url)?;
        self.third(&url)?;
        self.fourth(&url)?;
        self.record()
    }

    fn first(&mut self, url: &Endpoint) -> Result<(), AppError> {
        self.stage.chapter(
            "Version 1 goes out into a virtual machine",
            "cloned from template 9000, with an id and an address of the environment's own; the service's address goes to it",
        );
        self.lab.write("1.0.0", "ok")?;
        let deployed = self.stage.deploy()?;
        self.stage
            .check(deployed.outcome == Outcome::Succeeded, "1.0.0 was deployed");
        self.show();
        self.stage.serves(url, "1.0.0")
    }

    fn second(&mut self, url: &Endpoint) -> Result<(), AppError> {
        self.stage.chapter(
            "Version 2 goes out, blue-green, after a snapshot of what runs",
            "a second machine is made and proven before the address moves; then the first one goes",
        );
        self.lab.write("2.0.0", "ok")?;
        let (deployed, count) = self.stage.deploy_under_load(url)?;
        self.stage
            .check(deployed.outcome == Outcome::Succeeded, "2.0.0 was deployed");
        let both = count.versions.contains_key("1.0.0") && count.versions.contains_key("2.0.0");
        let served = by_version(&count);
        self.stage.check(
            both,
            &format!(
                "clients were served by both: {served}; {} requests were cut off when the address moved",
                count.failed
            ),
        );
        let snapshots = self.lab.snapshots_taken();
        self.stage.check(
            snapshots == 1,
            &format!("{snapshots} snapshot was taken and looked up before anything was touched"),
        );
        self.show();
        self.stage.serves(url, "2.0.0")
    }

    fn third(&mut self, url: &Endpoint) -> Result<(), AppError> {
        self.stage.chapter(
            "Version 3 does not pass its health check",
            "its machine is removed again, and version 2 was never touched",
        );
        self.lab.write("3.0.0", "unhealthy")?;
        let (deployed, count) = self.stage.deploy_under_load(url)?;
        self.stage
            .check(deployed.outcome == Outcome::RolledBack, "3.0.0 was taken back");
        self.stage.check(
            count.failed == 0 && count.requests > 0,
            &format!(
                "{} requests during the rollout, {} failed",
                count.requests, count.failed
            ),
        );
        self.show();
        self.stage.serves(url, "2.0.0")
    }

    fn fourth(&mut self, url: &Endpoint) -> Result<(), AppError> {
        self.stage.chapter(
            "Somebody puts a machine of theirs where the next one would go",
            "an id says nothing about whose a machine is: greenroom takes the next place and leaves it alone",
        );
        let (id, serial) = self.lab.intrude();
        self.lab.write("4.0.0", "ok")?;
        let deployed = self.stage.deploy()?;
        self.stage
            .check(deployed.outcome == Outcome::Succeeded, "4.0.0 was deployed");
        let touched = self.lab.touched(serial);
        self.stage.check(
            touched == 0,
            &format!("VM {id} of somebody else was asked to change {touched} times"),
        );
        self.show();
        self.stage.serves(url, "4.0.0")
    }

    fn record(&mut self) -> Result<(), AppError> {
        self.stage
            .chapter("What the record says", "in a chain that shows tampering");
        let workspace = self.stage.workspace()?;
        let (audit, strangers) = audit::audit(&workspace, &environment()?, None)?;
        self.stage.check(
            audit.is_whole() && strangers.is_empty(),
            &format!("the chain of {} records is whole", audit.length),
        );
        let strangers = self.lab.foreign_touched();
        self.stage.check(
            strangers == 0,
            &format!("{strangers} requests to change a machine that greenroom did not make"),
        );
        Ok(())
    }

    /// The machines as they stand.
    fn show(&mut self) {
        for line in self.lab.machines() {
            self.stage.teller.text(&line);
        }
    }
}

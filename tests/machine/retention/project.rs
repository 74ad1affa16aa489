//! A project with a ledger, and greenroom run in it.

use crate::support::ran::{Ran, greenroom};
use greenroom::adapters::ledger::DirectoryLedger;
use greenroom::domain::model::{Artifact, Digest, EnvironmentName, Release};
use greenroom::domain::rollout::{Event, Plan};
use greenroom::ports::Ledger as _;
use greenroom::testing::story::{draft, plan, success};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// The project's directory.
pub(crate) struct Project {
    directory: TempDir,
    repository: String,
}

impl Project {
    /// One whose images are in `repository`, and stay for so many days.
    pub(crate) fn new(repository: &str, days: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pipeline = format!(
            "service: app\nversion: {{ value: 1.0.0 }}\nimage: {{ repository: \"{repository}\", build: none }}\n\
             environments: [environments/*.yaml]\nretention: {{ keepLast: 10, keepFor: {days}d, grace: 48h }}\n"
        );
        fs::write(directory.path().join("greenroom.yaml"), pipeline).unwrap();
        fs::create_dir(directory.path().join("environments")).unwrap();
        for name in ["staging", "production"] {
            let environment = format!(
                "name: {name}\ntype: {name}\ncommand: {{ units: [web-1], deploy: [\"true\"], status: [\"true\"] }}\n"
            );
            fs::write(
                directory.path().join(format!("environments/{name}.yaml")),
                environment,
            )
            .unwrap();
        }
        Self {
            directory,
            repository: repository.to_owned(),
        }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Records that the second of `needed` went live in production after the first, that the third is
    /// being rolled out there, and that the fourth is live in staging.
    pub(crate) fn record(&self, needed: &[Digest]) {
        let [first, second, third, fourth] = needed else {
            panic!("four images")
        };
        let (one, two) = (self.plan("1", first, None), self.plan("2", second, Some(first)));
        let open = self.plan("3", third, Some(second));
        let begun = vec![Event::Planned(Box::new(open.clone()))];
        self.write(
            "production",
            &[
                (one.clone(), success(&one)),
                (two.clone(), success(&two)),
                (open, begun),
            ],
        );
        let staging = self.plan("4", fourth, None);
        self.write("staging", &[(staging.clone(), success(&staging))]);
    }

    fn plan(&self, number: &str, candidate: &Digest, previous: Option<&Digest>) -> Plan {
        let mut plan = plan(
            &format!("d-{number}"),
            &format!("{number}.0"),
            previous.map(|_| "0.9"),
        );
        let image = |release: &mut Release, digest: &Digest| {
            release.artifact = Some(Artifact {
                // The digest counts, wherever the image was taken from.
                repository: format!("mirror.test/{}", self.repository),
                digest: digest.clone(),
            });
        };
        image(&mut plan.candidate, candidate);
        if let (Some(release), Some(digest)) = (&mut plan.previous, previous) {
            image(release, digest);
        }
        plan
    }

    fn write(&self, environment: &str, deployments: &[(Plan, Vec<Event>)]) {
        let environment: EnvironmentName = environment.parse().unwrap();
        let ledger = DirectoryLedger::open(self.path(".greenroom/ledger"));
        for (plan, events) in deployments {
            for event in events {
                let head = ledger.head(&environment).unwrap();
                let draft = draft(head.as_ref().map(|head| &head.record), plan, event);
                ledger.append(&environment, head.as_ref(), &draft).unwrap();
            }
        }
    }

    /// `greenroom prune images` with these words.
    pub(crate) fn prune(&self, words: &[&str]) -> Ran {
        let words = [&["prune", "images"], words].concat();
        Ran::of(greenroom(self.directory.path(), &words).output().unwrap())
    }
}

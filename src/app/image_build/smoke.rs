//! The smoke test: the built image is started on this machine and has to answer before it gets a tag.

use super::Yard;
use crate::adapters::builder::trial::{ImageTrial, TrialSite};
use crate::app::error::AppError;
use crate::app::world;
use crate::config::image::Smoke;
use crate::domain::analysis::expect;
use crate::domain::analysis::readiness::{ReadinessProgress, ReadinessSettings, ReadinessWatch};
use crate::domain::model::{
    Artifact, Check, CheckKind, CommandProbe, Endpoint, HttpExpectation, HttpProbe, Period, PortError,
    ProbeSpec, Release, RepositoryName, Slot, UnitId,
};
use crate::ports::{Probe, Removal, Runner, Stop, Target};
use crate::report::foreign;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Time between two looks.
const INTERVAL: Period = Period::from_millis(100);
/// The longest that one answer may take.
const ANSWER: Period = Period::from_secs(5);
/// What is shown of what the image wrote.
const LAST_LINES: usize = 20;
/// The same in bytes.
const LAST_BYTES: usize = 8 * 1024;
/// How long a process may take to vanish when it was ended.
const VANISHES: Duration = Duration::from_secs(5);

/// Where the image runs for the test.
enum Stand<'a> {
    /// In a container: it is in a registry.
    Container(ImageTrial),
    /// As a process of this machine: it is in the embedded store, which no container tool reads.
    Process(Process<'a>),
}

struct Process<'a> {
    target: Box<dyn Target>,
    state: PathBuf,
    unit: UnitId,
    yard: &'a Yard<'a>,
}

impl Yard<'_> {
    /// Starts the image and asks it; how long it took to answer. Nothing of it is left.
    pub(super) fn try_out(&self, smoke: &Smoke, artifact: &Artifact) -> Result<Period, AppError> {
        let release = Release {
            version: self.identity.version.clone(),
            artifact: Some(artifact.clone()),
            commit: self.identity.commit.clone(),
            variables: smoke.variables.clone(),
            secrets: BTreeMap::new(),
        };
        let probe = world::bare_probe(self.workspace, self.environment, &release)?;
        let stand = self.stand(smoke, artifact, &release)?;
        let failed = |reason: &str| {
            let logs = foreign::tail(&stand.logs(), LAST_LINES, LAST_BYTES);
            let logs = if logs.is_empty() {
                "it wrote nothing".to_owned()
            } else {
                format!("the last lines that it wrote:\n  {}", logs.replace('\n', "\n  "))
            };
            let logs = self.workspace.redactor().redact(&logs).into_owned();
            AppError::validation(format!(
                "the smoke test of {artifact} failed, so it got no tag: {reason}\n{logs}"
            ))
        };
        let startup = self.answers(smoke, &stand, probe.as_ref(), &failed)?;
        if let (Some(argv), Some(address)) = (&smoke.command, stand.look()?.ok()) {
            let check = Check {
                name: "smoke command".to_owned(),
                kind: CheckKind::Functional,
                probe: ProbeSpec::Command(CommandProbe {
                    argv: argv.clone(),
                    exit_code: 0,
                }),
                timeout: smoke.timeout,
            };
            let finding = expect::judge(&check, &probe.sample(&check, &address)?);
            if !finding.passed() {
                return Err(failed(&format!("its command: {}", finding.reason)));
            }
        }
        Ok(startup)
    }

    fn stand(&self, smoke: &Smoke, artifact: &Artifact, release: &Release) -> Result<Stand<'_>, AppError> {
        let repository: RepositoryName = artifact.repository.parse()?;
        if repository.registry().is_some() {
            let ground = TrialSite {
                runner: Arc::clone(&self.attended) as Arc<dyn Runner>,
                tell: Arc::clone(&self.lines),
                environment: self.workspace.context.environment.variables().clone(),
                staging: self.staging.clone(),
            };
            let trial = ImageTrial::start(&ground, artifact, smoke.port, &smoke.variables)?;
            return Ok(Stand::Container(trial));
        }
        // What a test of this very image that was killed left behind is found and ended here.
        let state = self.workspace.state("smoke").join(&artifact.digest.hex()[..16]);
        let process = Process {
            target: world::trial_target(self.workspace, self.environment, state.clone()),
            state,
            unit: "smoke".parse()?,
            yard: self,
        };
        process.end();
        process.target.put(&process.unit, Slot::Blue, release)?;
        Ok(Stand::Process(process))
    }

    fn answers(
        &self,
        smoke: &Smoke,
        stand: &Stand<'_>,
        probe: &dyn Probe,
        failed: &dyn Fn(&str) -> AppError,
    ) -> Result<Period, AppError> {
        let clock = self.workspace.context.clock.as_ref();
        let check = Check {
            name: "smoke".to_owned(),
            kind: CheckKind::Health,
            probe: ProbeSpec::Http(HttpProbe {
                method: "GET".to_owned(),
                path: smoke.path.clone(),
                headers: BTreeMap::new(),
                body: None,
                expect: HttpExpectation::default(),
            }),
            timeout: Period::min(ANSWER, smoke.startup),
        };
        let mut readiness = ReadinessWatch::new(ReadinessSettings::new(INTERVAL, smoke.startup), clock.now());
        loop {
            let progress = match stand.look()? {
                Ok(address) => {
                    let sample = probe.sample(&check, &address)?;
                    readiness.observe(clock.now(), &expect::judge(&check, &sample))
                }
                Err(note) => readiness.ended(clock.now(), Some(&note)),
            };
            match progress {
                ReadinessProgress::Ready { after } => return Ok(after),
                ReadinessProgress::Failed { reason } => return Err(failed(&reason)),
                ReadinessProgress::Waiting { next } => {
                    if let Err(signal) = clock.sleep(next.as_duration()) {
                        let _ = clock.interruption();
                        return Err(AppError::Interrupted(signal));
                    }
                }
            }
        }
    }
}

impl Stand<'_> {
    /// Where it listens, or why it has ended.
    fn look(&self) -> Result<Result<Endpoint, String>, PortError> {
        let silent = || "it has no address".to_owned();
        match self {
            Self::Container(trial) => Ok(match trial.ended()? {
                Some(note) => Err(note),
                None => trial.address().cloned().ok_or_else(silent),
            }),
            Self::Process(process) => {
                let mut state = process.target.inspect(&process.unit)?;
                Ok(match state.slots.remove(&Slot::Blue) {
                    Some(instance) if instance.running => instance.address.ok_or_else(silent),
                    Some(instance) => Err(instance.note.unwrap_or_else(|| "it ended".to_owned())),
                    None => Err("it is gone".to_owned()),
                })
            }
        }
    }

    fn logs(&self) -> String {
        match self {
            Self::Container(trial) => trial.logs(LAST_LINES),
            Self::Process(process) => process
                .target
                .logs(&process.unit, Slot::Blue, LAST_LINES)
                .unwrap_or_else(|error| error.to_string()),
        }
    }
}

impl Process<'_> {
    fn end(&self) {
        let clock = self.yard.workspace.context.clock.as_ref();
        let until = clock.monotonic() + VANISHES;
        while matches!(
            self.target.remove(&self.unit, Slot::Blue, Stop::Force),
            Ok(Removal::Stopping)
        ) && clock.monotonic() < until
            && clock.sleep(INTERVAL.as_duration()).is_ok()
        {}
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        self.end();
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

//! The target's port over the user's commands.

use super::answer::{ending, first_line, recognise, succeeded};
use super::record::{Deployed, Record, UnitFiles};
use super::settings::CommandSettings;
use super::settings::RenderWord;
use crate::domain::model::{
    ErrorKind, Explanation, Instance, PortError, Redactor, Release, Secret, Slot, UnitId, UnitState,
};
use crate::host::secrets::Secrets;
use crate::ports::{Capabilities, Clock, Command, Finished, Progress, Removal, Runner, Stop, Target};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Deploys by running commands.
pub struct CommandTarget {
    settings: CommandSettings,
    runner: Arc<dyn Runner>,
    clock: Arc<dyn Clock>,
    secrets: Secrets,
    render: RenderWord,
}

/// What runs, as far as `status` and the record say.
enum Seen {
    Nothing,
    Running(Deployed),
    Stopped(Deployed, String),
    Foreign(Explanation),
}

/// Which command is run.
#[derive(Clone, Copy)]
enum Action {
    Deploy,
    Rollback,
    Status,
    Remove,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
            Self::Status => "status",
            Self::Remove => "remove",
        }
    }
}

impl CommandTarget {
    /// A target with these settings; runs nothing yet.
    pub fn new(
        settings: CommandSettings,
        runner: Arc<dyn Runner>,
        clock: Arc<dyn Clock>,
        secrets: Secrets,
        render: RenderWord,
    ) -> Self {
        Self {
            settings,
            runner,
            clock,
            secrets,
            render,
        }
    }

    fn files(&self, unit: &UnitId) -> UnitFiles {
        UnitFiles::new(&self.settings.state_directory, unit)
    }

    fn argv(&self, action: Action) -> &[String] {
        let settings = &self.settings;
        match action {
            Action::Deploy => &settings.deploy,
            Action::Status => &settings.status,
            Action::Rollback => settings.rollback.as_deref().unwrap_or(&settings.deploy),
            Action::Remove => settings.remove.as_deref().unwrap_or_default(),
        }
    }

    /// Runs one command about `about`, with the release's own variables and secrets where it is given.
    fn run(
        &self,
        action: Action,
        unit: &UnitId,
        about: Option<&Deployed>,
        release: Option<&Release>,
    ) -> Result<Finished, PortError> {
        let doing = doing(action, unit);
        let facts = self.facts(unit, about);
        let argv = self
            .argv(action)
            .iter()
            .map(|word| (self.render)(word, &facts))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|message| PortError::new(ErrorKind::Invalid, &doing, message))?;
        let mut variables = self.settings.variables.clone();
        let mut sources = self.settings.secrets.clone();
        if let Some(release) = release {
            variables.extend(release.variables.clone());
            sources.extend(release.secrets.clone());
        }
        variables.extend(
            facts
                .into_iter()
                .map(|(name, value)| (format!("GREENROOM_{}", name.to_uppercase()), value)),
        );
        variables.insert("GREENROOM_ACTION".into(), action.as_str().into());
        let secrets = self
            .secrets
            .resolve_all(&sources)
            .map_err(|e| PortError::new(ErrorKind::Missing, &doing, &e))?;
        let command = Command {
            argv,
            directory: self.settings.directory.clone(),
            variables,
            secrets,
            timeout: self.settings.timeout,
        };
        let mut finished = self.runner.run(&command).map_err(|error| PortError {
            doing: format!("{doing}: {}", error.doing),
            ..error
        })?;
        mask(&mut finished, &command.secrets);
        Ok(finished)
    }

    fn facts(&self, unit: &UnitId, about: Option<&Deployed>) -> BTreeMap<String, String> {
        let settings = &self.settings;
        let url = settings.url.as_ref().map(ToString::to_string);
        let of = |field: fn(&Deployed) -> String| about.map(field).unwrap_or_default();
        [
            ("service", settings.service.clone()),
            ("environment", settings.environment.to_string()),
            ("unit", unit.to_string()),
            ("url", url.unwrap_or_default()),
            ("version", of(|d| d.version.clone())),
            ("release", of(|d| d.release.to_string())),
            ("image", of(|d| d.image.clone())),
            ("digest", of(|d| d.digest.clone())),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Asks `status`, and reads the answer with the help of the record.
    fn look(&self, unit: &UnitId, record: Option<&Record>) -> Result<Seen, PortError> {
        let known = record.and_then(|r| r.attempted.as_ref().or(r.current.as_ref()));
        if self.settings.status.is_empty() {
            return Ok(match record {
                Some(Record {
                    attempted: Some(attempted),
                    ..
                }) => Seen::Stopped(
                    attempted.clone(),
                    "its deployment was begun and did not succeed".into(),
                ),
                Some(Record {
                    current: Some(current),
                    ..
                }) => Seen::Running(current.clone()),
                _ => Seen::Nothing,
            });
        }
        let finished = self.run(Action::Status, unit, known, None)?;
        if finished.timed_out {
            let message = format!("it took longer than {}", self.settings.timeout);
            return Err(PortError::new(
                ErrorKind::Transient,
                doing(Action::Status, unit),
                message,
            ));
        }
        let line = first_line(&finished.stdout);
        if finished.code != Some(0) {
            return Ok(match known {
                Some(known) => Seen::Stopped(known.clone(), format!("status {}", ending(&finished))),
                None => Seen::Nothing,
            });
        }
        let Some(record) = record else {
            let what = if line.is_empty() { "something" } else { &line };
            return Ok(Seen::Foreign(
                Explanation::new(format!(
                    "status says that {what} runs in {unit}, which greenroom did not deploy"
                ))
                .fix("remove it, or allow greenroom to take it over (`command.takeOver: true`)"),
            ));
        };
        Ok(recognise(record, &line).map_or_else(
            || {
                Seen::Foreign(
                    Explanation::new(format!(
                        "status says that {line:?} runs in {unit}, which greenroom did not deploy"
                    ))
                    .fix("let status print the release, version, digest or image that runs, or nothing"),
                )
            },
            Seen::Running,
        ))
    }

    /// Runs `deploy` or `rollback`, and writes down what came of it.
    fn deploy(&self, unit: &UnitId, release: &Release, mut record: Record) -> Result<Deployed, PortError> {
        let wanted = Deployed::new(release, self.clock.now());
        let there_before = if record.attempted.is_some() {
            &record.current
        } else {
            &record.before
        };
        let back = there_before.as_ref().is_some_and(|d| d.release == wanted.release);
        let action = if back { Action::Rollback } else { Action::Deploy };
        let doing = doing(action, unit);
        let failed = |error: io::Error| storing(&doing, &error);
        let files = self.files(unit);
        files.begin(&wanted).map_err(failed)?;
        let finished = self.run(action, unit, Some(&wanted), Some(release))?;
        files
            .write_log(&format!("{}{}", finished.stdout, finished.stderr))
            .map_err(failed)?;
        succeeded(&doing, &finished)?;
        record.attempted = None;
        if record
            .current
            .as_ref()
            .is_none_or(|current| current.release != wanted.release)
        {
            record.before = record.current.replace(wanted.clone());
        } else {
            record.current = Some(wanted.clone());
        }
        // It may not be up yet; then there is nothing to remember.
        let printed = self.printed(unit, &wanted);
        record.printed = printed.as_ref().ok().cloned().flatten();
        // Written once, whatever came of the question: each write waits for the disk.
        files.write(&record).map_err(failed)?;
        printed?;
        Ok(wanted)
    }

    /// The first line that `status` prints while `deployed` runs.
    fn printed(&self, unit: &UnitId, deployed: &Deployed) -> Result<Option<String>, PortError> {
        if self.settings.status.is_empty() {
            return Ok(None);
        }
        let status = self.run(Action::Status, unit, Some(deployed), None)?;
        Ok((status.code == Some(0)).then(|| first_line(&status.stdout)))
    }

    fn instance(&self, deployed: &Deployed, note: Option<String>) -> Instance {
        Instance {
            release: deployed.release.clone(),
            running: note.is_none(),
            address: self.settings.url.clone(),
            started: deployed.at,
            note,
        }
    }

    fn read(&self, unit: &UnitId) -> Result<Option<Record>, PortError> {
        self.files(unit)
            .read()
            .map_err(|e| storing(&format!("reading the record of {unit}"), &e))
    }
}

fn doing(action: Action, unit: &UnitId) -> String {
    format!("running the {} command for {unit}", action.as_str())
}

fn storing(doing: &str, error: &io::Error) -> PortError {
    let kind = match error.kind() {
        io::ErrorKind::InvalidData => ErrorKind::Invalid,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StorageFull => {
            ErrorKind::Denied
        }
        _ => ErrorKind::Transient,
    };
    PortError::new(kind, doing, error)
}

fn mask(finished: &mut Finished, secrets: &BTreeMap<String, Secret>) {
    let redactor = Redactor::new(secrets.values());
    for text in [&mut finished.stdout, &mut finished.stderr] {
        *text = redactor.redact(text).into_owned();
    }
}

fn only_blue(unit: &UnitId, slot: Slot) -> Result<(), PortError> {
    if slot == Slot::Blue {
        return Ok(());
    }
    let message = "a command target replaces in place and has one slot, blue";
    Err(PortError::new(
        ErrorKind::Invalid,
        format!("using {unit} ({slot})"),
        message,
    ))
}

impl Target for CommandTarget {
    fn name(&self) -> &str {
        "command"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            two_slots: false,
            parallelism: self.settings.parallelism.max(1),
            // A command has ended when it returns.
            patience: Duration::ZERO,
        }
    }

    fn inspect(&self, unit: &UnitId) -> Result<UnitState, PortError> {
        let record = self.read(unit)?;
        let mut found = UnitState::default();
        match self.look(unit, record.as_ref())? {
            Seen::Nothing => {}
            Seen::Running(deployed) => {
                found.slots.insert(Slot::Blue, self.instance(&deployed, None));
            }
            Seen::Stopped(deployed, note) => {
                found
                    .slots
                    .insert(Slot::Blue, self.instance(&deployed, Some(note)));
            }
            Seen::Foreign(_) if self.settings.take_over => {}
            Seen::Foreign(why) => found.foreign = Some(why.to_string()),
        }
        Ok(found)
    }

    fn put(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Progress<Instance>, PortError> {
        only_blue(unit, slot)?;
        let record = self.read(unit)?;
        let wanted = release.id();
        // What runs there does not matter where greenroom deployed something else before, or where it
        // may be taken over.
        let settled = record.as_ref().map_or(self.settings.take_over, |r| {
            r.attempted.is_some() || r.current.as_ref().is_some_and(|c| c.release != wanted)
        });
        if !settled {
            match self.look(unit, record.as_ref())? {
                Seen::Running(deployed) if deployed.release == wanted => {
                    return Ok(Progress::Done(self.instance(&deployed, None)));
                }
                Seen::Foreign(why) if !self.settings.take_over => {
                    let doing = doing(Action::Deploy, unit);
                    return Err(PortError::new(ErrorKind::Denied, doing, why));
                }
                _ => {}
            }
        }
        let deployed = self.deploy(unit, release, record.unwrap_or_default())?;
        Ok(Progress::Done(self.instance(&deployed, None)))
    }

    fn remove(&self, unit: &UnitId, slot: Slot, _: Stop) -> Result<Removal, PortError> {
        only_blue(unit, slot)?;
        let Some(record) = self.read(unit)? else {
            return Ok(Removal::Gone);
        };
        let doing = doing(Action::Remove, unit);
        if self.settings.remove.is_none() {
            return Err(PortError::new(ErrorKind::Unsupported, doing, "there is none")
                .fix("write command.remove, so that a release can be taken away"));
        }
        let known = record.attempted.as_ref().or(record.current.as_ref());
        let finished = self.run(Action::Remove, unit, known, None)?;
        succeeded(&doing, &finished)?;
        self.files(unit).clear().map_err(|e| storing(&doing, &e))?;
        Ok(Removal::Gone)
    }

    fn logs(&self, unit: &UnitId, slot: Slot, lines: usize) -> Result<String, PortError> {
        only_blue(unit, slot)?;
        let text = self
            .files(unit)
            .read_log()
            .map_err(|e| storing(&format!("reading the log of {unit}"), &e))?;
        let all: Vec<&str> = text.lines().collect();
        let last = &all[all.len().saturating_sub(lines)..];
        Ok(last.iter().map(|line| format!("{line}\n")).collect())
    }
}

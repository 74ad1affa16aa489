//! Starting what runs in a virtual machine, through its agent. Variables and secrets go to standard
//! input, never into the words of a command.

use super::configure::changed;
use super::jobs::{Errand, Seat, Stage};
use super::{GuestWorkload, ProxmoxTarget, Step};
use crate::domain::model::{
    Artifact, ErrorKind, PortError, Redactor, Release, ReleaseId, RepositoryName, Secret, one_line,
};

use crate::adapters::proxmox::answers::{AgentResult, ExecStatus};
use crate::adapters::proxmox::calls::agent;
use crate::adapters::proxmox::guest::{Marker, Owned};
use crate::adapters::proxmox::{Fault, FaultClass};

/// How much of what a command wrote is shown, in characters.
const SHOWN: usize = 300;
/// How often a log is asked for before it is given up.
const LOOKS: usize = 50;

impl ProxmoxTarget {
    /// Whether this release can be put here at all.
    pub(super) fn wanted(&self, release: &Release) -> Result<(), PortError> {
        if let Some(GuestWorkload::Docker(_)) = self.settings.workload() {
            pulled(release)?;
        }
        self.input(release).map(drop)
    }

    /// What a command in a guest is handed: one `NAME=value` to a line.
    fn input(&self, release: &Release) -> Result<String, PortError> {
        let variables = self.variables(release)?;
        let lines: Vec<String> = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect();
        let input = lines.concat();
        if self.settings.workload().is_some() && input.len() > agent::INPUT {
            let message = format!(
                "variables and secrets have {} bytes together, and an agent takes {}",
                input.len(),
                agent::INPUT
            );
            let doing = format!("preparing release {}", release.id());
            return Err(PortError::new(ErrorKind::Invalid, doing, message));
        }
        Ok(input)
    }

    /// Starts what is to run in a guest that runs; `None` when that was done.
    pub(super) fn work(
        &self,
        seat: &Seat,
        owned: &Owned,
        release: &Release,
        doing: &str,
    ) -> Result<Option<Step>, PortError> {
        let Some(workload) = self.settings.workload() else {
            return Ok(None);
        };
        if owned.marker().workload {
            return Ok(None);
        }
        let guest = owned.guest();
        if !owned.config().has_agent() {
            let message =
                format!("what runs in {guest} is started through its guest agent, which is switched off");
            return Err(PortError::new(ErrorKind::Unsupported, doing, message)
                .fix("switch it on in the template (qm set ID --agent enabled=1) and install it there"));
        }
        if let Some(errand) = self.jobs.errand(seat, guest.id) {
            return self.returned(seat, owned, (release, workload), &errand).map(Some);
        }
        let waking = format!("waking the agent of {guest}");
        let said: AgentResult = match self.ports.api.ask(&waking, &agent::ping(guest)) {
            Ok(said) => said,
            Err(fault) if is_asleep(&fault) => {
                return Ok(Some(Step::Wait(format!("waits for the guest agent of {guest}"))));
            }
            Err(fault) => return Err(fault.into()),
        };
        if let Some(error) = said.error() {
            let error = one_line(&error, SHOWN);
            return Ok(Some(Step::Wait(format!(
                "the guest agent of {guest} says: {error}"
            ))));
        }
        let (stage, words, input) = match workload {
            GuestWorkload::Docker(_) => (Stage::Look, look(&release.id()), None),
            GuestWorkload::Command(words) => (Stage::Command, words.clone(), Some(self.input(release)?)),
        };
        self.send(seat, owned, (stage, words, input), doing).map(Some)
    }

    /// Starts a command; it is asked about at once, for most take only a moment.
    fn send(
        &self,
        seat: &Seat,
        owned: &Owned,
        command: (Stage, Vec<String>, Option<String>),
        doing: &str,
    ) -> Result<Step, PortError> {
        let (stage, words, input) = command;
        let Some(fresh) = self.guests.prove_again(owned, doing)? else {
            return Ok(Step::Again);
        };
        match self.guests.exec(fresh, &words, input.as_deref()) {
            Ok(pid) => {
                let guest = owned.guest().id;
                self.jobs.send(seat, Errand { guest, pid, stage });
                Ok(Step::Again)
            }
            Err(fault) if is_asleep(&fault) => Ok(Step::Wait(format!(
                "waits for the guest agent of {}",
                owned.guest()
            ))),
            Err(fault) => Err(fault.into()),
        }
    }

    /// What became of a command that was started before.
    fn returned(
        &self,
        seat: &Seat,
        owned: &Owned,
        what: (&Release, &GuestWorkload),
        errand: &Errand,
    ) -> Result<Step, PortError> {
        let (release, workload) = what;
        let guest = owned.guest();
        let doing = format!("starting what runs in {guest}");
        let asked = agent::exec_status(guest, errand.pid);
        let ended: ExecStatus = match self.ports.api.ask(&doing, &asked) {
            Ok(status) => status,
            Err(fault) if is_asleep(&fault) => {
                return Ok(Step::Wait(format!("waits for the guest agent of {guest}")));
            }
            Err(fault) if fault.kind() == ErrorKind::Transient => return Err(fault.into()),
            // The agent was started anew and knows nothing of it.
            Err(_) => {
                self.jobs.returned(seat);
                return Ok(Step::Wait(format!("asks {guest} anew what runs in it")));
            }
        };
        if !ended.exited {
            return Ok(Step::Wait(format!("a command runs in {guest}")));
        }
        self.jobs.returned(seat);
        let well = ended.exitcode == Some(0);
        let failed = |doing: &str| Err(self.failure(release, &ended, doing));
        match (errand.stage, workload) {
            (Stage::Look, GuestWorkload::Docker(port)) => {
                let name = container(&release.id());
                let out = ended.out_data.as_deref().unwrap_or_default().trim();
                if well && out == "true" {
                    return self.worked(owned, &doing);
                }
                if well {
                    let words = words(&["docker", "start", &name]);
                    return self.send(seat, owned, (Stage::Start, words, None), &doing);
                }
                let said = ended.err_data.as_deref().unwrap_or_default();
                if !said.to_ascii_lowercase().contains("no such") {
                    let said = one_line(said, SHOWN);
                    return Ok(Step::Wait(format!(
                        "docker in {guest} does not answer yet: {said}"
                    )));
                }
                let image = pulled(release)?;
                let words = run(&name, *port, image);
                let input = self.input(release)?;
                self.send(seat, owned, (Stage::Run, words, Some(input)), &doing)
            }
            (Stage::Run, _) if !well => {
                let said = ended.err_data.as_deref().unwrap_or_default();
                // Another one was faster: a run that was cut off before.
                if said.contains("already in use by container") {
                    return Ok(Step::Wait(format!("asks {guest} anew what runs in it")));
                }
                failed(&format!("running the image in {guest}"))
            }
            (Stage::Start | Stage::Command, _) if !well => failed(&doing),
            _ => self.worked(owned, &doing),
        }
    }

    /// Marks that what is to run in it was started.
    fn worked(&self, owned: &Owned, doing: &str) -> Result<Step, PortError> {
        let Some(fresh) = self.guests.prove_again(owned, doing)? else {
            return Ok(Step::Again);
        };
        let marker = Marker {
            workload: true,
            ..fresh.owned().marker().clone()
        };
        self.guests.mark(fresh.owned(), &marker).map_err(changed)?;
        Ok(Step::Again)
    }

    /// How a command failed, without any value that it was handed.
    fn failure(&self, release: &Release, ended: &ExecStatus, doing: &str) -> PortError {
        let how = match (ended.exitcode, ended.signal) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no exit status".to_owned(),
        };
        let said = [&ended.err_data, &ended.out_data]
            .into_iter()
            .flatten()
            .find(|text| !text.trim().is_empty());
        let values = self.variables(release).unwrap_or_default();
        let secrets: Vec<Secret> = values
            .into_iter()
            .filter(|(name, _)| release.secrets.contains_key(name))
            .map(|(_, value)| Secret::new(value))
            .collect();
        let said = said.map(|text| one_line(&Redactor::new(&secrets).redact(text), SHOWN));
        let message = match said {
            Some(said) => format!("{how}: {said}"),
            None => how,
        };
        PortError::new(ErrorKind::Invalid, doing, message)
    }

    /// The last lines that the release's container wrote; `None` when the agent does not answer.
    pub(super) fn workload_logs(
        &self,
        owned: &Owned,
        lines: usize,
        doing: &str,
    ) -> Result<Option<String>, PortError> {
        let lines = lines.to_string();
        let name = container(&owned.marker().release);
        let words = words(&["docker", "logs", "--tail", &lines, &name]);
        let Some(fresh) = self.guests.prove_again(owned, doing)? else {
            return Ok(None);
        };
        let pid = match self.guests.exec(fresh, &words, None) {
            Ok(pid) => pid,
            Err(fault) if is_asleep(&fault) => return Ok(None),
            Err(fault) => return Err(fault.into()),
        };
        for _ in 0..LOOKS {
            let asked = agent::exec_status(owned.guest(), pid);
            let ended: ExecStatus = self.ports.api.ask(doing, &asked)?;
            if ended.exited {
                let both = [ended.out_data, ended.err_data].into_iter().flatten();
                let text: Vec<String> = both.collect();
                let text = text.concat();
                let all: Vec<&str> = text.lines().collect();
                let wanted: usize = lines.parse().unwrap_or(usize::MAX);
                let last = &all[all.len().saturating_sub(wanted)..];
                return Ok(Some(last.iter().map(|line| format!("{line}\n")).collect()));
            }
        }
        Ok(None)
    }
}

/// Whether the guest, or the agent in it, is only not there yet.
fn is_asleep(fault: &Fault) -> bool {
    matches!(fault.class, FaultClass::AgentSilent | FaultClass::NotRunning)
}

/// What the release's container is called in its guest.
fn container(release: &ReleaseId) -> String {
    format!("greenroom-{release}")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn look(release: &ReleaseId) -> Vec<String> {
    words(&[
        "docker",
        "container",
        "inspect",
        "--format",
        "{{.State.Running}}",
        &container(release),
    ])
}

fn run(name: &str, port: u16, image: &Artifact) -> Vec<String> {
    words(&[
        "docker",
        "run",
        "--detach",
        "--name",
        name,
        "--restart",
        "unless-stopped",
        "--publish",
        &format!("{port}:{port}"),
        "--env-file",
        "/dev/stdin",
        &image.to_string(),
    ])
}

/// The image that a guest pulls by itself, which has to lie in a registry that it can reach.
fn pulled(release: &Release) -> Result<&Artifact, PortError> {
    let invalid = |message: String| {
        PortError::new(
            ErrorKind::Invalid,
            format!("preparing release {}", release.id()),
            message,
        )
    };
    let artifact = release
        .artifact
        .as_ref()
        .ok_or_else(|| invalid("it has no image, and the guest is to run one".to_owned()))?;
    let named: Result<RepositoryName, _> = artifact.repository.parse();
    match named {
        Ok(name) if name.registry().is_some() => Ok(artifact),
        _ => Err(invalid(format!(
            "its image {artifact} lies in the project's own store, which a guest cannot reach"
        ))
        .fix("push it to a registry")),
    }
}

//! act 0.2.89 in host mode, and what it says of a run, line by line as JSON.

use crate::support::tools::tool;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How act is started; everything that a step may touch lies in `home`.
pub(crate) struct Act {
    /// The event's name.
    pub(crate) event: &'static str,
    /// The payload, in a file.
    pub(crate) payload: PathBuf,
    /// The workflow's file, in the repository.
    pub(crate) workflow: String,
    /// Variables of every step.
    pub(crate) variables: Vec<(String, String)>,
    /// Actions of other repositories, as `owner/name@ref`, and the directory that stands for each.
    pub(crate) actions: Vec<(String, PathBuf)>,
    /// What `github.token` is.
    pub(crate) token: String,
    /// A directory of act's own.
    pub(crate) home: PathBuf,
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Each job's result, by its id: `success` or `failure`. One that was skipped is not here.
    pub(crate) jobs: BTreeMap<String, String>,
    /// Each step, by its job and its own id. A step of a composite action has a `/` in its id.
    steps: BTreeMap<(String, String), Step>,
    /// Everything that was said, for a failing test.
    pub(crate) log: String,
}

/// A step of a job.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// `success`, `failure` or `skipped`.
    pub(crate) result: String,
    /// Its exit status, where that was not 0.
    pub(crate) status: Option<i32>,
    /// What it wrote to `GITHUB_OUTPUT`.
    pub(crate) outputs: BTreeMap<String, String>,
    /// What it wrote to `GITHUB_STEP_SUMMARY`.
    pub(crate) summary: String,
    /// The commands that the runner saw, by name, with the text of each.
    pub(crate) commands: Vec<(String, String)>,
    /// What it printed and was no command.
    pub(crate) said: String,
}

impl Act {
    /// Plays the event in the repository `directory`, to its end.
    pub(crate) fn play(&self, directory: &Path) -> Played {
        let mut command = Command::new(tool("act"));
        command
            .arg(self.event)
            .args(["--workflows", &self.workflow, "--eventpath"])
            .arg(&self.payload)
            .args([
                "--platform",
                "ubuntu-24.04=-self-hosted",
                "--platform",
                "ubuntu-24.04-arm=-self-hosted",
                "--platform",
                "greenroom=-self-hosted",
            ])
            .args(["--no-cache-server", "--json", "--action-cache-path"])
            .arg(self.home.join("actions"))
            .args(["--secret", &format!("GITHUB_TOKEN={}", self.token)]);
        for (name, value) in &self.variables {
            command.args(["--env", &format!("{name}={value}")]);
        }
        for (action, path) in &self.actions {
            command.args(["--local-repository", &format!("{action}={}", path.display())]);
        }
        // A step sees the environment of act: only what every runner has.
        command
            .current_dir(directory)
            .env_clear()
            .env("PATH", std::env!("PATH"))
            .env("HOME", self.home.join("home"))
            .env("XDG_CACHE_HOME", self.home.join("cache"))
            .env("LC_ALL", "C.UTF-8");
        Played::read(&command.output().unwrap())
    }
}

impl Step {
    /// The value of an output; empty where there is none.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }
}

impl Played {
    fn read(output: &Output) -> Self {
        let mut played = Self {
            log: String::from_utf8_lossy(&output.stderr).into_owned(),
            ..Self::default()
        };
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let said: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            played.hear(&said);
        }
        played
    }

    fn hear(&mut self, said: &Value) {
        let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        let (job, message) = (text("jobID"), text("msg"));
        self.log += message.trim_end();
        self.log.push('\n');
        if let Some(result) = said["jobResult"].as_str() {
            self.jobs.insert(job.clone(), result.to_owned());
        }
        let Some(ids) = said["stepID"].as_array().filter(|_| said["stage"] == "Main") else {
            return;
        };
        let id: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
        let step = self.steps.entry((job, id.join("/"))).or_default();
        if let Some(result) = said["stepResult"].as_str() {
            result.clone_into(&mut step.result);
        }
        if let Some(status) = message.strip_prefix("exit status ") {
            step.status = status.parse().ok();
        }
        match said["command"].as_str() {
            Some("set-output") if said.get("raw").is_none() => {
                step.outputs.insert(text("name"), text("arg"));
            }
            Some("summary") => step.summary = text("content"),
            Some(command) => step.commands.push((command.to_owned(), text("arg"))),
            None if said["raw_output"] == true => step.said += &message,
            None => {}
        }
    }

    /// The step with this id in the only job that has one.
    pub(crate) fn step(&self, id: &str) -> &Step {
        let mut found = self.steps.iter().filter(|((_, own), _)| own == id);
        match (found.next(), found.next()) {
            (Some((_, step)), None) => step,
            _ => panic!(
                "there is not one step {id} in {:?}\n{}",
                self.steps.keys(),
                self.log
            ),
        }
    }

    /// The step that runs greenroom in the action that the step `id` uses.
    pub(crate) fn inner(&self, id: &str) -> &Step {
        self.step(&format!("{id}/greenroom"))
    }

    /// Whether each of these jobs ran and came to this; a job that did not run came to nothing.
    pub(crate) fn assert_jobs(&self, jobs: &[(&str, &str)]) {
        let expected = jobs
            .iter()
            .map(|(job, result)| ((*job).to_owned(), (*result).to_owned()));
        assert_eq!(self.jobs, expected.collect(), "{}", self.log);
    }
}

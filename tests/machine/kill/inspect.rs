//! What a project's own files say about it, and greenrooms that are cut off at their work.

use super::project::{GREENROOM, Project, Running};
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Command;

/// The units that the environment has.
pub(crate) const UNITS: [&str; 2] = ["hello-1", "hello-2"];

/// How the environment stands by its ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) live: Option<String>,
    pub(crate) open: bool,
    pub(crate) outcome: Option<String>,
}

impl Project {
    /// Where the target keeps its things.
    pub(crate) fn state(&self) -> PathBuf {
        self.root().join(".greenroom/local/staging")
    }

    /// Where the router does.
    pub(crate) fn router_state(&self) -> PathBuf {
        self.root().join(".greenroom/router/staging")
    }

    fn ledger(&self) -> PathBuf {
        self.root().join(".greenroom/ledger/staging")
    }

    /// Writes a line between what commands say.
    pub(crate) fn note(&self, line: &str) {
        let mut said = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.said())
            .unwrap();
        writeln!(said, "--- {line}").unwrap();
    }

    /// How the environment stands.
    pub(crate) fn standing(&self) -> Standing {
        let output = Command::new(GREENROOM)
            .args(["status", "staging", "--format", "json"])
            .current_dir(self.root())
            .env_clear()
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let status = &status["environments"][0];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Standing {
            live: text(&status["live"]["release"]["version"]),
            open: !status["open"].is_null(),
            outcome: text(&status["last"]["outcome"]),
        }
    }

    /// How many records the ledger has.
    pub(crate) fn records(&self) -> u64 {
        let Ok(entries) = fs::read_dir(self.ledger()) else {
            return 0;
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".json")).count() as u64
    }

    /// Where the record with this number will appear.
    pub(crate) fn record(&self, seq: u64) -> PathBuf {
        self.ledger().join(format!("{seq:020}.json"))
    }

    /// The marks of the instances that slots are recorded to hold.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let slots = UNITS
            .iter()
            .flat_map(|unit| ["blue", "green"].map(|slot| format!("units/{unit}/{slot}/instance.json")));
        slots
            .filter_map(|slot| fs::read(self.state().join(slot)).ok())
            .map(|record| serde_json::from_slice::<Value>(&record).unwrap()["token"].clone())
            .map(|token| token.as_str().unwrap().to_owned())
            .collect()
    }
}

impl Running {
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills it; whether it was still at work.
    pub(crate) fn kill(mut self) -> bool {
        self.child.kill().unwrap();
        self.child.wait().unwrap().signal() == Some(9)
    }
}

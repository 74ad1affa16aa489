//! Whether a task has ended, and how.

use super::fault::{Fault, FaultClass, classify};
use super::upid::Upid;
use crate::domain::model::one_line;
use serde::Deserialize;

/// How much of a task's error is kept, in characters.
const KEPT: usize = 300;

/// A task at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// It runs.
    Running,
    /// It has ended. That what it was for is reached is for its guest to say: a task of a guest under
    /// high availability only passes the wish on.
    Ended(TaskExit),
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskExit {
    /// Well.
    Ok,
    /// Well, with this many warnings in its log.
    Warnings(u32),
    /// Nobody knows: it was killed, or its node went down.
    Unexpected,
    /// It failed.
    Failed {
        /// What it said.
        text: String,
        /// What that means.
        class: FaultClass,
    },
}

impl TaskExit {
    /// Reads an exit status (pve-common, `PVE/UPID.pm`): `OK`, `WARNINGS: 2`, `unexpected status`, or what
    /// went wrong.
    pub fn of(status: &str) -> Self {
        let status = status.trim();
        if let Some(count) = status
            .strip_prefix("WARNINGS: ")
            .and_then(|count| count.parse().ok())
        {
            return Self::Warnings(count);
        }
        match status {
            "OK" => Self::Ok,
            "" | "unexpected status" | "unable to read tail (got 0 bytes)" => Self::Unexpected,
            text => {
                let text = one_line(text, KEPT);
                let class = classify(None, &text);
                Self::Failed { text, class }
            }
        }
    }

    /// Whether it did what it was asked for.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Ok | Self::Warnings(_))
    }

    /// What went wrong with it; `None` for a success.
    pub fn fault(&self, task: &Upid, doing: &str) -> Option<Fault> {
        let (class, text) = match self {
            Self::Ok | Self::Warnings(_) => return None,
            Self::Unexpected => (
                FaultClass::Unknown,
                "it was killed, or its node went down".to_owned(),
            ),
            Self::Failed { text, class } => (class.clone(), text.clone()),
        };
        Some(Fault {
            class,
            doing: doing.to_owned(),
            text: format!("task {} on {}: {text}", task.kind, task.node),
            causes: Vec::new(),
            wrote: true,
            status: None,
        })
    }
}

/// One line of a task's log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogLine {
    /// Its number, from 1.
    #[serde(deserialize_with = "super::decode::count")]
    pub n: u64,
    /// Its text.
    #[serde(default, deserialize_with = "super::decode::words")]
    pub t: String,
}

/// The answer about a task.
#[derive(Deserialize)]
pub(super) struct Status {
    status: String,
    #[serde(default, deserialize_with = "super::decode::maybe_words")]
    exitstatus: Option<String>,
}

impl Status {
    pub(super) fn state(self) -> TaskState {
        if self.status == "running" {
            TaskState::Running
        } else {
            TaskState::Ended(TaskExit::of(&self.exitstatus.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_ends_in_one_of_four_ways() {
        assert_eq!(TaskExit::of("OK"), TaskExit::Ok);
        assert_eq!(TaskExit::of("WARNINGS: 2"), TaskExit::Warnings(2));
        assert_eq!(TaskExit::of("unexpected status"), TaskExit::Unexpected);
        assert_eq!(
            TaskExit::of("VM is locked (backup)"),
            TaskExit::Failed {
                text: "VM is locked (backup)".to_owned(),
                class: FaultClass::ConfigLock("backup".to_owned()),
            }
        );
        assert!(TaskExit::of("WARNINGS: 1").is_success() && !TaskExit::of("WARNINGS: x").is_success());
        let stopped = Status {
            status: "stopped".to_owned(),
            exitstatus: None,
        };
        assert_eq!(stopped.state(), TaskState::Ended(TaskExit::Unexpected));
    }
}

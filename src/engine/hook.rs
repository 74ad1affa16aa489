//! Hooks: the user's own commands at fixed points.

use super::session::Session;
use crate::domain::rollout::{Hook, StepResult};

/// How many of the last lines of output go into the record of a failure.
const LINES: usize = 20;

impl Session<'_> {
    pub(super) fn hook(&self, hook: &Hook) -> StepResult {
        let failed = |reason: String| StepResult::Failed {
            reason: format!("hook {} {reason}", hook.name),
            units: Vec::new(),
        };
        let command = match (self.site.prepare)(hook, self.rollout.plan()) {
            Ok(command) => command,
            Err(reason) => return failed(format!("cannot be prepared: {reason}")),
        };
        match self.site.runner.run(&command) {
            Ok(finished) if finished.code == Some(0) => StepResult::Done,
            Ok(finished) if finished.timed_out => failed(format!("was ended after {}", hook.timeout)),
            Ok(finished) => {
                let how = finished.code.map_or("was ended by a signal".to_owned(), |code| {
                    format!("exited with {code}")
                });
                let output = tail(&format!("{}\n{}", finished.stdout, finished.stderr));
                failed(if output.is_empty() {
                    how
                } else {
                    format!("{how}: {output}")
                })
            }
            Err(error) => failed(format!("cannot be started: {error}")),
        }
    }
}

fn tail(output: &str) -> String {
    let lines: Vec<&str> = output
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

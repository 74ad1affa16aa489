//! The restricted command runner: which commands hooks and checks may run, where, and for how long.

use crate::config::project::CommandPolicy;
use crate::domain::model::{ErrorKind, Explanation, Period, PortError};
use crate::ports::{Captured, Command, Finished, Hear, Runner};
use std::path::Path;
use std::sync::Arc;

/// Runs only what the project's `commands` allow.
pub(super) struct RestrictedRunner {
    runner: Arc<dyn Runner>,
    policy: CommandPolicy,
}

impl RestrictedRunner {
    /// Runs through `runner` what `policy` allows.
    pub(super) fn new(runner: Arc<dyn Runner>, policy: CommandPolicy) -> Self {
        Self { runner, policy }
    }

    fn permitted(&self, command: &Command) -> Result<Command, PortError> {
        let program = command.argv.first().map_or("", String::as_str);
        let refuse = |why: Explanation| {
            Err(PortError::new(
                ErrorKind::Denied,
                format!("running {program}"),
                why,
            ))
        };
        let name = Path::new(program)
            .file_name()
            .map_or(program.into(), |name| name.to_string_lossy());
        if !self.policy.allow.is_empty() && !self.policy.allow.iter().any(|allowed| *allowed == name) {
            let message = format!(
                "commands.allow lists {}, and {name} is not among them",
                self.policy.allow.join(", ")
            );
            return refuse(Explanation::new(message).fix("add it there"));
        }
        let length = command
            .argv
            .iter()
            .map(|word| word.len() + 1)
            .sum::<usize>()
            .saturating_sub(1);
        if length > self.policy.max_length as usize {
            let message = format!(
                "the command line has {length} bytes, commands.maxLength allows {}",
                self.policy.max_length
            );
            return refuse(message.into());
        }
        Ok(Command {
            directory: command
                .directory
                .clone()
                .or_else(|| self.policy.directory.clone()),
            timeout: Period::min(command.timeout, self.policy.timeout),
            ..command.clone()
        })
    }
}

impl Runner for RestrictedRunner {
    fn run(&self, command: &Command) -> Result<Finished, PortError> {
        self.runner.run(&self.permitted(command)?)
    }

    fn follow(&self, command: &Command, hear: &mut Hear<'_>) -> Result<Finished, PortError> {
        self.runner.follow(&self.permitted(command)?, hear)
    }

    fn capture(&self, command: &Command, most: usize, hear: &mut Hear<'_>) -> Result<Captured, PortError> {
        self.runner.capture(&self.permitted(command)?, most, hear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::ops::ControlFlow;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Seen(Mutex<Vec<Command>>);

    impl Runner for Seen {
        fn run(&self, command: &Command) -> Result<Finished, PortError> {
            self.0.lock().unwrap().push(command.clone());
            Ok(Finished {
                code: Some(0),
                timed_out: false,
                stdout: String::new(),
                stderr: String::new(),
                took: Period::ZERO,
            })
        }
    }

    fn command(argv: &[&str]) -> Command {
        Command {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            directory: None,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            timeout: Period::from_secs(600),
        }
    }

    #[test]
    fn only_listed_programs_run_in_their_directory_and_time() {
        let seen = Arc::new(Seen::default());
        let policy = CommandPolicy {
            directory: Some("scripts".into()),
            allow: vec!["curl".into()],
            max_length: 24,
            timeout: Period::from_secs(300),
        };
        let runner = RestrictedRunner::new(Arc::clone(&seen) as Arc<dyn Runner>, policy);
        runner.run(&command(&["/usr/bin/curl", "-s"])).unwrap();
        {
            let seen = seen.0.lock().unwrap();
            assert_eq!(seen[0].directory.as_deref(), Some(Path::new("scripts")));
            assert_eq!(seen[0].timeout, Period::from_secs(300));
        }
        let refused = runner.run(&command(&["bash", "-c", "true"])).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Denied);
        assert!(
            refused.to_string().contains("bash is not among them"),
            "{refused}"
        );
        let captured = runner
            .capture(&command(&["bash"]), 1, &mut |_| ControlFlow::Continue(()))
            .unwrap_err();
        assert_eq!(captured.kind, ErrorKind::Denied);
        let long = runner
            .run(&command(&["curl", "http://127.0.0.1:8080/"]))
            .unwrap_err();
        assert!(long.to_string().contains("27 bytes"), "{long}");
        assert_eq!(seen.0.lock().unwrap().len(), 1);
    }
}

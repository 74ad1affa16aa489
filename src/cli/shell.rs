//! What a command talks through: standard streams, in the form that was asked for.

use super::options::{Format, Global};
use crate::app::{AppError, Context, Workspace};
use crate::domain::model::Redactor;
use crate::host::clock::SystemClock;
use crate::host::environment::{Ci, ProcessEnvironment};
use crate::host::terminal::Ability;
use crate::ports::Clock;
use crate::report::{Groups, Style, workflow_command};
use serde::Serialize;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

/// The shell of one command.
pub(super) struct Shell {
    pub(super) context: Context,
    pub(super) global: Global,
    /// Knows the project's secrets as soon as it is loaded.
    redactor: OnceLock<Redactor>,
}

impl Shell {
    /// A shell in this environment; `waits` where signals have to be caught.
    pub(super) fn open(
        global: Global,
        environment: ProcessEnvironment,
        waits: bool,
    ) -> Result<Self, AppError> {
        let clock: Arc<dyn Clock> = if waits {
            Arc::new(SystemClock::with_signals().map_err(AppError::io("listening for signals"))?)
        } else {
            Arc::new(SystemClock::new())
        };
        let binary = std::env::current_exe().map_err(AppError::io("finding the greenroom executable"))?;
        Ok(Self {
            context: Context::new(environment, clock, binary),
            global,
            redactor: OnceLock::new(),
        })
    }

    /// Loads the project. From here on its secrets are kept out of everything that is shown, and a
    /// runner that masks them is told before anything is done with them.
    pub(super) fn workspace(&self) -> Result<Workspace, AppError> {
        let workspace = Workspace::load(&self.context, self.global.config.as_deref())?;
        if self.context.environment.ci() == Some(Ci::GitHub) {
            for mask in workflow_command::masks(workspace.known_secrets()) {
                self.command(&mask);
            }
        }
        let _ = self.redactor.set(workspace.redactor().clone());
        Ok(workspace)
    }

    /// What prints lines for this shell, also from other threads.
    pub(super) fn voice(&self) -> Voice {
        Voice {
            json: self.is_json(),
            quiet: self.global.quiet,
            github: self.context.environment.ci() == Some(Ci::GitHub),
            redactor: self.redactor.get().cloned().unwrap_or_default(),
        }
    }

    /// Whether results are JSON.
    pub(super) fn is_json(&self) -> bool {
        self.global.format == Format::Json
    }

    /// Whether this is a step with a summary.
    pub(super) fn has_summary(&self) -> bool {
        self.context.environment.summary_path().is_some()
    }

    /// A line of the result, for people; nothing with `--format json`.
    pub(super) fn say(&self, line: &str) {
        self.voice().say(line);
    }

    /// A line beside the result; nothing with `--quiet`. With JSON it goes to standard error.
    pub(super) fn tell(&self, line: &str) {
        self.voice().tell(line);
    }

    /// A line about a problem.
    pub(super) fn warn(&self, line: &str) {
        self.voice().warn(line);
    }

    /// The result as JSON.
    pub(super) fn json(&self, result: &impl Serialize) {
        let mut result = serde_json::to_value(result).unwrap_or_default();
        if let Some(redactor) = self.redactor.get() {
            redactor.redact_document(&mut result);
        }
        self.out(&serde_json::to_string_pretty(&result).unwrap_or_default());
    }

    /// A command to the runner. With JSON it goes to standard error, where the runner reads it as well.
    pub(super) fn command(&self, command: &str) {
        if self.is_json() {
            let _ = writeln!(io::stderr().lock(), "{command}");
        } else {
            self.out(command);
        }
    }

    /// Text exactly as it is: reports, workflow commands.
    pub(super) fn out(&self, text: &str) {
        // A closed pipe is the reader's choice.
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    /// The text without the project's secrets.
    pub(super) fn redact(&self, text: &str) -> String {
        self.redactor
            .get()
            .map_or_else(|| text.to_owned(), |redactor| redactor.redact(text).into_owned())
    }

    /// What standard output can show.
    pub(super) fn style(&self) -> Style {
        let terminals = self.context.environment.terminals();
        let shown = if self.is_json() {
            terminals.stderr
        } else {
            terminals.stdout
        };
        let get = |name: &str| self.context.environment.get(name);
        let locale = get("LC_ALL").or_else(|| get("LC_CTYPE")).or_else(|| get("LANG"));
        let ability = Ability::of(shown, get("NO_COLOR"), get("TERM"), locale);
        Style {
            colour: ability.colour,
            unicode: ability.unicode,
            groups: match self.context.environment.ci() {
                Some(Ci::GitHub) => Groups::GitHub,
                Some(Ci::GitLab) => Groups::GitLab,
                Some(Ci::Jenkins) | None => Groups::None,
            },
            live: ability.live && !self.context.environment.is_ci() && !self.global.quiet,
        }
    }
}

/// Prints lines without secrets and without what the runner would read as a command.
#[derive(Clone)]
pub(super) struct Voice {
    json: bool,
    quiet: bool,
    github: bool,
    redactor: Redactor,
}

impl Voice {
    fn say(&self, line: &str) {
        if !self.json {
            let _ = writeln!(io::stdout().lock(), "{}", self.harmless(line));
        }
    }

    pub(super) fn tell(&self, line: &str) {
        match (self.quiet, self.json) {
            (true, _) => {}
            (false, true) => self.warn(line),
            (false, false) => self.say(line),
        }
    }

    pub(super) fn warn(&self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", self.harmless(line));
    }

    fn harmless(&self, text: &str) -> String {
        let text = self.redactor.redact(text);
        if !self.github {
            return text.into_owned();
        }
        let lines: Vec<String> = text.split('\n').map(workflow_command::neutral).collect();
        lines.join("\n")
    }
}

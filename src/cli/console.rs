//! Rollouts shown while they go on.

use super::shell::Shell;
use crate::app::announce::Audience;
use crate::app::image_build::BuildDetails;
use crate::app::{Lines, Watchers};
use crate::domain::model::{EnvironmentName, Redactor, Timestamp, one_line};
use crate::domain::rollout::{Event, Next, Rollout, Step};
use crate::engine::Observer;
use crate::host::terminal::Terminal;
use crate::ports::Clock;
use crate::report::foreign;
use crate::report::{Console, Recorded, describe_plan};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Longest warning that is shown, in characters: what to do about it stands at its end.
const WARNING: usize = 1_500;

impl Shell {
    /// Shows rollouts as they go on. Several at once name their environment on each line.
    pub(super) fn audience(&self, several: bool) -> Audience {
        let (quiet, verbose) = (self.global.quiet, self.global.verbose > 0);
        let (mut style, json) = (self.style(), self.is_json());
        style.live = style.live && !several;
        let clock = Arc::clone(&self.context.clock);
        let lines = Arc::new(Mutex::new(()));
        let note = self.noting(several);
        let waiting = self.waits(several);
        let watchers = Watchers::new(move |environment, redactor| {
            let out: Box<dyn Write + Send> = if json {
                Box::new(io::stderr())
            } else {
                Box::new(io::stdout())
            };
            let console = Arc::new(Mutex::new(Console::new(style)));
            let terminal = if style.live {
                Terminal::live(out, status(&console, &clock))
            } else {
                Terminal::plain(out)
            };
            vec![Box::new(Shown {
                console,
                terminal,
                mirror: None,
                redactor: redactor.clone(),
                prefix: several.then(|| environment.clone()),
                lines: Arc::clone(&lines),
                quiet,
                verbose,
            })]
        })
        .noting(note)
        .warning(self.warning(several))
        .waiting(waiting)
        .hearing(self.lines());
        Audience::of(watchers)
    }
}

/// What an image was made with.
pub(super) fn made(made: &BuildDetails) -> String {
    let answered = made.startup.map_or_else(String::new, |startup| {
        format!(", answered {startup} after its start")
    });
    let by = match &made.builder {
        Some(builder) => format!(" by {builder}"),
        None => " from files".to_owned(),
    };
    let note = made
        .note
        .as_ref()
        .map_or_else(String::new, |note| format!("\nnote: {note}"));
    format!("built{by} in {}{answered}{note}", made.took)
}

impl Shell {
    /// Shows what a builder writes, where a person or a CI log wants it.
    pub(super) fn lines(&self) -> Lines {
        let wanted = self.global.verbose > 0 || self.context.environment.is_ci();
        if self.global.quiet || !wanted {
            return Arc::new(|_| {});
        }
        let voice = self.voice();
        Arc::new(move |line| voice.warn(&format!("  build | {}", foreign::line(line))))
    }

    /// Tells what a step that takes its time is waiting for, where no status line shows that it goes on.
    fn waits(&self, several: bool) -> impl Fn(&EnvironmentName, &str) + Send + Sync + 'static {
        let (voice, silent) = (self.voice(), self.global.quiet || self.style().live);
        move |environment, what| {
            if !silent {
                let prefix = if several {
                    format!("{environment:<12} ")
                } else {
                    String::new()
                };
                voice.tell(&format!("{prefix}         … {}", foreign::line(what)));
            }
        }
    }

    /// Tells what went wrong beside a rollout.
    fn warning(&self, several: bool) -> impl Fn(&EnvironmentName, &str) + Send + Sync + 'static {
        let voice = self.voice();
        move |environment, warning| {
            let prefix = if several {
                format!("{environment}: ")
            } else {
                String::new()
            };
            voice.warn(&format!("warning: {prefix}{}", one_line(warning, WARNING)));
        }
    }

    /// Tells what is worth knowing before a rollout begins.
    fn noting(&self, several: bool) -> impl Fn(&EnvironmentName, &str) + Send + Sync + 'static {
        let voice = self.voice();
        move |environment, note| {
            let prefix = if several {
                format!("{environment:<12} ")
            } else {
                String::new()
            };
            voice.tell(&format!("{prefix}note: {note}"));
        }
    }
}

fn status(console: &Arc<Mutex<Console>>, clock: &Arc<dyn Clock>) -> Box<dyn Fn() -> Option<String> + Send> {
    let (console, clock) = (Arc::clone(console), Arc::clone(clock));
    Box::new(move || {
        console
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .progress(clock.now())
    })
}

struct Shown {
    console: Arc<Mutex<Console>>,
    terminal: Terminal,
    /// Knows what the steps of a way back are.
    mirror: Option<Rollout>,
    redactor: Redactor,
    prefix: Option<EnvironmentName>,
    /// Lines of several rollouts come in whole pieces.
    lines: Arc<Mutex<()>>,
    /// Only how it ended is shown.
    quiet: bool,
    /// The whole plan is shown first.
    verbose: bool,
}

impl Shown {
    fn act(&mut self, event: &Event) -> Option<Step> {
        if let Event::Planned(plan) = event {
            self.mirror = Some(Rollout::new(plan.as_ref().clone()));
            return None;
        }
        let mirror = self.mirror.as_mut()?;
        let act = match (event, mirror.next()) {
            (Event::Began { step }, Next::Run(id, act)) if id == *step => Some(act),
            _ => None,
        };
        let _ = mirror.apply(event);
        act
    }
}

impl Observer for Shown {
    fn on(&mut self, seq: u64, at: Timestamp, event: &Event) {
        let act = self.act(event);
        let recorded = Recorded {
            seq,
            at,
            event: event.clone(),
        };
        let redact = |text: &str| self.redactor.redact(text).into_owned();
        let mut lines =
            self.console
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .on(&recorded, act.as_ref(), &redact);
        if self.quiet && !matches!(event, Event::Finished { .. }) {
            return;
        }
        if let Event::Planned(plan) = event
            && self.verbose
        {
            let plan = describe_plan(plan, &redact);
            lines.splice(0..0, plan.lines().map(str::to_owned));
        }
        if let Some(environment) = &self.prefix {
            for line in &mut lines {
                *line = format!("{environment:<12} {line}");
            }
        }
        let _whole = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        self.terminal.print(&lines);
    }
}

//! Events → lines for people, one event at a time. Says what to print and what the status line
//! shows; something else prints it.

use super::evidence::Evidence;
use super::style::{Style, Tone};
use crate::domain::model::{Origin, Timestamp, Verdict};
use crate::domain::rollout::{Event, Kind, Phase, Plan, Step, StepId, StepResult};
use crate::report::describe::{Names, place};
use crate::report::elapsed::elapsed;
use crate::report::fold::{describe_known, planned};
use crate::report::workflow_command::neutral;
use crate::report::{Recorded, Redact, foreign};

/// How many passed checks of a step are shown one by one; further ones are counted.
const PASSES: usize = 20;

/// The step that is running.
#[derive(Debug, Clone)]
struct Running {
    id: StepId,
    title: String,
    since: Timestamp,
    /// Whether its fold is open.
    folded: bool,
    /// How many checks passed in it.
    passed: usize,
    /// What the last verdict said, for the status line.
    latest: Option<String>,
    /// Why a check failed, which has been shown already.
    shown: Option<String>,
}

/// The state of the console.
#[derive(Debug, Clone)]
pub struct Console {
    pub(super) style: Style,
    pub(super) plan: Option<Box<Plan>>,
    pub(super) began: Option<Timestamp>,
    running: Option<Running>,
    pub(super) evidence: Vec<Evidence>,
}

impl Console {
    /// A console that has seen nothing yet.
    pub fn new(style: Style) -> Self {
        Self {
            style,
            plan: None,
            began: None,
            running: None,
            evidence: Vec::new(),
        }
    }

    /// The lines that this event adds, without line breaks. `act` is the step that a
    /// [`Event::Began`] begins, where it is not one of the plan's. Lines about failures stand outside
    /// folds, so that they are seen.
    pub fn on(&mut self, recorded: &Recorded, act: Option<&Step>, redact: Redact<'_>) -> Vec<String> {
        let show = |text: &str| foreign::line(&redact(text));
        let at = recorded.at;
        match &recorded.event {
            Event::Planned(plan) => self.planned(plan, at, &show),
            Event::Began { step } => self.began(*step, act, at, &show),
            Event::Judged { .. } => self.judged(&recorded.event, at, &show),
            Event::Ended { step, result } => self.ended(*step, result, at, redact),
            Event::BackedUp { unit, backup, .. } => {
                self.aside(&format!("saved {unit} as {}", show(backup.as_str())), at)
            }
            Event::Interrupted { signal } => self.aside(&format!("interrupted by {}", show(signal)), at),
            Event::Resumed { origin } => {
                self.evidence.clear();
                self.aside(&format!("resumed by {}", person(origin, &show)), at)
            }
            Event::Aborted { origin } => self.aside(&format!("aborted by {}", person(origin, &show)), at),
            Event::Finished {
                outcome,
                summary,
                warnings,
            } => {
                let mut lines = Vec::from_iter(self.close(at));
                self.running = None;
                let summary = show(summary);
                let warnings: Vec<String> = warnings.iter().map(|warning| show(warning)).collect();
                lines.extend(self.finished(*outcome, &summary, &warnings, at));
                lines
            }
        }
    }

    /// What the status line shows at `now`: the running step, for how long, and the latest verdict.
    /// `None` when no step runs.
    pub fn progress(&self, now: Timestamp) -> Option<String> {
        const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        const ASCII: [&str; 4] = ["|", "/", "-", "\\"];
        let running = self.running.as_ref()?;
        let millis = now.since(running.since).as_millis();
        let frames: &[&str] = if self.style.unicode { &FRAMES } else { &ASCII };
        let turn = usize::try_from(millis / 100).unwrap_or(0) % frames.len();
        let latest = running
            .latest
            .as_ref()
            .map(|latest| format!(" ({latest})"))
            .unwrap_or_default();
        Some(format!(
            "{} {} {}{latest}",
            frames[turn],
            running.title,
            elapsed(millis)
        ))
    }

    /// Time since the plan, in a column of its own.
    fn clock(&self, at: Timestamp) -> String {
        let millis = self.began.map_or(0, |began| at.since(began).as_millis());
        format!("{:>7}", if millis < 100 { elapsed(0) } else { elapsed(millis) })
    }

    fn planned(&mut self, plan: &Plan, at: Timestamp, show: Show<'_>) -> Vec<String> {
        let names = Names::of(plan);
        let (service, version) = (show(&plan.service), show(plan.candidate.version.as_str()));
        let what = match plan.kind {
            Kind::Deploy => format!("deploying {service} {version} to {}", plan.environment),
            Kind::Rollback => format!("rolling {service} back to {version} in {}", plan.environment),
        };
        let was = if names.first {
            "nothing was here before".to_owned()
        } else {
            format!("{} is serving", show(&names.previous))
        };
        let units = plan.placements.len();
        let noun = if units == 1 { "unit" } else { "units" };
        let strategy = plan.strategy.as_str();
        let lines = vec![
            self.style.paint(
                Tone::Plain,
                &format!("{what} ({strategy}, {units} {noun}); {was}"),
            ),
            self.style.paint(
                Tone::Faint,
                &format!("  asked for by {}", person(&plan.origin, show)),
            ),
        ];
        (self.began, self.plan) = (Some(at), Some(Box::new(plan.clone())));
        lines
    }

    fn began(&mut self, id: StepId, act: Option<&Step>, at: Timestamp, show: Show<'_>) -> Vec<String> {
        let mut lines = Vec::from_iter(self.close(at));
        let Some(plan) = &self.plan else {
            return lines;
        };
        let description = describe_known(plan, id, act.or_else(|| planned(plan, id)));
        let of = match id.phase {
            Phase::Forward => format!("/{}", plan.steps.len()),
            Phase::Detour | Phase::Recovery | Phase::Completion => String::new(),
        };
        let title = format!("{}{of} {}", place(id), show(&description));
        let line = format!("{} {title}", self.clock(at));
        let fold = self.style.open(&fold_name(id), at, &neutral(&line));
        let folded = fold.is_some();
        match fold {
            Some(fold) => lines.push(fold),
            None if self.style.live => {}
            None => lines.push(self.style.paint(Tone::Plain, &line)),
        }
        self.running = Some(Running {
            id,
            title,
            since: at,
            folded,
            passed: 0,
            latest: None,
            shown: None,
        });
        lines
    }

    fn judged(&mut self, event: &Event, at: Timestamp, show: Show<'_>) -> Vec<String> {
        let Event::Judged {
            check,
            unit,
            verdict,
            reason,
            took,
            ..
        } = event
        else {
            return Vec::new();
        };
        let tone = match verdict {
            Verdict::Pass => Tone::Good,
            Verdict::Fail => Tone::Bad,
            Verdict::Inconclusive => Tone::Doubt,
        };
        let place = unit
            .as_ref()
            .map(|unit| format!(" on {unit}"))
            .unwrap_or_default();
        let what = format!("{}{place}: {}", show(check), show(reason));
        if let Some(running) = &mut self.running {
            running.latest = Some(foreign::clip(&what, 80));
            if *verdict != Verdict::Pass {
                running.shown = Some(show(reason));
            }
            running.passed += usize::from(*verdict == Verdict::Pass);
            if *verdict == Verdict::Pass && running.passed > PASSES {
                return Vec::new();
            }
        }
        let took = match took.as_millis() {
            0 => "under 1ms".to_owned(),
            _ if reason.contains(&took.to_string()) => took.to_string(),
            millis => elapsed(millis),
        };
        // Most reasons say themselves how long it took.
        let took = match reason.contains(&took) {
            true => String::new(),
            false => format!(" ({took})"),
        };
        let line = format!("{}   {} {what}{took}", self.clock(at), self.style.sign(tone));
        vec![self.style.paint(tone, &line)]
    }

    fn ended(&mut self, id: StepId, result: &StepResult, at: Timestamp, redact: Redact<'_>) -> Vec<String> {
        let (tone, reason) = match result {
            StepResult::Done => (Tone::Good, None),
            StepResult::Failed { reason, .. } => (Tone::Bad, Some(reason)),
            StepResult::Inconclusive { reason } => (Tone::Doubt, Some(reason)),
        };
        let fold = self.close(at);
        let running = self.running.take();
        let since = running.as_ref().map_or(at, |running| running.since);
        let took = elapsed(at.since(since).as_millis());
        let counted = running
            .as_ref()
            .map_or(0, |running| running.passed.saturating_sub(PASSES));
        let shown = running.as_ref().and_then(|running| running.shown.clone());
        let said = running.as_ref().is_some_and(|running| running.latest.is_some()) && !self.style.live;
        let title = running.map_or_else(|| id.to_string(), |running| running.title);
        let (clock, sign) = (self.clock(at), self.style.sign(tone));
        let mut lines = Vec::new();
        if counted > 0 {
            let line = format!(
                "{clock}   {} and {counted} more passed",
                self.style.sign(Tone::Good)
            );
            lines.push(self.style.paint(Tone::Good, &line));
        }
        let Some(reason) = reason else {
            let line = match self.style.live {
                true => format!("{clock} {sign} {title} ({took})"),
                false => format!("{clock}   {sign} done in {took}"),
            };
            lines.push(self.style.paint(tone, &line));
            lines.extend(fold);
            return lines;
        };
        let reason = foreign::line(&redact(reason));
        // The check's own line has said it: once is enough.
        let again = shown.is_some_and(|shown| reason.contains(&shown));
        let why = if again {
            String::new()
        } else {
            format!(": {reason}")
        };
        // An open question needs no alarm: the verdict above has said why.
        let line = match result {
            StepResult::Inconclusive { .. } if said && fold.is_none() => {
                format!("{clock}   {sign} undecided after {took}")
            }
            _ => format!("{clock} {sign} {title} ({took}){why}"),
        };
        self.evidence.push(Evidence::of(&title, &reason, result, redact));
        lines.extend(fold);
        lines.push(self.style.paint(tone, &line));
        lines
    }

    /// A line about what people or signals did.
    fn aside(&mut self, text: &str, at: Timestamp) -> Vec<String> {
        let mut lines = Vec::from_iter(self.close(at));
        lines.push(
            self.style
                .paint(Tone::Doubt, &format!("{} {text}", self.clock(at))),
        );
        lines
    }

    /// Ends the fold of the running step, where one is open.
    fn close(&mut self, at: Timestamp) -> Option<String> {
        let running = self.running.as_mut().filter(|running| running.folded)?;
        running.folded = false;
        self.style.close(&fold_name(running.id), at)
    }
}

type Show<'a> = &'a dyn Fn(&str) -> String;

fn person(origin: &Origin, show: Show<'_>) -> String {
    format!("{}: {}", show(&origin.actor.name), show(&origin.reason))
}

fn fold_name(id: StepId) -> String {
    format!("greenroom_{}_{}", id.phase, id.index)
}

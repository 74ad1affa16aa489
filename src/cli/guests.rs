//! Acceptance deployments that are there: shown, and removed when their time is over.

use super::shell::Shell;
use crate::app::acceptance::{self, AcceptanceRemoval, AcceptanceSurvey, Known};
use crate::app::{AppError, Exit, Workspace, document};
use crate::domain::model::{EnvironmentName, Timestamp};

/// Which are meant.
pub(super) struct Ask {
    /// Only those of this environment.
    pub(super) only: Option<EnvironmentName>,
    /// Only this one.
    pub(super) id: Option<EnvironmentName>,
    /// Only those whose time is over.
    pub(super) overdue: bool,
    /// Touch nothing.
    pub(super) dry_run: bool,
}

/// Shows every one.
pub(super) fn list(shell: &Shell, only: Option<&EnvironmentName>) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let survey = acceptance::survey(&workspace, only)?;
    let now = shell.context.clock.now();
    if survey.known.is_empty() {
        shell.say("there is no acceptance deployment");
    }
    for known in &survey.known {
        shell.say(&line(known, now));
    }
    let exit = unreachable(shell, &survey);
    if shell.is_json() {
        shell.json(&document::acceptances(&survey.known, now));
    }
    Ok(exit)
}

/// Removes those that are meant.
pub(super) fn collect(shell: &Shell, workspace: &Workspace, ask: &Ask) -> Result<Exit, AppError> {
    let survey = acceptance::survey(workspace, ask.only.as_ref())?;
    let now = shell.context.clock.now();
    let meant: Vec<&Known> = survey
        .known
        .iter()
        .filter(|known| ask.id.as_ref().is_none_or(|id| known.id == *id))
        .filter(|known| !ask.overdue || known.expires <= now)
        .collect();
    if let (Some(id), true) = (&ask.id, meant.is_empty()) {
        let names: Vec<&str> = survey.known.iter().map(|known| known.id.as_str()).collect();
        return Err(AppError::usage(format!(
            "there is no acceptance deployment {id}; there are: {}",
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        )));
    }
    let origin = shell.context.origin("removing an acceptance deployment", None);
    let audience = shell.audience(false);
    let mut ended = Vec::new();
    for known in &meant {
        if ask.dry_run {
            shell.say(&format!("would go: {}", line(known, now)));
            continue;
        }
        shell.tell(&line(known, now));
        let one = acceptance::remove(workspace, &survey, known, &origin, &audience);
        tell(shell, &one);
        ended.push(one);
    }
    if meant.is_empty() {
        shell.say(&match survey.known.len() {
            0 => "there is no acceptance deployment".to_owned(),
            count => format!("nothing is overdue; acceptance deployments that are there: {count}"),
        });
    }
    let blind = unreachable(shell, &survey);
    let exit = match acceptance::exit(&ended) {
        Exit::Done => blind,
        // Whoever is at work on one that was not named removes it.
        Exit::Busy if ask.id.is_none() => blind,
        other => other,
    };
    if shell.is_json() {
        shell.json(&document::removed(&meant, &ended, exit, now));
    }
    Ok(exit)
}

/// Tells what became of one.
pub(super) fn tell(shell: &Shell, ended: &AcceptanceRemoval) {
    match &ended.result {
        Ok(()) => shell.tell(&format!("{} is removed", ended.id)),
        Err(error) => shell.warn(&format!("{} is not removed: {error}", ended.id)),
    }
}

/// Warns of environments that could not be looked at.
fn unreachable(shell: &Shell, survey: &AcceptanceSurvey) -> Exit {
    for (name, error) in &survey.unreachable {
        shell.warn(&format!("warning: {name} cannot be looked at: {error}"));
    }
    if survey.unreachable.is_empty() {
        Exit::Done
    } else {
        Exit::Halted
    }
}

fn line(known: &Known, now: Timestamp) -> String {
    let things: Vec<&str> = known.things().collect();
    let things = if things.is_empty() {
        "nothing of it is found".to_owned()
    } else {
        things.join(", ")
    };
    let by = match &known.made {
        Some(made) => format!("made from {} by {}", made.of, made.origin.actor.name),
        None => "the ledger does not know it".to_owned(),
    };
    let end = if known.expires <= now {
        format!("overdue since {}", known.expires.human())
    } else {
        format!("until {}", known.expires.human())
    };
    format!("{}  {end}, {by}: {things}", known.id)
}

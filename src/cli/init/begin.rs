//! `greenroom init`.

use super::ask::Asker;
use super::choices::ChoiceArgs;
use crate::app::init::{self, Fate, ProjectSurroundings, USUAL};
use crate::app::{AppError, Exit, document};
use crate::cli::shell::Shell;
use crate::domain::model::Explanation;
use crate::host::clock::SystemClock;
use crate::scaffold::{Choices, File, FileChange, Overrides, files, next_steps};
use std::io::{stderr, stdin};
use std::path::{Path, PathBuf};

/// Begin a project: greenroom.yaml, environments, workflows, Containerfile and compose files
///
/// On a terminal it asks for what no option says; elsewhere, and with --yes, defaults are taken. A file that
/// is there and says something else is shown as a difference and stays, unless you say so or give --force;
/// the exit code is 2 then. Run it again at any time, with other options or a newer greenroom.
///
/// Example: greenroom init --trigger push,dispatch --target command --registry ghcr.io/acme/shop
/// --approvals github --jobs split
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    choices: ChoiceArgs,
    /// Ask nothing
    #[arg(short, long)]
    yes: bool,
    /// Show every file and every difference, and write nothing
    #[arg(long, conflicts_with = "force")]
    dry_run: bool,
    /// Overwrite files that say something else
    #[arg(long)]
    force: bool,
}

/// One file, what became of it, and the difference where there was one.
struct Done<'a> {
    file: &'a File,
    fate: Fate,
    difference: Option<&'a str>,
}

pub(in crate::cli) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let root = root(shell);
    let surroundings = init::surroundings(&root);
    let terminals = shell.context.environment.terminals();
    let asks = !args.yes && !args.dry_run && !shell.is_json() && terminals.stdin && terminals.stdout;
    let mut chosen = args.choices.clone();
    if asks {
        asker()
            .fill(&mut chosen, &surroundings)
            .map_err(|error| unanswered(&error))?;
    }
    let choices = chosen.choices(&surroundings)?;
    let overrides = overrides(&root, &chosen)?;
    let files = files(&choices, &overrides)?;
    let found = init::survey(&root, &files)?;
    let mut done = Vec::new();
    if args.dry_run {
        for (file, change) in &found {
            let fate = match change {
                FileChange::New => Fate::Created,
                FileChange::Same => Fate::Unchanged,
                FileChange::Differs(_) => Fate::Kept,
            };
            done.push(outcome(file, change, fate));
        }
    } else {
        let overwrite = overwritten(args, asks, &found, shell)?;
        // From here on a signal waits until every file is there.
        let _held = SystemClock::with_signals().map_err(AppError::io("listening for signals"))?;
        for ((file, change), overwrite) in found.iter().zip(overwrite) {
            let fate = init::write(&root, file, change, overwrite)?;
            done.push(outcome(file, change, fate));
        }
    }
    show(shell, args, &choices, &done);
    if !args.dry_run {
        init::check(&root, shell.context.environment.directory())?;
        if !shell.is_json() {
            next(shell, &choices, &surroundings);
        }
    }
    let kept = done.iter().filter(|one| one.fate == Fate::Kept).count();
    if kept == 0 || args.dry_run {
        return Ok(Exit::Done);
    }
    if !shell.is_json() {
        shell.warn(&format!(
            "{kept} file(s) say something else and were kept: take over what you need, or give --force"
        ));
    }
    Ok(Exit::Usage)
}

/// The project's directory: that of `--config`, else this one.
pub(in crate::cli) fn root(shell: &Shell) -> PathBuf {
    let directory = shell.context.environment.directory();
    let named = shell.global.config.as_deref().and_then(Path::parent);
    named.map_or_else(|| directory.to_owned(), |parent| directory.join(parent))
}

/// The project's own templates: where the option says, else beside greenroom.yaml if they are there.
///
/// # Errors
/// When they cannot be read.
pub(in crate::cli) fn overrides(root: &Path, args: &ChoiceArgs) -> Result<Overrides, AppError> {
    match &args.templates {
        Some(directory) => init::overrides(directory),
        None if root.join(USUAL).is_dir() => init::overrides(&root.join(USUAL)),
        None => Ok(Overrides::new()),
    }
}

/// For each file whether it may be overwritten. Differences are shown before anybody is asked.
fn overwritten(
    args: &Args,
    asks: bool,
    found: &[(&File, FileChange)],
    shell: &Shell,
) -> Result<Vec<bool>, AppError> {
    let mut answers = Vec::new();
    for (file, change) in found {
        answers.push(match change {
            FileChange::Differs(difference) if asks && !args.force => {
                shell.say(difference);
                asker()
                    .may_overwrite(&file.path)
                    .map_err(|error| unanswered(&error))?
            }
            _ => args.force,
        });
    }
    Ok(answers)
}

/// Questions go to standard error, so that the result can be redirected.
fn asker() -> Asker<std::io::StdinLock<'static>, std::io::Stderr> {
    Asker {
        answers: stdin().lock(),
        questions: stderr(),
    }
}

fn unanswered(error: &std::io::Error) -> AppError {
    AppError::usage(
        Explanation::new(format!("the answers ended ({error}) and nothing was written"))
            .fix("give the rest as options, or --yes for the defaults"),
    )
}

fn outcome<'a>(file: &'a File, change: &'a FileChange, fate: Fate) -> Done<'a> {
    let difference = match change {
        FileChange::Differs(difference) => Some(difference.as_str()),
        FileChange::New | FileChange::Same => None,
    };
    Done {
        file,
        fate,
        difference,
    }
}

fn show(shell: &Shell, args: &Args, choices: &Choices, done: &[Done<'_>]) {
    if shell.is_json() {
        let files = done.iter().map(|one| (one.file, one.fate, one.difference));
        shell.json(&document::init(choices, files, !args.dry_run));
        return;
    }
    for one in done {
        if args.dry_run && one.fate == Fate::Created {
            shell.say(&format!("{} would be:\n\n{}", one.file.path, one.file.text));
            continue;
        }
        shell.say(&format!("{} {}", one.fate.as_str(), one.file.path));
        if let Some(difference) = one.difference {
            shell.say(difference);
        }
    }
}

/// The next steps, and what is odd about the place.
fn next(shell: &Shell, choices: &Choices, surroundings: &ProjectSurroundings) {
    shell.tell("\nNext:");
    for (at, step) in next_steps(choices).iter().enumerate() {
        let lines: Vec<String> = step.lines().flat_map(wrapped).collect();
        shell.tell(&format!("  {}. {}", at + 1, lines.join("\n     ")));
    }
    if surroundings.ignores == Some(false) {
        shell.tell("note: add /.greenroom/ to .gitignore; it holds what runs on this machine");
    }
    if surroundings.below_repository {
        shell.tell("note: a forge reads workflows at the root of the repository only, and this is not it");
    }
}

/// A line cut between its words, so that with its indent it stands on a terminal of 80 columns.
fn wrapped(line: &str) -> Vec<String> {
    const WIDTH: usize = 74;
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let at = lines.len() - 1;
        let used = lines[at].chars().count();
        if used > 0 && used + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if used > 0 {
                lines[at].push(' ');
            }
            lines[at].push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_end_between_words_and_no_word_is_lost() {
        let line = "one two → ".repeat(20) + &"x".repeat(100) + " end";
        let lines = wrapped(&line);
        assert_eq!(lines.join(" "), line);
        let long: Vec<&String> = lines.iter().filter(|line| line.chars().count() > 74).collect();
        assert_eq!(
            long,
            [&"x".repeat(100)],
            "only a word that has no place to be cut"
        );
        assert_eq!(wrapped("short"), ["short"]);
    }
}

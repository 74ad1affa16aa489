//! The command line: one file per command; arguments in, plain requests out.
//!
//! Text goes to standard output, problems to standard error; with `--format json` standard output is
//! one JSON document and nothing else. Exit codes are those of [`Exit`].

mod abort;
mod acceptance;
mod action;
mod approve;
mod audit;
mod build;
mod check;
mod console;
mod demo;
mod deploy;
mod doctor;
mod environment;
mod failure;
mod freeze;
mod guests;
mod history;
mod image;
mod init;
mod lock;
mod options;
mod outcome;
mod plan;
mod promote;
mod prune;
mod publish;
#[cfg(test)]
mod reference;
mod render;
mod resume;
mod rollback;
mod router;
mod run;
mod scan;
mod schema;
mod shell;
mod signature;
mod status;
mod tag;
mod takeup;
mod transfer;
mod trigger;
mod unlock;
mod validate;
mod verify;

use crate::app::{AppError, Exit};
use crate::host::environment::Environment;
use clap::{Parser, Subcommand};
use options::Global;
use shell::Shell;
use std::ffi::OsString;
use std::process::ExitCode;

/// Ships a service to an environment, proves that it works there, and puts the old one back when it
/// does not.
///
/// See it work: greenroom demo
#[derive(Debug, Parser)]
#[command(name = "greenroom", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done · 1 bug · 2 usage · 3 configuration · 4 rolled back, the \
    environment is healthy · 5 halted, a person is needed · 6 refused · 7 busy · 8 nothing to do (with \
    --exit-code) · 130 interrupted"
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Plan(plan::Args),
    Demo(demo::Args),
    Init(init::Args),
    Render(render::Args),
    Check(check::Args),
    Schema(schema::Args),
    Trigger(trigger::Args),
    Tag(tag::Args),
    Validate(validate::Args),
    Build(build::Args),
    Scan(scan::Args),
    Deploy(deploy::Args),
    Promote(promote::Args),
    Verify(verify::Args),
    Acceptance(acceptance::Args),
    Rollback(rollback::Args),
    Resume(resume::Args),
    Abort(abort::Args),
    Approve(approve::Args),
    Lock(lock::Args),
    Unlock(unlock::Args),
    Freeze(freeze::Args),
    Image(image::Args),
    Environment(environment::Args),
    Doctor(doctor::Args),
    Status(status::Args),
    History(history::Args),
    Audit(audit::Args),
    Signature(signature::Args),
    Prune(prune::Args),
    Router(router::Args),
    Action(action::Args),
}

/// Runs the command line whose words are `words`, the first of which is the program's name.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let environment = match Environment::capture() {
        Ok(environment) => environment,
        Err(error) => return failure::without_shell(&AppError::io("reading the environment")(error)),
    };
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return failure::unparsed(&environment, &error),
    };
    let cli = match cli.command {
        Command::Action(_) => match named_by_inputs(&cli.global, &environment) {
            Ok(cli) => cli,
            Err(code) => return code,
        },
        _ => cli,
    };
    let shell = match Shell::open(cli.global, environment, cli.command.waits()) {
        Ok(shell) => shell,
        Err(error) => return failure::without_shell(&error),
    };
    let done = cli.command.run(&shell);
    ExitCode::from(match done {
        Ok(exit) => exit as u8,
        Err(error) => failure::show(&shell, &error) as u8,
    })
}

/// The command line that the inputs of the action name, or how the process ends without one.
fn named_by_inputs(global: &Global, environment: &Environment) -> Result<Cli, ExitCode> {
    let shown = |error: &AppError| match Shell::open(global.clone(), environment.clone(), false) {
        Ok(shell) => ExitCode::from(failure::show(&shell, error) as u8),
        Err(error) => failure::without_shell(&error),
    };
    let words = action::words(&environment.inputs()).map_err(|error| shown(&AppError::Usage(error)))?;
    let words = ["greenroom".to_owned()].into_iter().chain(words);
    match Cli::try_parse_from(words) {
        Ok(cli) => Ok(Cli {
            global: cli.global.within(global),
            ..cli
        }),
        Err(error) => Err(failure::unparsed(environment, &error)),
    }
}

impl Command {
    /// Whether it waits for things, so that signals have to be caught.
    fn waits(&self) -> bool {
        match self {
            Self::Run(_)
            | Self::Build(_)
            | Self::Demo(_)
            | Self::Scan(_)
            | Self::Deploy(_)
            | Self::Promote(_)
            | Self::Image(_)
            | Self::Rollback(_)
            | Self::Resume(_)
            | Self::Abort(_)
            | Self::Acceptance(_)
            | Self::Validate(_)
            | Self::Prune(_) => true,
            Self::Plan(_)
            | Self::Init(_)
            | Self::Render(_)
            | Self::Check(_)
            | Self::Schema(_)
            | Self::Approve(_)
            | Self::Lock(_)
            | Self::Unlock(_)
            | Self::Freeze(_)
            | Self::Trigger(_)
            | Self::Tag(_)
            | Self::Verify(_)
            | Self::Environment(_)
            | Self::Doctor(_)
            | Self::Status(_)
            | Self::History(_)
            | Self::Audit(_)
            | Self::Signature(_)
            | Self::Router(_)
            | Self::Action(_) => false,
        }
    }

    fn run(self, shell: &Shell) -> Result<Exit, AppError> {
        match self {
            Self::Run(args) => run::run(shell, &args),
            Self::Plan(args) => plan::run(shell, &args),
            Self::Demo(args) => demo::run(shell, &args),
            Self::Init(args) => init::run(shell, &args),
            Self::Render(args) => render::run(shell, &args),
            Self::Check(args) => check::run(shell, &args),
            Self::Schema(args) => schema::run(shell, &args),
            Self::Trigger(args) => trigger::run(shell, &args),
            Self::Tag(args) => tag::run(shell, &args),
            Self::Validate(args) => validate::run(shell, &args),
            Self::Build(args) => build::run(shell, &args),
            Self::Scan(args) => scan::run(shell, &args),
            Self::Deploy(args) => deploy::run(shell, &args),
            Self::Promote(args) => promote::run(shell, &args),
            Self::Verify(args) => verify::run(shell, &args),
            Self::Acceptance(args) => acceptance::run(shell, &args),
            Self::Rollback(args) => rollback::run(shell, &args),
            Self::Resume(args) => resume::run(shell, &args),
            Self::Abort(args) => abort::run(shell, &args),
            Self::Approve(args) => approve::run(shell, &args),
            Self::Lock(args) => lock::run(shell, &args),
            Self::Unlock(args) => unlock::run(shell, &args),
            Self::Freeze(args) => freeze::run(shell, &args),
            Self::Image(args) => image::run(shell, &args),
            Self::Environment(args) => environment::run(shell, &args),
            Self::Doctor(args) => doctor::run(shell, &args),
            Self::Status(args) => status::run(shell, &args),
            Self::History(args) => history::run(shell, &args),
            Self::Audit(args) => audit::run(shell, &args),
            Self::Signature(args) => signature::run(shell, &args),
            Self::Prune(args) => prune::run(shell, &args),
            Self::Router(args) => router::run(&args),
            // Its inputs have named another one by now.
            Self::Action(_) => Err(AppError::Usage("an action runs no action".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Cli::command()
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
        {
            let help = command.clone().render_long_help().to_string();
            assert!(
                help.contains("greenroom "),
                "{} has no example in its help",
                command.get_name()
            );
            assert!(
                help.contains("Example"),
                "{} has no example in its help",
                command.get_name()
            );
        }
    }
}

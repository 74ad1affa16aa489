//! `docs/cli.md`: every command with its help, as the program itself says it.
#![cfg(test)]

use super::command::Cli;
use clap::{Command, CommandFactory as _};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A run of the test with this variable writes the page.
const WRITE: &str = "GREENROOM_WRITE_DOCS";

/// The width of the page's help, in characters: that of a terminal which is wide enough.
const WIDTH: usize = 100;

const BEGINNING: &str = "\
# The command line

<!-- Written by the program: GREENROOM_WRITE_DOCS=1 cargo test --locked --lib cli::reference -->

Each command with its help, as `--help` prints it. The global options are listed once, under
[greenroom](#greenroom); every command takes them. See also the [exit codes](../README.md#exit-codes) and the
[environment variables](environment-variables.md).

| command | what it does |
|---|---|
";

/// The whole page.
fn page() -> String {
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    let mut page = BEGINNING.to_owned();
    let mut sections = section("greenroom", root.clone());
    for_each(&root, "greenroom", &mut |name, command| {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let link = name.replace(' ', "-");
        writeln!(page, "| [`{name}`](#{link}) | {} |", about.replace('|', "\\|")).unwrap();
        sections += &section(name, without_globals(command));
    });
    format!("{page}{sections}")
}

/// Calls `each` for every command below `above` that help shows, with its whole name, a parent before its
/// children.
fn for_each(above: &Command, name: &str, each: &mut impl FnMut(&str, &Command)) {
    let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for command in above.get_subcommands().filter(shown) {
        let name = format!("{name} {}", command.get_name());
        each(&name, command);
        for_each(command, &name, each);
    }
}

/// The command without the options that all commands share.
fn without_globals(command: &Command) -> Command {
    command.clone().mut_args(|argument| {
        if argument.is_global_set() || argument.get_id() == "help" {
            argument.hide(true)
        } else {
            argument
        }
    })
}

fn section(name: &str, command: Command) -> String {
    let help = command.term_width(WIDTH).render_long_help().to_string();
    let mut section = format!("\n## {name}\n\n```text\n");
    for line in help.trim().lines() {
        section += line.trim_end();
        section.push('\n');
    }
    section + "```\n"
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a person says in the environment that the page is to be written"
)]
fn the_page_about_the_command_line_is_what_the_program_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let page = page();
    if std::env::var_os(WRITE).is_some() {
        fs::write(&file, &page).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap();
    let lines = page.lines().zip(written.lines());
    let differs = lines.enumerate().find(|(_, (says, stands))| says != stands);
    let (line, texts) = differs.map_or((0, None), |(at, texts)| (at + 1, Some(texts)));
    assert!(
        written == page,
        "docs/cli.md is not what the program says, first in line {line} (0: only in length): {texts:?}\n\
         write it again: {WRITE}=1 cargo test --locked --lib cli::reference"
    );
}

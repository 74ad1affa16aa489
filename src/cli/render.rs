//! `greenroom render`.

use super::init::choices::ChoiceArgs;
use super::init::{overrides, root};
use super::shell::Shell;
use crate::app::init::{save, surroundings};
use crate::app::{AppError, Exit, document};
use crate::report::document::{RenderDocument, TemplateRow};
use crate::scaffold::{Overrides, render};
use std::path::PathBuf;

/// Print one of the files that `init` writes, with the same options
///
/// Files in greenroom-templates/ beside greenroom.yaml, or in the directory of --templates, take the place of
/// templates with the same name, parts included. Their marks are << value >>, <% statement %> and
/// <# comment #>; what --set gives is << set.KEY >>, and << set.KEY | yaml >> quotes it for YAML.
///
/// Example: greenroom render github/ci.yml --ecosystem node > .github/workflows/ci.yml
///
/// Example: greenroom render team.yaml --set team=checkout
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The template, by its name in --list
    #[arg(required_unless_present = "list")]
    template: Option<String>,
    /// Show the names of all templates, and what each is
    #[arg(long, conflicts_with = "template")]
    list: bool,
    /// Write it to this file, which must not be there, instead of printing it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    choices: ChoiceArgs,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let root = root(shell);
    let overrides = overrides(&root, &args.choices)?;
    let Some(template) = args.template.as_deref() else {
        list(shell, &overrides);
        return Ok(Exit::Done);
    };
    let choices = args.choices.choices(&surroundings(&root))?;
    let text = render(template, &choices, &overrides)?;
    if let Some(output) = &args.output {
        save(output, &text)?;
        shell.tell(&format!("wrote {}", output.display()));
    }
    if shell.is_json() {
        shell.json(&RenderDocument {
            template,
            text: &text,
        });
    } else if args.output.is_none() {
        shell.out(text.strip_suffix('\n').unwrap_or(&text));
    }
    Ok(Exit::Done)
}

fn list(shell: &Shell, overrides: &Overrides) {
    let document = document::templates(overrides);
    if shell.is_json() {
        shell.json(&document);
        return;
    }
    let all = document.templates;
    let widest = all.iter().map(|row| row.name.len()).max().unwrap_or_default();
    for TemplateRow { name, about, own, .. } in all {
        let own = if own { " (your own)" } else { "" };
        shell.say(&format!("{name:widest$}  {about}{own}"));
    }
}

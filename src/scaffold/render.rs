//! Templates with everything put in.

use super::catalog::{TEMPLATES, template};
use super::choices::Choices;
use super::facts::Facts;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use std::collections::BTreeMap;
use thiserror::Error as ThisError;

/// A project's own templates by their names. One with the name of an embedded one takes its place.
pub type Overrides = BTreeMap<String, String>;

/// A file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Below the project's directory.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// Whether it is a program.
    pub executable: bool,
}

/// Why there are no files.
#[derive(Debug, ThisError, PartialEq, Eq)]
pub enum ScaffoldError {
    /// Choices do not go together; a sentence about each.
    #[error("{}", .0.join("\n"))]
    Contradiction(Vec<String>),
    /// There is no such template.
    #[error("there is no template {name:?}: greenroom render --list shows them all")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A template cannot be rendered.
    #[error(
        "the template {name}{}: {message}; its marks are << value >>, <% statement %> and <# comment #>",
        .line.map(|line| format!(", line {line}")).unwrap_or_default()
    )]
    Template {
        /// Which.
        name: String,
        /// Where in it.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
}

/// The files that a project with these choices begins with.
///
/// # Errors
/// [`ScaffoldError::Contradiction`] where choices do not go together; [`ScaffoldError::Template`] for one
/// of the project's own that cannot be rendered.
pub fn files(choices: &Choices, overrides: &Overrides) -> Result<Vec<File>, ScaffoldError> {
    check(choices)?;
    let engine = engine(overrides)?;
    let mut files = Vec::new();
    for template in TEMPLATES.iter().filter(|template| template.is_wanted(choices)) {
        let text = one(&engine, template.name, choices)?;
        files.extend(template.path.map(|path| File {
            path: path.to_owned(),
            text,
            executable: template.executable,
        }));
    }
    Ok(files)
}

/// One template, embedded or the project's own.
///
/// # Errors
/// As [`files`], and [`ScaffoldError::Unknown`].
pub fn render(name: &str, choices: &Choices, overrides: &Overrides) -> Result<String, ScaffoldError> {
    check(choices)?;
    if !overrides.contains_key(name) && template(name).is_none() {
        let name = name.to_owned();
        return Err(ScaffoldError::Unknown { name });
    }
    one(&engine(overrides)?, name, choices)
}

fn check(choices: &Choices) -> Result<(), ScaffoldError> {
    let found = choices.contradictions();
    if found.is_empty() {
        Ok(())
    } else {
        Err(ScaffoldError::Contradiction(found))
    }
}

fn engine(overrides: &Overrides) -> Result<Environment<'_>, ScaffoldError> {
    let mut engine = Environment::new();
    let syntax = SyntaxConfig::builder()
        .block_delimiters("<%", "%>")
        .variable_delimiters("<<", ">>")
        .comment_delimiters("<#", "#>")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    engine.set_syntax(syntax.map_err(|error| explain("", &error))?);
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    let embedded = TEMPLATES.iter().map(|template| (template.name, template.text));
    let own = overrides
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    // Own ones later: the last of a name stands.
    for (name, text) in embedded.chain(own) {
        engine
            .add_template(name, text)
            .map_err(|error| explain(name, &error))?;
    }
    Ok(engine)
}

fn one(engine: &Environment<'_>, name: &str, choices: &Choices) -> Result<String, ScaffoldError> {
    engine
        .get_template(name)
        .and_then(|template| template.render(Serde(&Facts::of(choices))))
        .map_err(|error| explain(name, &error))
}

/// What is wrong, by the innermost template: the one that others include.
fn explain(name: &str, error: &Error) -> ScaffoldError {
    let mut innermost = error;
    while let Some(inner) =
        std::error::Error::source(innermost).and_then(|source| source.downcast_ref::<Error>())
    {
        innermost = inner;
    }
    ScaffoldError::Template {
        name: innermost.name().unwrap_or(name).to_owned(),
        line: innermost.line(),
        message: innermost
            .detail()
            .map_or_else(|| innermost.kind().to_string(), str::to_owned),
    }
}

//! Templates with everything put in.

use super::catalog::{TEMPLATES, template};
use super::choices::Choices;
use super::facts::Facts;
use super::setting::quoted;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error as ThisError;

/// What minijinja says of a name that is not known.
const UNDEFINED: &str = "undefined value";

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
    #[error("there is no template {name:?}")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A value was given that no template reads.
    #[error(
        "no template reads set.{key}, so --set {key}=… would change nothing{}",
        if .known.is_empty() { String::new() } else { format!(": they read {}", .known.join(", ")) }
    )]
    Unread {
        /// Its name.
        key: String,
        /// What templates read, in order.
        known: Vec<String>,
    },
    /// A template cannot be rendered.
    #[error(
        "the template {name}{}: {message}",
        .line.map(|line| format!(", line {line}")).unwrap_or_default()
    )]
    Template {
        /// Which.
        name: String,
        /// Where in it.
        line: Option<usize>,
        /// What is wrong.
        message: String,
        /// What to do about it.
        fix: String,
    },
}

/// What to do where a template is not written as one.
const MARKS: &str = "write its marks as << value >>, <% statement %> and <# comment #>";

impl ScaffoldError {
    /// What to do about it, where that is known.
    pub fn fix(&self) -> Option<&str> {
        match self {
            Self::Unknown { .. } => Some("let greenroom render --list show them all"),
            Self::Template { fix, .. } => Some(fix),
            Self::Contradiction(_) | Self::Unread { .. } => None,
        }
    }
}

/// The files that a project with these choices begins with.
///
/// # Errors
/// [`ScaffoldError::Contradiction`] where choices do not go together; [`ScaffoldError::Template`] for one
/// of the project's own that cannot be rendered.
pub fn files(choices: &Choices, overrides: &Overrides) -> Result<Vec<File>, ScaffoldError> {
    check(choices)?;
    let engine = engine(overrides)?;
    check_read(&engine, choices)?;
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
    let engine = engine(overrides)?;
    check_read(&engine, choices)?;
    one(&engine, name, choices)
}

fn check(choices: &Choices) -> Result<(), ScaffoldError> {
    let found = choices.contradictions();
    if found.is_empty() {
        Ok(())
    } else {
        Err(ScaffoldError::Contradiction(found))
    }
}

/// Whether some template reads each value that was given. One that takes `set` as a whole may read any.
fn check_read(engine: &Environment<'_>, choices: &Choices) -> Result<(), ScaffoldError> {
    let read: BTreeSet<String> = engine
        .templates()
        .flat_map(|(_, template)| template.undeclared_variables(true))
        .filter(|name| name == "set" || name.starts_with("set."))
        .collect();
    let unread = |key: &&String| !read.contains("set") && !read.contains(&format!("set.{key}"));
    match choices.settings.keys().find(unread) {
        Some(key) => Err(ScaffoldError::Unread {
            key: key.clone(),
            known: read.into_iter().collect(),
        }),
        None => Ok(()),
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
    engine.add_filter("yaml", |value: Value| match value.as_str() {
        Some(text) => Ok(quoted(text)),
        None if value.is_undefined() => Err(Error::from(ErrorKind::UndefinedError)),
        None => Ok(quoted(&value.to_string())),
    });
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
        .map_err(|error| unknown(engine, choices, explain(name, &error)))
}

/// The same error, with what is not known by its name where it can be told from the template's line.
fn unknown(engine: &Environment<'_>, choices: &Choices, error: ScaffoldError) -> ScaffoldError {
    let ScaffoldError::Template {
        name,
        line: Some(line),
        message,
        fix,
    } = error
    else {
        return error;
    };
    let found = engine.get_template(&name).ok();
    let source = found.as_ref().map_or("", |template| template.source());
    let text = source.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let missing = settings_in(text).find(|key| !choices.settings.contains_key(*key));
    let (message, fix) = match missing {
        Some(key) if message == UNDEFINED => (
            format!("set.{key} has no value"),
            format!("give --set {key}=VALUE"),
        ),
        None if message == UNDEFINED => (format!("{message} in {:?}", text.trim()), fix),
        Some(_) | None => (message, fix),
    };
    ScaffoldError::Template {
        name,
        line: Some(line),
        message,
        fix,
    }
}

/// The names behind each `set.` in a line.
fn settings_in(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("set.")
        .filter(|(at, _)| !line[..*at].ends_with(is_name))
        .map(|(at, mark)| &line[at + mark.len()..])
        .map(|rest| &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())])
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
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
        fix: MARKS.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::settings_in;

    #[test]
    fn settings_are_found_in_a_line_of_a_template() {
        let names = |line: &str| settings_in(line).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            names("a: << set.team >><< set.x_1|yaml >> << offset.y >>"),
            ["team", "x_1"]
        );
        assert!(names("<% set x = 1 %> reset.y").is_empty());
    }
}

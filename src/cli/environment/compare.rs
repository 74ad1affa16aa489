//! `greenroom environment compare`.

use super::lines::scalar;
use crate::app::environment::{ComparedSide, Comparison, compare};
use crate::app::{AppError, Exit, document};
use crate::cli::shell::Shell;
use crate::domain::model::EnvironmentName;
use crate::report::foreign::{clip, line};
use serde_json::Value;

/// Widest column of values, in characters.
const COLUMN: usize = 40;

/// Compare two environments: what is live, and every setting that differs
///
/// Settings are compared as they are resolved, with every default applied. Two environments may differ as
/// they like: the command ends with 0.
///
/// Example: greenroom environment compare staging production
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One environment
    first: EnvironmentName,
    /// The other
    second: EnvironmentName,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let comparison = compare(&workspace, &args.first, &args.second)?;
    if shell.is_json() {
        shell.json(&document::comparison(&comparison));
        return Ok(Exit::Done);
    }
    for line in table(&comparison) {
        shell.say(&line);
    }
    Ok(Exit::Done)
}

fn table(comparison: &Comparison) -> Vec<String> {
    let of_sides = |told: fn(&ComparedSide) -> String| comparison.sides.each_ref().map(told);
    let mut rows = vec![
        (String::new(), of_sides(|side| side.environment.to_string())),
        ("live".to_owned(), of_sides(version)),
        ("  since".to_owned(), of_sides(since)),
        ("  image".to_owned(), of_sides(image)),
    ];
    // What neither has is not told.
    rows.retain(|(name, values)| name.trim_start() == name || values.iter().any(|value| value != "-"));
    rows.extend(comparison.differences.iter().map(|difference| {
        let values = difference.values.each_ref().map(shown);
        (difference.setting.clone(), values)
    }));
    let rows = rows.into_iter().map(|(name, values)| {
        let values = values.map(|value| clip(&line(&value), COLUMN));
        (name, values)
    });
    let rows: Vec<(String, [String; 2])> = rows.collect();
    let width = |text: fn(&(String, [String; 2])) -> &str| {
        let widths = rows.iter().map(|row| text(row).chars().count());
        widths.max().unwrap_or(0)
    };
    let (names, values) = (width(|row| &row.0), width(|row| &row.1[0]));
    let mut lines: Vec<String> = rows
        .iter()
        .map(|(name, [first, second])| format!("{name:<names$}  {first:<values$}  {second}"))
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.push(match (comparison.differences.len(), comparison.same) {
        (0, same) => format!("all {same} settings are the same"),
        (_, same) => format!("{same} other settings are the same"),
    });
    lines
}

fn version(side: &ComparedSide) -> String {
    let live = side.live.as_ref();
    live.map_or("nothing".to_owned(), |live| live.release.version.to_string())
}

fn since(side: &ComparedSide) -> String {
    let live = side.live.as_ref();
    live.map_or("-".to_owned(), |live| live.since.human())
}

/// The digest tells whether two are the same; the repository may well differ.
fn image(side: &ComparedSide) -> String {
    let live = side.live.as_ref();
    let artifact = live.and_then(|live| live.release.artifact.as_ref());
    artifact.map_or("-".to_owned(), |artifact| {
        format!(
            "{}…",
            artifact.digest.as_str().chars().take(19).collect::<String>()
        )
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(scalar).collect::<Vec<_>>().join(", "),
        other => scalar(other),
    }
}

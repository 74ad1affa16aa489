//! Two environments side by side.

use super::describe::describe;
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use crate::app::{protection, status};
use crate::domain::history::Live;
use crate::domain::model::{EnvironmentName, Explanation};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Two environments side by side.
pub struct Comparison {
    /// What is live in each, by their ledgers.
    pub sides: [ComparedSide; 2],
    /// Every setting that differs, by its name.
    pub differences: Vec<Difference>,
    /// How many settings are the same.
    pub same: usize,
}

/// One of them.
pub struct ComparedSide {
    /// Its name.
    pub environment: EnvironmentName,
    /// What is live there.
    pub live: Option<Live>,
}

/// A setting that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its name, as it is written in an environment's file: `deployment.strategy`.
    pub setting: String,
    /// Its resolved values in the first and the second; null where it has none.
    pub values: [Value; 2],
}

/// Compares two environments: what is live by the ledger, and every setting as it is resolved, with
/// protection as it is in force.
///
/// # Errors
/// When one is not configured, or a ledger cannot be read.
pub fn compare(
    workspace: &Workspace,
    first: &EnvironmentName,
    second: &EnvironmentName,
) -> Result<Comparison, AppError> {
    if first == second {
        return Err(AppError::usage(
            Explanation::new(format!("{first} cannot differ from itself")).fix("name two environments"),
        ));
    }
    let look = |name: &EnvironmentName| -> Result<_, AppError> {
        let environment = protection::in_force(workspace, workspace.environment(name)?)?;
        let mut described = serde_json::to_value(describe(&environment)).unwrap_or_default();
        if let Value::Object(fields) = &mut described {
            fields.remove("name");
        }
        let side = ComparedSide {
            environment: name.clone(),
            live: status::status(workspace, name)?.live,
        };
        Ok((side, settings(&described)))
    };
    let ((first, ours), (second, theirs)) = (look(first)?, look(second)?);
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let all = names.len();
    let value = |settings: &BTreeMap<String, Value>, name: &String| {
        settings.get(name).cloned().unwrap_or(Value::Null)
    };
    let differences: Vec<Difference> = names
        .into_iter()
        .map(|name| Difference {
            setting: name.clone(),
            values: [value(&ours, name), value(&theirs, name)],
        })
        .filter(|difference| difference.values[0] != difference.values[1])
        .collect();
    Ok(Comparison {
        sides: [first, second],
        same: all - differences.len(),
        differences,
    })
}

/// Every value that is there, under its whole name. A list is one value.
fn settings(described: &Value) -> BTreeMap<String, Value> {
    let mut settings = BTreeMap::new();
    collect(described, String::new(), &mut settings);
    settings
}

fn collect(value: &Value, name: String, settings: &mut BTreeMap<String, Value>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                collect(value, name, settings);
            }
        }
        other => {
            settings.insert(name, other.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_have_whole_names_and_lists_are_one_value() {
        let found = settings(&json!({
            "url": null, "suites": ["smoke"], "deployment": { "rollback": { "enabled": true } }, "variables": {},
        }));
        let found: Vec<String> = found
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        assert_eq!(
            found,
            ["deployment.rollback.enabled = true", r#"suites = ["smoke"]"#]
        );
    }
}

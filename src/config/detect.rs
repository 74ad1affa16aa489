//! Which environment the surroundings name.

use super::scalar::Kind;
use crate::domain::model::{EnvironmentName, EnvironmentType};
use std::collections::BTreeMap;

/// The environment that the surroundings name, and what decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// The name to look for among the environments.
    pub name: String,
    /// The variable that decided, with its value as it was found; `None` for the default.
    pub decided_by: Option<(&'static str, String)>,
}

impl Detection {
    /// The name as one of an environment; `None` when the variable holds something else.
    pub fn environment(&self) -> Option<EnvironmentName> {
        self.name.parse().ok()
    }

    /// What decided, in one sentence.
    pub fn reason(&self) -> String {
        match &self.decided_by {
            Some((variable, value)) if *value == self.name => {
                format!("{variable} is `{}`", value.escape_debug())
            }
            Some((variable, value)) => format!(
                "{variable} is `{}`, which means `{}`",
                value.escape_debug(),
                self.name.escape_debug()
            ),
            None => format!(
                "neither ENVIRONMENT nor NODE_ENV is set, so it is `{}`",
                EnvironmentType::Development
            ),
        }
    }
}

/// `ENVIRONMENT` first, then `NODE_ENV`; an empty one counts as not set. `prod`, `stage` and `dev` mean
/// production, staging and development; with neither variable it is development.
pub fn detect(variables: &BTreeMap<String, String>) -> Detection {
    ["ENVIRONMENT", "NODE_ENV"]
        .into_iter()
        .find_map(|variable| {
            let value = variables.get(variable)?.trim();
            (!value.is_empty()).then(|| Detection {
                name: Kind::of(value).map_or_else(|| value.to_owned(), |kind| kind.as_str().to_owned()),
                decided_by: Some((variable, value.to_owned())),
            })
        })
        .unwrap_or_else(|| Detection {
            name: EnvironmentType::Development.as_str().to_owned(),
            decided_by: None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides_and_short_words_are_understood() {
        for (environment, node, name, reason) in [
            (
                Some("prod"),
                Some("test"),
                "production",
                "ENVIRONMENT is `prod`, which means `production`",
            ),
            (
                Some(""),
                Some("stage"),
                "staging",
                "NODE_ENV is `stage`, which means `staging`",
            ),
            (None, Some("test"), "test", "NODE_ENV is `test`"),
            (
                Some("Dev"),
                None,
                "development",
                "ENVIRONMENT is `Dev`, which means `development`",
            ),
            (Some("eu-west"), None, "eu-west", "ENVIRONMENT is `eu-west`"),
            (
                None,
                None,
                "development",
                "neither ENVIRONMENT nor NODE_ENV is set, so it is `development`",
            ),
        ] {
            let variables = [("ENVIRONMENT", environment), ("NODE_ENV", node)]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
                .collect();
            let detection = detect(&variables);
            assert_eq!(
                (detection.name.as_str(), detection.reason().as_str()),
                (name, reason)
            );
        }
    }

    #[test]
    fn a_value_that_is_no_name_is_not_an_environment() {
        let variables = BTreeMap::from([("ENVIRONMENT".to_owned(), "../etc".to_owned())]);
        assert_eq!(detect(&variables).environment(), None);
    }
}

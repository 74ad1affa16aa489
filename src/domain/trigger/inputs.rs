//! Inputs of a dispatch.

use crate::domain::model::{CommitId, EnvironmentName, Version};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a person typed when starting the workflow. All inputs of a dispatch are text in its payload,
/// booleans too; an empty one means that it was not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs(BTreeMap<String, String>);

impl Inputs {
    /// Names that greenroom itself reads.
    pub const KNOWN: [&str; 4] = ["ref", "environment", "version", "skip_tests"];

    /// Reads the `inputs` object of a payload; what is neither text, number nor boolean is left out.
    pub fn parse(inputs: Option<&Value>) -> Self {
        let pairs = inputs.and_then(Value::as_object).into_iter().flatten();
        Self::from_iter(pairs.filter_map(|(name, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            Some((name.clone(), value))
        }))
    }

    /// The value of `name`, without the white space around it; `None` when it was not given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.0.keys().all(|name| self.get(name).is_none())
    }

    /// The same with `name`, where it was not given.
    pub(super) fn or(mut self, name: &str, value: String) -> Self {
        if self.get(name).is_none() {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// The inputs that are the user's own, with their values as they were typed.
    pub fn own(&self) -> BTreeMap<String, String> {
        let mut own = self.0.clone();
        own.retain(|name, _| !Self::KNOWN.contains(&name.as_str()));
        own
    }

    pub(super) fn environment(&self) -> Result<Option<EnvironmentName>, String> {
        self.noun("environment")
    }

    pub(super) fn version(&self) -> Result<Option<Version>, String> {
        self.noun("version")
    }

    /// The `ref` input, and the commit where it already is a full commit id.
    pub(super) fn reference(&self) -> Option<(&str, Option<CommitId>)> {
        self.get("ref").map(|text| (text, text.parse().ok()))
    }

    pub(super) fn skip_tests(&self) -> Result<bool, String> {
        match self.get("skip_tests") {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(format!(
                "the input skip_tests is {other:?}, which is neither true nor false"
            )),
        }
    }

    fn noun<T: std::str::FromStr<Err = crate::domain::model::InvalidText>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, String> {
        self.get(name)
            .map(|text| text.parse().map_err(|error| format!("the input {name}: {error}")))
            .transpose()
    }
}

impl FromIterator<(String, String)> for Inputs {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

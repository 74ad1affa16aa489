//! What is different between the release that was live and the one that goes out.

use super::{Redact, foreign};
use crate::domain::model::Release;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A value before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Before; absent when there was none.
    pub before: Option<String>,
    /// After; absent when there is none.
    pub after: Option<String>,
}

impl Change {
    /// Whether both are the same.
    pub fn is_none(&self) -> bool {
        self.before == self.after
    }
}

/// A variable that was added (`before` absent), removed (`after` absent) or given another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariableChange {
    /// Its name.
    pub name: String,
    /// Its values, redacted.
    #[serde(flatten)]
    pub change: Change,
}

/// All that is different between two releases. Of secrets only names are known here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Whether nothing was live before.
    pub first: bool,
    /// Version.
    pub version: Change,
    /// Image as `repository@digest`.
    pub image: Change,
    /// Full commit id.
    pub commit: Change,
    /// Variables that changed, by name.
    pub variables: Vec<VariableChange>,
    /// Names of secrets that are new.
    pub secrets_added: Vec<String>,
    /// Names of secrets that are gone.
    pub secrets_removed: Vec<String>,
    /// Names of secrets whose value comes from another place.
    pub secrets_moved: Vec<String>,
}

impl Changes {
    /// Compares what was live with what goes out.
    pub fn between(previous: Option<&Release>, candidate: &Release, redact: Redact<'_>) -> Self {
        let show = |text: &str| foreign::line(&redact(text));
        let change = |of: &dyn Fn(&Release) -> Option<String>| Change {
            before: previous.and_then(of),
            after: of(candidate),
        };
        let nothing = BTreeMap::new();
        let secrets = previous.map_or(&nothing, |release| &release.secrets);
        let names = |from: &BTreeMap<String, _>, but: &BTreeMap<String, _>| {
            from.keys()
                .filter(|name| !but.contains_key(*name))
                .map(|name| show(name))
                .collect()
        };
        Self {
            first: previous.is_none(),
            version: change(&|release| Some(show(release.version.as_str()))),
            image: change(&|release| {
                release
                    .artifact
                    .as_ref()
                    .map(|artifact| show(&artifact.to_string()))
            }),
            commit: change(&|release| release.commit.as_ref().map(ToString::to_string)),
            variables: variables(previous, candidate, &show),
            secrets_added: names(&candidate.secrets, secrets),
            secrets_removed: names(secrets, &candidate.secrets),
            secrets_moved: candidate
                .secrets
                .iter()
                .filter(|(name, source)| secrets.get(*name).is_some_and(|before| before != *source))
                .map(|(name, _)| show(name))
                .collect(),
        }
    }
}

fn variables(
    previous: Option<&Release>,
    candidate: &Release,
    show: &dyn Fn(&str) -> String,
) -> Vec<VariableChange> {
    let nothing = BTreeMap::new();
    let before = previous.map_or(&nothing, |release| &release.variables);
    let after = &candidate.variables;
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| VariableChange {
            name: show(name),
            change: Change {
                before: before.get(name).map(|value| show(value)),
                after: after.get(name).map(|value| show(value)),
            },
        })
        .collect()
}

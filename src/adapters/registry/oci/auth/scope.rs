//! What a token is good for (distribution's token scope: `type:name:action,action`).

use std::collections::BTreeSet;
use std::fmt;

/// Access to one thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::adapters::registry::oci) struct Scope {
    kind: String,
    name: String,
    actions: BTreeSet<String>,
}

impl Scope {
    /// Access to a repository.
    pub(in crate::adapters::registry::oci) fn repository(name: &str, actions: &[&str]) -> Self {
        Self {
            kind: "repository".to_owned(),
            name: name.to_owned(),
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
        }
    }

    /// Reads one scope. The name may itself hold a `:` (a host and port).
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions: BTreeSet<String> = actions
            .split(',')
            .filter(|action| !action.is_empty())
            .map(str::to_owned)
            .collect();
        (!kind.is_empty() && !name.is_empty()).then(|| Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions,
        })
    }

    /// Reads scopes that are separated by spaces; what is none is left out.
    pub(in crate::adapters::registry::oci) fn parse_all(text: &str) -> Vec<Self> {
        text.split_whitespace().filter_map(Self::parse).collect()
    }

    fn is_about_the_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<&str> = self.actions.iter().map(String::as_str).collect();
        write!(f, "{}:{}:{}", self.kind, self.name, actions.join(","))
    }
}

/// Both lists as one, each thing once with all its actions. What is `demanded` comes first: some
/// servers look at the first scope only.
pub(in crate::adapters::registry::oci) fn merged(demanded: &[Scope], wanted: &[Scope]) -> Vec<Scope> {
    let mut all = Vec::<Scope>::new();
    for scope in demanded.iter().chain(wanted) {
        match all.iter_mut().find(|known| known.is_about_the_same(scope)) {
            Some(known) => known.actions.extend(scope.actions.iter().cloned()),
            None => all.push(scope.clone()),
        }
    }
    all
}

/// Whether a token that was asked for with `held` is good for `wanted`, too.
pub(in crate::adapters::registry::oci) fn covers(held: &[Scope], wanted: &[Scope]) -> bool {
    wanted.iter().all(|scope| {
        held.iter()
            .any(|known| known.is_about_the_same(scope) && known.actions.is_superset(&scope.actions))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_a_colon_and_actions_are_merged_with_the_demanded_first() {
        let demanded = Scope::parse_all("repository:host:5000/a/b:pull,push  nonsense registry:catalog:*");
        assert_eq!(demanded.len(), 2);
        let wanted = [
            Scope::repository("x", &["pull"]),
            Scope::repository("host:5000/a/b", &["delete"]),
        ];
        let all = merged(&demanded, &wanted);
        let text: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "repository:host:5000/a/b:delete,pull,push",
                "registry:catalog:*",
                "repository:x:pull"
            ]
        );
        assert!(covers(&all, &wanted) && covers(&all, &demanded) && covers(&wanted, &[]));
        assert!(!covers(&wanted, &demanded));
    }
}

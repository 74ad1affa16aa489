//! `extends`: one environment takes over the settings of another. Done on the trees, so that every
//! value keeps the place where it was written.

use super::diagnostic::Diagnostic;
use super::place::Span;
use super::tree::{Entry, Node, Value};
use super::typed::{closest, did_you_mean};
use std::collections::{BTreeMap, BTreeSet};

/// Keys of which an environment has one.
pub(crate) const TARGETS: [&str; 7] = [
    "local",
    "command",
    "proxmox",
    "kubernetes",
    "docker",
    "compose",
    "ecs",
];
/// Keys whose value is a choice: another choice replaces it whole.
const CHOICES: [&str; 7] = [
    "strategy",
    "token",
    "guest",
    "workload",
    "container",
    "router",
    "secrets",
];

/// An environment as it is written.
pub(crate) struct Written {
    pub(crate) node: Node,
    /// Whether another extends it.
    pub(crate) extended: bool,
}

/// The text under `key`, with its place.
pub(crate) fn text<'a>(node: &'a Node, key: &str) -> Option<(&'a str, Span)> {
    match node.get(key).map(|entry| &entry.value) {
        Some(Node {
            value: Value::Text(text),
            place,
        }) => Some((text, *place)),
        _ => None,
    }
}

/// Merges into each environment what it extends, all the way up. One that cannot be merged is left
/// as it is, and the problem reported.
pub(crate) fn extend(written: &[Node], problems: &mut Vec<Diagnostic>) -> Vec<Written> {
    let mut by_name = BTreeMap::new();
    for (at, node) in written.iter().enumerate() {
        let Some((name, place)) = text(node, "name") else {
            continue;
        };
        if let Some(first) = by_name.insert(name, at)
            && let Some((_, first)) = text(&written[first], "name")
        {
            problems.push(
                Diagnostic::error(place, format!("there are two environments named `{name}`"))
                    .label("the second")
                    .related(first, "the first")
                    .help("rename or remove one of the two"),
            );
        }
    }
    let mut extended = BTreeSet::new();
    let mut cyclic = BTreeSet::new();
    let merged: Vec<Node> = (0..written.len())
        .map(|at| {
            let chain = chain(at, written, &by_name, &mut cyclic, problems);
            extended.extend(chain.iter().skip(1).copied());
            let mut chain = chain.into_iter();
            let mut node = chain
                .next()
                .map_or_else(|| written[at].clone(), |first| written[first].clone());
            for ancestor in chain {
                inherit(&mut node, &written[ancestor]);
            }
            node
        })
        .collect();
    merged
        .into_iter()
        .enumerate()
        .map(|(at, node)| Written {
            node,
            extended: extended.contains(&at),
        })
        .collect()
}

/// The environment and its ancestors, nearest first.
fn chain(
    start: usize,
    written: &[Node],
    by_name: &BTreeMap<&str, usize>,
    cyclic: &mut BTreeSet<usize>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<usize> {
    let mut chain = vec![start];
    let mut at = start;
    while let Some((name, place)) = text(&written[at], "extends") {
        let Some(&next) = by_name.get(name) else {
            let mut problem = Diagnostic::error(place, format!("there is no environment `{name}` to extend"));
            problem = match closest(name, by_name.keys().copied()) {
                Some(meant) => problem.help(did_you_mean(meant)),
                None => problem.help("add it, or list its file under `environments`"),
            };
            if !problems.contains(&problem) {
                problems.push(problem);
            }
            break;
        };
        if let Some(begin) = chain.iter().position(|link| *link == next) {
            report_cycle(&chain[begin..], written, cyclic, problems);
            break;
        }
        chain.push(next);
        at = next;
    }
    chain
}

fn report_cycle(
    cycle: &[usize],
    written: &[Node],
    cyclic: &mut BTreeSet<usize>,
    problems: &mut Vec<Diagnostic>,
) {
    if cycle.iter().any(|at| !cyclic.insert(*at)) {
        return;
    }
    let names: Vec<&str> = cycle
        .iter()
        .filter_map(|at| text(&written[*at], "name"))
        .map(|(name, _)| name)
        .collect();
    let mut places = cycle
        .iter()
        .filter_map(|at| text(&written[*at], "extends"))
        .map(|(_, place)| place);
    let Some(first) = places.next() else { return };
    let mut problem = Diagnostic::error(
        first,
        format!(
            "environments extend each other in a circle: {} → {}",
            names.join(" → "),
            names.first().copied().unwrap_or("")
        ),
    )
    .help("take out one `extends`");
    for place in places {
        problem = problem.related(place, "and here");
    }
    problems.push(problem);
}

/// Gives `child` what it lacks and `parent` has.
fn inherit(child: &mut Node, parent: &Node) {
    let has_target = TARGETS.iter().any(|target| child.get(target).is_some());
    let Value::Map(theirs) = &parent.value else { return };
    for entry in theirs {
        let another_target =
            has_target && TARGETS.contains(&entry.key.as_str()) && child.get(&entry.key).is_none();
        if !another_target && entry.key != "name" && entry.key != "extends" {
            fill(child, entry);
        }
    }
}

/// Deep merge: maps key by key; anything else is the child's.
fn fill(child: &mut Node, entry: &Entry) {
    let Value::Map(ours) = &mut child.value else {
        return;
    };
    let Some(mine) = ours.iter_mut().find(|mine| mine.key == entry.key) else {
        ours.push(entry.clone());
        return;
    };
    let Value::Map(theirs) = &entry.value.value else {
        return;
    };
    if !matches!(mine.value.value, Value::Map(_)) {
        return;
    }
    if entry.key == "secrets" {
        for secret in theirs {
            if mine.value.get(&secret.key).is_none() {
                fill(&mut mine.value, secret);
            }
        }
        return;
    }
    let chosen = CHOICES.contains(&entry.key.as_str());
    for inner in theirs {
        if !chosen || mine.value.get(&inner.key).is_some() {
            fill(&mut mine.value, inner);
        }
    }
}

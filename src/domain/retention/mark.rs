//! What hangs together: children, subjects, referrers, and what a tag attaches.

use super::found::{FoundManifest, parts};
use crate::domain::model::Digest;
use crate::domain::oci::attached_by_tag;
use std::collections::{BTreeMap, VecDeque};

/// Who is kept because of whom.
pub(super) struct Graph<'a> {
    edges: BTreeMap<&'a Digest, Vec<(Digest, &'static str)>>,
}

impl<'a> Graph<'a> {
    /// The graph of everything that was found.
    pub(super) fn new(inventory: &'a [FoundManifest]) -> Self {
        let mut graph = Self {
            edges: inventory
                .iter()
                .map(|found| (&found.digest, Vec::new()))
                .collect(),
        };
        for found in inventory {
            let manifest = found.manifest();
            for child in manifest.iter().flat_map(|manifest| parts(manifest)) {
                graph.edge(&found.digest, &child.digest, "part of");
            }
            if let Some(subject) = manifest.and_then(|manifest| manifest.subject.as_ref()) {
                graph.edge(&found.digest, &subject.digest, "subject of");
                graph.edge(&subject.digest, &found.digest, "refers to");
            }
            for (digest, _) in found.tags.iter().filter_map(attached_by_tag) {
                graph.edge(&digest, &found.digest, "attached to");
            }
        }
        graph
    }

    fn edge(&mut self, from: &Digest, to: &Digest, how: &'static str) {
        // What is not there keeps nothing.
        if let Some(edges) = self.edges.get_mut(from) {
            edges.push((to.clone(), how));
        }
    }

    /// Everything that the roots lead to, each with the first reason that was found.
    pub(super) fn reach(&self, roots: BTreeMap<Digest, String>) -> BTreeMap<Digest, String> {
        let mut open: VecDeque<Digest> = roots.keys().cloned().collect();
        let mut reached = roots;
        while let Some(digest) = open.pop_front() {
            for (next, how) in self.edges.get(&digest).into_iter().flatten() {
                if !reached.contains_key(next) {
                    reached.insert(next.clone(), format!("{how} {}", digest.short()));
                    open.push_back(next.clone());
                }
            }
        }
        reached
    }
}

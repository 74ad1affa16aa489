//! What a directory says about the project that is to begin in it.

use crate::app::workspace::usual_branch;
use crate::host::files::read_bounded;
use crate::scaffold::{Begins, Ecosystem, ServiceName, detect};
use std::path::Path;

/// Files that hold a version, by the language that they belong to.
const VERSIONS: &[(&str, &[Ecosystem])] = &[
    ("VERSION", &[Ecosystem::Python, Ecosystem::Static]),
    ("pyproject.toml", &[Ecosystem::Python]),
];
/// The largest list of ignored files that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// What a directory says.
#[derive(Debug, Clone)]
pub struct ProjectSurroundings {
    /// What the project is written in, and the file that says so.
    pub ecosystem: Option<(Ecosystem, &'static str)>,
    /// A name for the service, after the directory.
    pub name: ServiceName,
    /// Whether git is told to ignore what runs here; `None` where it is told nothing at all.
    pub ignores: Option<bool>,
    /// The branch of the repository that holds the project's ledger.
    pub ledger: String,
    /// Whether the directory lies below the root of its repository, where no forge looks for workflows.
    pub below_repository: bool,
    /// Files with a version that are there.
    versions: Vec<&'static str>,
}

/// Looks at `root`.
pub fn surroundings(root: &Path) -> ProjectSurroundings {
    let is_there = |file: &str| root.join(file).exists();
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let ignored = read_bounded(&root.join(".gitignore"), LARGEST).ok();
    let ignores = ignored.map(|bytes| {
        String::from_utf8_lossy(&bytes)
            .lines()
            .any(|line| line.trim().trim_matches('/') == ".greenroom")
    });
    let has_git = |directory: &Path| directory.join(".git").exists();
    let repository = root
        .ancestors()
        .find(|directory| has_git(directory))
        .unwrap_or(root);
    let prefix = root.strip_prefix(repository).unwrap_or(Path::new(""));
    ProjectSurroundings {
        ecosystem: detect(is_there),
        name: ServiceName::suggested(&name),
        ignores,
        ledger: usual_branch(&prefix.to_string_lossy()),
        below_repository: repository != root,
        versions: VERSIONS
            .iter()
            .map(|(file, _)| *file)
            .filter(|file| is_there(file))
            .collect(),
    }
}

impl ProjectSurroundings {
    /// What a project in this ecosystem does not have yet. Other ecosystems keep their version where a
    /// service cannot do without: in the manifest, or in a tag.
    pub fn begins(&self, ecosystem: Ecosystem) -> Begins {
        let mut holders = VERSIONS
            .iter()
            .filter(|(_, whose)| whose.contains(&ecosystem))
            .map(|(file, _)| file)
            .peekable();
        Begins {
            version: holders.peek().is_some() && !holders.any(|file| self.versions.contains(file)),
            gitignore: self.ignores.is_none(),
        }
    }
}

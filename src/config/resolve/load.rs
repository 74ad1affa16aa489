//! The passes in order: read, parse, merge, type, resolve, compare.

use super::super::diagnostic::Diagnostic;
use super::super::environment::Environment;
use super::super::merge::{self, Written};
use super::super::place::{Sources, Span};
use super::super::project::Project;
use super::super::raw::{RawEnvironment, RawPipeline};
use super::super::render::Report;
use super::super::tree::{self, Node, Value};
use super::super::typed::decode;
use super::super::unsupported::Part;
use super::keys::Keys;
use super::{cross, environment, pipeline, suite};

/// Finds the files that the root file names. The module reads nothing itself.
pub trait Files {
    /// The files that `pattern` (a path or a glob, relative to the root file) names, sorted by path;
    /// empty where a glob has no match.
    ///
    /// # Errors
    /// In words, when the pattern cannot be searched for at all.
    fn matching(&self, pattern: &str) -> Result<Vec<FoundFile>, String>;
}

/// A file that a pattern named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Path as it is to be shown.
    pub path: String,
    /// Its text, or in words why it could not be read.
    pub text: Result<String, String>,
}

/// What came of loading, with the files, so that places can be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Every file that was read.
    pub sources: Sources,
    /// The project, or every problem, sorted by place.
    pub outcome: Result<Project, Vec<Diagnostic>>,
}

impl Loaded {
    /// The problems, or the notes of a project without any.
    pub fn report(&self) -> Report<'_> {
        Report {
            diagnostics: match &self.outcome {
                Ok(project) => &project.notes,
                Err(problems) => problems,
            },
            sources: &self.sources,
        }
    }
}

/// Loads the project whose root file has this text. All problems of all files are reported together.
pub fn load(path: &str, text: String, files: &dyn Files) -> Loaded {
    let mut sources = Sources::default();
    let mut problems = Vec::new();
    let root = sources.add(path.to_owned(), text);
    let project = match tree::parse(&sources, root) {
        Ok(root) => resolve(root, &mut sources, files, &mut problems),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    };
    let mut seen = Vec::new();
    problems.retain(|problem| {
        let new = !seen.contains(problem);
        if new {
            seen.push(problem.clone());
        }
        new
    });
    problems.sort_by_key(|problem| problem.place);
    let outcome = match project {
        Some(project) if problems.is_empty() => Ok(project),
        _ => Err(problems),
    };
    Loaded { sources, outcome }
}

fn resolve(
    mut root: Node,
    sources: &mut Sources,
    files: &dyn Files,
    problems: &mut Vec<Diagnostic>,
) -> Option<Project> {
    let listed = root.take("environments").map(|entry| entry.value);
    let nodes = gather(listed, sources, files, problems);
    // Were environments named twice, or a file broken, names in the root file are not checked: they
    // may well be in what could not be read.
    let complete = problems.is_empty();
    let written = merge::extend(&nodes, problems);
    let has_suites = root.get("suites").is_some();
    let mut root = decode::<RawPipeline>(root, problems);
    let mut semantic = Vec::new();
    let suites = root.value.as_mut().map(|raw| std::mem::take(&mut raw.suites));
    let known = suites
        // None of the suites that are written: they had to be cut out, and names cannot be checked.
        .filter(|suites| !(has_suites && suites.is_empty()))
        .map(|suites| suite::resolve(suites, &mut semantic));
    let mut environments: Vec<Environment> = Vec::new();
    let mut named = Vec::new();
    let mut own_hooks = Vec::new();
    for Written { node, extended } in written {
        named.extend(merge::text(&node, "name").map(|(name, _)| name.to_owned()));
        let keys = Keys::of(&node);
        let decoded = decode::<RawEnvironment>(node, problems);
        let Some(raw) = decoded.value else { continue };
        own_hooks.extend(raw.hooks.clone());
        let scope = environment::Scope {
            suites: known.as_ref(),
            hooks: root.value.as_ref().map(|raw| &raw.hooks),
            template: extended,
        };
        let mut found = Vec::new();
        environments.extend(environment::resolve(raw, &keys, &scope, &mut found));
        problems.extend(
            found
                .into_iter()
                .filter(|problem| !decoded.scars.touch(problem.place)),
        );
    }
    cross::compare(&environments, problems);
    let names = cross::Names {
        all: named,
        complete,
        hooks: &own_hooks,
    };
    let project = root.value.map(|raw| {
        pipeline::resolve(
            raw,
            environments,
            known.unwrap_or_default(),
            &names,
            &mut semantic,
        )
    });
    problems.extend(
        semantic
            .into_iter()
            .filter(|problem| !root.scars.touch(problem.place)),
    );
    project.map(|mut project| {
        add_notes(&mut project);
        project
    })
}

/// The environments of the root file's list, parsed.
fn gather(
    listed: Option<Node>,
    sources: &mut Sources,
    files: &dyn Files,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Node> {
    let items = match listed {
        None => return Vec::new(),
        Some(Node {
            value: Value::List(items),
            ..
        }) => items,
        Some(other) => {
            problems.push(
                Diagnostic::error(other.place, "expected a list of files or environments")
                    .help("write [environments/*.yaml]"),
            );
            return Vec::new();
        }
    };
    let mut nodes = Vec::new();
    let mut taken = Vec::new();
    for item in items {
        match &item.value {
            Value::Map(_) => nodes.push(item),
            Value::Text(pattern) => {
                let found = find(pattern, item.place, files, problems);
                for file in found {
                    if !taken.contains(&file.path) {
                        taken.push(file.path.clone());
                        nodes.extend(parse(file, item.place, sources, problems));
                    }
                }
            }
            _ => problems.push(Diagnostic::error(
                item.place,
                "expected the path of a file or an environment",
            )),
        }
    }
    nodes
}

fn find(pattern: &str, place: Span, files: &dyn Files, problems: &mut Vec<Diagnostic>) -> Vec<FoundFile> {
    match files.matching(pattern) {
        Ok(found) if found.is_empty() => {
            problems.push(
                Diagnostic::error(place, format!("no file matches `{pattern}`"))
                    .help("paths are relative to this file; create the file, or take the entry out"),
            );
            found
        }
        Ok(found) => found,
        Err(message) => {
            problems.push(Diagnostic::error(place, message));
            Vec::new()
        }
    }
}

fn parse(
    file: FoundFile,
    place: Span,
    sources: &mut Sources,
    problems: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let text = match file.text {
        Ok(text) => text,
        Err(message) => {
            problems.push(Diagnostic::error(
                place,
                format!("cannot read {}: {message}", file.path),
            ));
            return None;
        }
    };
    let number = sources.add(file.path, text);
    tree::parse(sources, number)
        .map_err(|problem| problems.push(*problem))
        .ok()
}

/// One note for each thing that parses but cannot be performed.
fn add_notes(project: &mut Project) {
    let mut notes: Vec<Diagnostic> = project
        .environments
        .values()
        .flat_map(|environment| &environment.unsupported)
        .chain(&project.unsupported)
        .map(|unsupported| {
            let what = &unsupported.what;
            let message = match unsupported.part {
                Part::Description => format!("{what} only describes the environment: nothing is made of it"),
                Part::Notify => {
                    format!("{what} is not part of this version of greenroom: it has no effect")
                }
                _ => {
                    format!("{what} is not part of this version of greenroom: a run that needs it is refused")
                }
            };
            Diagnostic::note(unsupported.place, message)
        })
        .collect();
    notes.sort_by_key(|note| note.place);
    notes.dedup();
    project.notes = notes;
}

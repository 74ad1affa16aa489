//! The rules of `docs/architecture.md`, and what keeps the repository tidy, held against the files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod architecture {
    pub(crate) mod circles;
    pub(crate) mod rules;
    pub(crate) mod scan;
    pub(crate) mod shape;
    pub(crate) mod tree;
}

use architecture::circles::{arrows, circles, grouped, room_of, upward};
use architecture::rules::{CRATES, EXCEPTIONS, is_excepted, violations};
use architecture::shape::{beside_folders, hidden_folders, logic_in_lists, repeated_names};
use architecture::tree::{Source, repository_files, sources, text_of};
use std::collections::BTreeSet;

/// Lines of production code in one file; beyond it a file does more than one thing.
const LONGEST_FILE: usize = 450;

/// Files that may name each other in a circle: those of one idea.
const LARGEST_CIRCLE: usize = 5;

/// Files that may be longer: the path, how long, and why.
const LONG_FILES: &[(&str, usize, &str)] = &[(
    "src/domain/rollout/machine.rs",
    520,
    "one state, and every transition that it has",
)];

/// Modules whose text is elsewhere: the service that the demo ships is the example itself, so that
/// `greenroom demo` needs nothing but the executable.
const FOREIGN_MODULES: &[(&str, &str)] = &[("src/cli/demo.rs", "../../examples/hello.rs")];

/// Each package is code that a deployment trusts, and build time: a new one is a decision. 44 of them read
/// what signatures are made of (X.509, CMS, transparency logs), none of which greenroom should read by
/// itself; 73 came with octocrab (`docs/decisions/octocrab.md`), which speaks to GitHub; 50 hold what is said
/// to GitHub against its own description, in the tests only. 328 in all, and room for what histograms and mail
/// need.
const MOST_PACKAGES: usize = 345;

#[test]
fn no_arrow_is_forbidden() {
    let sources = sources();
    assert!(sources.len() > 100, "only {} sources are found", sources.len());
    let mut used = BTreeSet::new();
    let mut broken = Vec::new();
    for source in &sources {
        for found in violations(&source.module, &source.scan) {
            match EXCEPTIONS.iter().find(|exception| is_excepted(&found, exception)) {
                Some(exception) => drop(used.insert(exception)),
                None => broken.push(format!(
                    "{}:{}: {} ({})",
                    source.file, found.line, found.rule, found.named
                )),
            }
        }
    }
    let unused: Vec<_> = EXCEPTIONS
        .iter()
        .filter(|exception| !used.contains(exception))
        .collect();
    assert!(
        broken.is_empty(),
        "\n{}\nsee docs/architecture.md\n",
        broken.join("\n")
    );
    assert!(unused.is_empty(), "no longer needed in EXCEPTIONS: {unused:?}");
}

#[test]
fn no_circle_ties_rooms_or_many_files_together() {
    let arrows = arrows(&sources());
    let count: usize = arrows.values().map(BTreeSet::len).sum();
    assert!(count > 1_000, "only {count} arrows are found");
    let rooms = circles(&grouped(&arrows, room_of));
    assert!(rooms.is_empty(), "circles between rooms: {rooms:#?}");
    let large: Vec<_> = circles(&arrows)
        .into_iter()
        .filter(|circle| circle.len() > LARGEST_CIRCLE)
        .collect();
    assert!(
        large.is_empty(),
        "circles of more than {LARGEST_CIRCLE} files: {large:#?}"
    );
    let upward = upward(&arrows);
    assert!(upward.is_empty(), "upwards in app:\n{}", upward.join("\n"));
}

#[test]
fn a_mod_rs_lists_and_nothing_else() {
    let logic = logic_in_lists(&sources());
    assert!(
        logic.is_empty(),
        "move these into files of their own:\n{}",
        logic.join("\n")
    );
}

#[test]
fn files_and_folders_have_names_that_are_found() {
    let files = repository_files();
    let sources: Vec<String> = files
        .iter()
        .filter(|file| file.starts_with("src/"))
        .cloned()
        .collect();
    let beside = beside_folders(&sources);
    assert!(
        beside.is_empty(),
        "beside a folder of the same name; put them into it: {beside:#?}"
    );
    let code = |file: &&String| file.starts_with("src/") || file.starts_with("tests/");
    let hidden = hidden_folders(&files.iter().filter(code).cloned().collect::<Vec<_>>());
    assert!(
        hidden.is_empty(),
        "editors and ignore lists leave these out: {hidden:#?}"
    );
}

#[test]
fn a_public_name_stands_for_one_idea() {
    let repeated = repeated_names(&sources());
    assert!(
        repeated.is_empty(),
        "{} public types have a name that another room has, too:\n{}\nsee docs/glossary.md\n",
        repeated.len(),
        repeated.join("\n")
    );
}

#[test]
fn every_source_says_what_it_is() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.file)
        .collect();
    assert!(silent.is_empty(), "these start without `//!`: {silent:#?}");
}

#[test]
fn every_file_is_a_module_where_its_path_says() {
    let attribute = "#[path = \"";
    for source in sources() {
        let foreign: Vec<_> = source
            .text
            .split(attribute)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|path| !FOREIGN_MODULES.contains(&(source.file.as_str(), path)))
            .collect();
        assert!(
            foreign.is_empty(),
            "{}: `#[path]` hides where these lie: {foreign:?}",
            source.file
        );
    }
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for source in sources() {
        let most = LONG_FILES.iter().find(|(file, ..)| *file == source.file);
        let lines = source.production_lines();
        match most {
            Some((file, most, _)) if lines <= LONGEST_FILE => {
                long.push(format!(
                    "{file}: {lines} of {most} lines; no longer needed in LONG_FILES"
                ));
            }
            _ if lines > most.map_or(LONGEST_FILE, |(_, most, _)| *most) => {
                long.push(format!("{}: {lines} lines of production code", source.file));
            }
            _ => {}
        }
    }
    assert!(long.is_empty(), "at most {LONGEST_FILE}:\n{}", long.join("\n"));
}

#[test]
fn every_dependency_has_a_home() {
    let manifest: toml::Table = text_of("Cargo.toml").parse().unwrap();
    let homeless: Vec<_> = manifest["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .map(|name| name.replace('-', "_"))
        .filter(|name| !CRATES.iter().any(|(known, _)| known == name))
        .collect();
    assert!(
        homeless.is_empty(),
        "say in CRATES where these are used: {homeless:?}"
    );
}

#[test]
fn every_dependency_is_used() {
    let sources = sources();
    let unused: Vec<_> = CRATES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !sources.iter().any(|source| source.names_crate(name)))
        .collect();
    assert!(unused.is_empty(), "in CRATES and named nowhere: {unused:?}");
}

#[test]
fn dependencies_stay_few() {
    let packages = text_of("Cargo.lock").matches("[[package]]").count();
    assert!(
        packages <= MOST_PACKAGES,
        "Cargo.lock holds {packages} packages, more than {MOST_PACKAGES}"
    );
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat());
    let found = lines_with(|line| marks.iter().any(|mark| has_word(line, mark)));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_repository_speaks_of_greenroom_only() {
    // In parts, so that this file passes.
    let words = [
        ["/work/", "shared"],
        ["/work/", "main"],
        ["/tmp/", "wt"],
        ["BRIEF", ".md"],
        ["co-authored", "-by"],
        ["language ", "model"],
        ["ai-", "generated"],
        ["generated by ", "ai"],
        ["ai ", "assistant"],
        ["as an ", "ai "],
        ["chat", "gpt"],
        ["open", "ai"],
        ["anth", "ropic"],
        ["cla", "ude"],
        ["co", "pilot"],
        ["seed ", "00"],
        ["(issue", " 2)"],
    ]
    .map(|parts| parts.concat().to_lowercase());
    let found = lines_with(|line| {
        let line = line.to_lowercase();
        words.iter().any(|word| line.contains(word))
    });
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_mark_is_a_word_of_its_own() {
    assert!(has_word("// XYZ: later", "XYZ"));
    assert!(has_word("XYZ", "XYZ"));
    assert!(!has_word("greenroom.XYZXYZ", "XYZ"));
    assert!(!has_word("/tmp/grb.XYZY", "XYZ"));
}

/// `file:line: text` of every line of the repository that the test finds.
fn lines_with(found: impl Fn(&str) -> bool) -> Vec<String> {
    let files = repository_files();
    assert!(
        files.iter().any(|file| file == "README.md"),
        "the files are not found"
    );
    let mut lines = Vec::new();
    for file in files {
        let Ok(text) = String::from_utf8(std::fs::read(tree_path(&file)).unwrap()) else {
            continue;
        };
        let matching = text.lines().enumerate().filter(|(_, line)| found(line));
        lines.extend(matching.map(|(at, line)| format!("{file}:{}: {}", at + 1, line.trim())));
    }
    lines
}

fn tree_path(file: &str) -> std::path::PathBuf {
    architecture::tree::root().join(file)
}

/// Whether the mark stands in the line with no letter or digit at either side.
fn has_word(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + mark.len()..].chars().next();
        ![before, after]
            .into_iter()
            .flatten()
            .any(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

impl Source {
    fn names_crate(&self, name: &str) -> bool {
        self.scan
            .names
            .iter()
            .any(|(_, path)| path.first().is_some_and(|first| first == name))
    }
}

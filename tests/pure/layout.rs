//! The folder of the tests: each file is compiled into one of the executables, and what is called pure is.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the compiler begins, and nowhere else: each costs a link after every change of the library.
const ROOTS: [&str; 3] = ["architecture.rs", "machine/main.rs", "pure/main.rs"];

/// What a pure test does not name: it neither starts a process nor opens a connection.
const IMPURE: [&str; 6] = [
    "CARGO_BIN_EXE",
    "process::Command",
    "LocalRunner",
    "TcpListener",
    "TcpStream",
    "UnixStream",
];

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Adds every file and folder below `directory`.
fn walk(directory: &Path, all: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, all);
        }
        all.insert(path);
    }
}

fn sources(directory: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    walk(directory, &mut all);
    all.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    all
}

/// Adds `file` and the files of the modules that it declares; those lie in `directory`.
fn follow(file: PathBuf, directory: &Path, all: &mut BTreeSet<PathBuf>) {
    let text = fs::read_to_string(&file).unwrap();
    let tokens: TokenStream = text.parse().unwrap();
    all.insert(file);
    declared(tokens, directory, all);
}

fn declared(tokens: TokenStream, directory: &Path, all: &mut BTreeSet<PathBuf>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for three in tokens.windows(3) {
        let [TokenTree::Ident(word), TokenTree::Ident(name), end] = three else {
            continue;
        };
        if word != "mod" {
            continue;
        }
        let inner = directory.join(name.to_string());
        match end {
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                declared(body.stream(), &inner, all);
            }
            _ => {
                let (file, folder) = (inner.with_extension("rs"), inner.join("mod.rs"));
                let found: Vec<_> = [file, folder].into_iter().filter(|path| path.exists()).collect();
                assert_eq!(
                    found.len(),
                    1,
                    "`mod {name};` below {}: {found:?}",
                    directory.display()
                );
                follow(found[0].clone(), &inner, all);
            }
        }
    }
}

#[test]
fn every_file_of_the_tests_is_a_module_of_an_executable() {
    let mut compiled = BTreeSet::new();
    for root in ROOTS {
        let root = tests().join(root);
        let directory = root.parent().unwrap().to_owned();
        follow(root, &directory, &mut compiled);
    }
    let all = sources(&tests());
    assert!(all.len() > 200, "only {} files are found", all.len());
    let forgotten: Vec<_> = all.difference(&compiled).collect();
    assert!(
        forgotten.is_empty(),
        "no executable compiles these: {forgotten:#?}"
    );
}

#[test]
fn there_are_no_more_executables_than_these() {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(tests()).unwrap() {
        let path = entry.unwrap().path();
        let root = if path.is_dir() { path.join("main.rs") } else { path };
        if root.exists() && root.extension().is_some_and(|extension| extension == "rs") {
            found.insert(root);
        }
    }
    let known: BTreeSet<PathBuf> = ROOTS.iter().map(|root| tests().join(root)).collect();
    assert_eq!(
        found, known,
        "make it a module of one of these, or say here why it is another"
    );
}

#[test]
fn a_pure_test_starts_no_process_and_opens_no_connection() {
    let own = tests().join("pure/layout.rs");
    let mut found = Vec::new();
    for file in sources(&tests().join("pure"))
        .into_iter()
        .filter(|file| *file != own)
    {
        let text = fs::read_to_string(&file).unwrap();
        found.extend(
            IMPURE
                .iter()
                .filter(|word| text.contains(**word))
                .map(|word| (file.clone(), *word)),
        );
    }
    assert!(found.is_empty(), "these belong below tests/machine: {found:#?}");
}

/// `./test` runs no examples of the documentation, since there is none, and looking for them costs a pass over
/// the whole library.
#[test]
fn no_example_in_the_documentation_goes_untested() {
    let mut found = Vec::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let comments = text.lines().filter_map(|line| line.trim().strip_prefix("//"));
        let fences = comments.filter_map(|line| line.trim_start_matches(['/', '!', ' ']).strip_prefix("```"));
        // Each second one ends a block.
        let blocks = fences
            .step_by(2)
            .filter(|language| ["", "rust", "no_run", "should_panic"].contains(language));
        found.extend(blocks.map(|language| (file.clone(), language.to_owned())));
    }
    assert!(
        found.is_empty(),
        "run `cargo test --doc` in ./test, or say what language it is: {found:?}"
    );
}

#[test]
fn no_folder_of_the_tests_has_a_name_that_ignore_lists_drop() {
    let mut all = BTreeSet::new();
    walk(&tests(), &mut all);
    let dropped: Vec<_> = all
        .iter()
        .filter(|path| path.is_dir() && (path.ends_with("target") || path.ends_with("build")))
        .collect();
    assert!(
        dropped.is_empty(),
        "editors and ignore lists leave these out: {dropped:?}"
    );
}

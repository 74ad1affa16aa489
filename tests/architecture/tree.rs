//! The files of the repository.

use super::scan::{Path, Scan, module_of, scan};
use std::fs;
use std::path::PathBuf;

/// One source file of the crate that is not a test.
pub(crate) struct Source {
    /// From the root: `src/model/tag.rs`.
    pub(crate) file: String,
    /// Its module.
    pub(crate) module: Path,
    /// Its text.
    pub(crate) text: String,
    /// What it names.
    pub(crate) scan: Scan,
}

impl Source {
    /// Lines outside the items under `#[cfg(test)]`.
    pub(crate) fn production_lines(&self) -> usize {
        let tests: usize = self.scan.tests.iter().map(|lines| lines.clone().count()).sum();
        self.text.lines().count() - tests
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file.
pub(crate) fn text_of(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Every file under `src/` that is compiled outside tests.
pub(crate) fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for file in files_under("src")
        .into_iter()
        .filter(|file| file.ends_with(".rs"))
    {
        let text = text_of(&file);
        let module = module_of(&file);
        let scan = scan(&module, &text).unwrap_or_else(|error| panic!("{file}: {error}"));
        sources.push(Source {
            file,
            module,
            text,
            scan,
        });
    }
    let tests: Vec<Path> = sources
        .iter()
        .flat_map(|source| source.scan.test_modules.clone())
        .collect();
    sources.retain(|source| !tests.iter().any(|test| source.module.starts_with(test)));
    sources
}

/// Every file that belongs to the repository, build output and state aside.
pub(crate) fn repository_files() -> Vec<String> {
    files_under("")
}

fn files_under(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = folder.join(&name);
            if entry.file_type().unwrap().is_dir() {
                if ![".git", ".greenroom", "target"].contains(&name.as_str()) || folder.starts_with("src") {
                    folders.push(path);
                }
            } else if name != ".git" {
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

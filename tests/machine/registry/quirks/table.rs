//! The table of the documentation names the cases that are here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every test's name in `tests/machine/registry` and below.
fn tests(directory: &Path, all: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, all);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let after = text.split("#[test]\nfn ").skip(1);
        all.extend(after.filter_map(|rest| rest.split('(').next().map(str::to_owned)));
    }
}

#[test]
fn every_case_of_the_table_is_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = BTreeSet::new();
    tests(&root.join("tests/machine/registry"), &mut all);
    let text = fs::read_to_string(root.join("docs/registries.md")).unwrap();
    let named: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix("` |")?.rsplit('`').next())
        .collect();
    let distinct: BTreeSet<&str> = named.iter().copied().collect();
    assert!(distinct.len() >= 45, "{}", distinct.len());
    assert_eq!(distinct.len(), named.len(), "a case stands twice in the table");
    let unknown: Vec<_> = named.iter().filter(|name| !all.contains(**name)).collect();
    assert!(unknown.is_empty(), "no such test: {unknown:?}");
}

//! The shape of the tree: what a `mod.rs` holds, what stands beside a folder, and which names are public.

use super::circles::room_of;
use super::tree::Source;
use std::collections::{BTreeMap, BTreeSet};

/// Public names that several rooms may have: each means the same idea in every one of them.
const SHARED_NAMES: &[&str] = &["Args", "Error"];

/// Names of folders that editors, watchers and ignore lists take for build output.
const HIDDEN_FOLDERS: &[&str] = &["target", "build"];

/// `mod.rs` files that hold more than modules and what they export: the file, the line, and what stands there.
pub(crate) fn logic_in_lists(sources: &[Source]) -> Vec<String> {
    let lists = sources.iter().filter(|source| source.file.ends_with("/mod.rs"));
    let mut found = Vec::new();
    for source in lists {
        let items = source.scan.items.iter();
        let logic = items.filter(|item| !["mod", "use", "extern"].contains(&item.kind.as_str()));
        found.extend(logic.map(|item| format!("{}:{}: {} {}", source.file, item.line, item.kind, item.name)));
    }
    found
}

/// Files that stand beside a folder of the same name.
pub(crate) fn beside_folders(files: &[String]) -> Vec<String> {
    let stem = |file: &&String| file.strip_suffix(".rs").map(|stem| format!("{stem}/"));
    let beside =
        |file: &&String| stem(file).is_some_and(|stem| files.iter().any(|other| other.starts_with(&stem)));
    files.iter().filter(beside).cloned().collect()
}

/// Folders with a name that tools leave out.
pub(crate) fn hidden_folders(files: &[String]) -> Vec<String> {
    let hidden = |file: &&String| {
        let mut folders = file.split('/').rev().skip(1);
        folders.any(|folder| HIDDEN_FOLDERS.contains(&folder))
    };
    files.iter().filter(hidden).cloned().collect()
}

/// Public types with a name that another room has, too: `Name: room, room`.
pub(crate) fn repeated_names(sources: &[Source]) -> Vec<String> {
    let mut rooms: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let Some(room) = room_of(&source.file) else {
            continue;
        };
        let types = source.scan.items.iter();
        let types = types.filter(|item| {
            item.public && ["struct", "enum", "trait", "type", "union"].contains(&item.kind.as_str())
        });
        for item in types.filter(|item| !SHARED_NAMES.contains(&item.name.as_str())) {
            rooms.entry(&item.name).or_default().insert(room.clone());
        }
    }
    let repeated = rooms.into_iter().filter(|(_, rooms)| rooms.len() > 1);
    repeated
        .map(|(name, rooms)| format!("{name}: {}", rooms.into_iter().collect::<Vec<_>>().join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::scan::{module_of, scan};
    use super::*;

    fn source(file: &str, text: &str) -> Source {
        let module = module_of(file);
        let scan = scan(&module, text).unwrap();
        Source {
            file: file.to_owned(),
            module,
            text: text.to_owned(),
            scan,
        }
    }

    #[test]
    fn logic_in_a_list_is_found_and_its_tests_are_not() {
        for text in [
            "mod a; pub use a::A; pub fn f() {}",
            "mod a; const N: usize = 1;",
            "struct A;",
            "mod inner { pub fn f() {} }",
            "impl A { fn f() {} }",
            "macro_rules! m { () => {} }",
        ] {
            assert_eq!(
                logic_in_lists(&[source("src/engine/mod.rs", text)]).len(),
                1,
                "{text}"
            );
            assert_eq!(
                logic_in_lists(&[source("src/engine/run.rs", text)]).len(),
                0,
                "{text}"
            );
        }
        let list = "//! What it is.\n#![allow(x)]\nmod a;\npub mod b;\n#[cfg(test)]\nmod tests;\n/// Text.\npub(crate) use a::{A, B};\n#[cfg(test)] fn f() {}";
        assert_eq!(
            logic_in_lists(&[source("src/engine/mod.rs", list)]),
            [] as [&str; 0]
        );
    }

    #[test]
    fn a_public_name_in_two_rooms_is_found() {
        let planted = [
            source("src/engine/a.rs", "pub struct Place;"),
            source("src/images/b.rs", "#[derive(Debug)]\npub enum Place { A }"),
            source("src/host/c.rs", "pub(crate) struct Place; struct Args;"),
            source("src/engine/d.rs", "pub trait Place {} pub struct Args;"),
            source("src/cli/e.rs", "pub struct Args; pub fn Place() {}"),
        ];
        assert_eq!(repeated_names(&planted), ["Place: engine, images"]);
    }

    #[test]
    fn files_beside_folders_and_folders_that_tools_leave_out_are_found() {
        let files = [
            "src/a.rs",
            "src/a/b.rs",
            "src/ab/c.rs",
            "src/x/target/y.rs",
            "tests/build.rs",
        ];
        let files = files.map(str::to_owned);
        assert_eq!(beside_folders(&files), ["src/a.rs"]);
        assert_eq!(hidden_folders(&files), ["src/x/target/y.rs"]);
    }
}

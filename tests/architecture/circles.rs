//! Circles: between files, between rooms, and between the floors of `app`.
//!
//! A name that is imported through a `mod.rs` is an arrow to the file that defines it: a folder's own list of what
//! it exports ties nothing together.

use super::rules::{floor, room};
use super::scan::Path;
use super::tree::Source;
use std::collections::{BTreeMap, BTreeSet};

/// Files, each with the files that it names something of.
pub(crate) type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Every arrow from file to file.
pub(crate) fn arrows(sources: &[Source]) -> Arrows {
    let modules: BTreeMap<&[String], &Source> = sources
        .iter()
        .map(|source| (source.module.as_slice(), source))
        .collect();
    let mut arrows = Arrows::new();
    for source in sources {
        let named = source.scan.names.iter();
        let files = named.filter_map(|(_, path)| defining(&modules, path, 16));
        let others: BTreeSet<String> = files.filter(|file| *file != source.file).collect();
        arrows.insert(source.file.clone(), others);
    }
    arrows
}

/// The file that defines what the path names; `None` for another crate's, and for a module by itself.
fn defining(modules: &BTreeMap<&[String], &Source>, path: &Path, steps: usize) -> Option<String> {
    if path.first()? != "crate" || steps == 0 {
        return None;
    }
    let length = (1..=path.len())
        .rev()
        .find(|length| modules.contains_key(&path[..*length]))?;
    let (source, rest) = (modules[&path[..length]], &path[length..]);
    let (name, inner) = rest.split_first()?;
    // What a file imports can be named through it, by its children at least.
    match source.scan.aliases.get(name).filter(|found| *found != path) {
        Some(elsewhere) => {
            let path: Path = elsewhere.iter().chain(inner).cloned().collect();
            defining(modules, &path, steps - 1)
        }
        None => Some(source.file.clone()),
    }
}

/// Circles of at least two: every group in which each leads to each.
pub(crate) fn circles(arrows: &Arrows) -> Vec<BTreeSet<String>> {
    let reach: BTreeMap<&String, BTreeSet<&String>> = arrows
        .keys()
        .map(|from| (from, reachable(arrows, from)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for from in arrows.keys().filter(|from| reach[from].contains(from)) {
        if seen.contains(from) {
            continue;
        }
        let circle: BTreeSet<String> = reach[from]
            .iter()
            .filter(|to| reach.get(*to).is_some_and(|back| back.contains(from)))
            .map(|to| (*to).clone())
            .collect();
        seen.extend(circle.iter().cloned().collect::<Vec<_>>());
        circles.push(circle);
    }
    circles
}

fn reachable<'a>(arrows: &'a Arrows, from: &String) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&String> = arrows.get(from).into_iter().flatten().collect();
    while let Some(next) = waiting.pop() {
        if found.insert(next) {
            waiting.extend(arrows.get(next).into_iter().flatten());
        }
    }
    found
}

/// The same arrows between the groups that files belong to; what belongs to none is left out.
pub(crate) fn grouped(arrows: &Arrows, group: impl Fn(&str) -> Option<String>) -> Arrows {
    let mut groups = Arrows::new();
    for (from, to) in arrows {
        let Some(from) = group(from) else { continue };
        let others = to.iter().filter_map(|to| group(to)).filter(|to| *to != from);
        let others: Vec<String> = others.collect();
        groups.entry(from).or_default().extend(others);
    }
    groups
}

/// The room of a file of the crate; `None` for its roots.
pub(crate) fn room_of(file: &str) -> Option<String> {
    let inside = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let module = inside.replace('/', "::");
    (!["lib", "main"].contains(&module.as_str())).then(|| room(&module).to_owned())
}

/// Arrows between files of `app` that lead to a higher floor: `from (floor) → to (floor)`.
pub(crate) fn upward(arrows: &Arrows) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to) in arrows {
        let Some(own) = floor(from) else { continue };
        let higher = to.iter().filter_map(|to| Some((to, floor(to)?)));
        let higher = higher.filter(|(_, floor)| *floor > own);
        found.extend(higher.map(|(to, floor)| format!("{from} (floor {own}) → {to} (floor {floor})")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::scan::{module_of, scan};
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Vec<Source> {
        let of = |(file, text): &(&str, &str)| {
            let module = module_of(file);
            let scan = scan(&module, text).unwrap();
            Source {
                file: (*file).to_owned(),
                module,
                text: (*text).to_owned(),
                scan,
            }
        };
        files.iter().map(of).collect()
    }

    #[test]
    fn a_circle_between_rooms_is_found_through_what_a_folder_exports() {
        let planted = sources(&[
            ("src/lib.rs", "pub mod engine; pub mod images;"),
            ("src/engine/mod.rs", "mod a; pub use a::A;"),
            ("src/engine/a.rs", "use crate::images::B; pub struct A;"),
            ("src/images/mod.rs", "mod b; pub use b::B;"),
            ("src/images/b.rs", "fn f() { crate::engine::A }"),
        ]);
        let arrows = arrows(&planted);
        assert_eq!(
            circles(&arrows),
            [BTreeSet::from([
                "src/engine/a.rs".to_owned(),
                "src/images/b.rs".to_owned()
            ])]
        );
        let rooms = circles(&grouped(&arrows, room_of));
        assert_eq!(
            rooms,
            [BTreeSet::from(["engine".to_owned(), "images".to_owned()])]
        );
    }

    #[test]
    fn a_folder_that_only_exports_ties_nothing_together() {
        let files = sources(&[
            ("src/images/mod.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("src/images/a.rs", "use super::B; pub struct A;"),
            ("src/images/b.rs", "pub struct B;"),
        ]);
        assert_eq!(circles(&arrows(&files)), [] as [BTreeSet<String>; 0]);
        let files = sources(&[
            ("src/images/mod.rs", "mod a; pub struct B; fn f() { a::A }"),
            ("src/images/a.rs", "use super::B; pub struct A;"),
        ]);
        assert_eq!(circles(&arrows(&files)).len(), 1);
    }

    #[test]
    fn an_arrow_to_a_higher_floor_of_app_is_found() {
        let files = sources(&[
            ("src/app/hold.rs", "use super::pipeline::run; pub struct Hold;"),
            ("src/app/pipeline.rs", "use super::hold::Hold; pub fn run() {}"),
        ]);
        let arrows = arrows(&files);
        assert_eq!(upward(&arrows).len(), 1, "{:?}", upward(&arrows));
        assert!(upward(&arrows)[0].starts_with("src/app/hold.rs"));
    }
}

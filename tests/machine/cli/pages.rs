//! What the pages for people promise: links that lead somewhere, an index of everything, examples that hold.

use crate::support::project::Project;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file, by its path from the root of the repository.
pub(crate) fn text_of(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Every page, as a path from the root of the repository.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
        .map(str::to_owned)
        .to_vec();
    pages.extend(
        files_below("docs")
            .into_iter()
            .filter(|file| file.ends_with(".md")),
    );
    pages
}

/// Every file below a folder, as a path from the root of the repository.
fn files_below(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The lines of a page that are no code, with what stands between backticks taken out.
fn prose(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut code = false;
    for line in page.lines() {
        let fence = line.trim_start().starts_with("```");
        if !code && !fence {
            lines.push(line.split('`').step_by(2).collect());
        }
        code ^= fence;
    }
    assert!(!code, "a block of code has no end");
    lines
}

/// Where the links of a page lead, as they are written: `[text](target)`, `src="target"`, `href="target"`.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(page) {
        for (start, end) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
            let targets = line.split(start).skip(1);
            found.extend(targets.filter_map(|rest| Some(rest.split_once(end)?.0.to_owned())));
        }
    }
    found
}

/// The anchors that GitHub gives the headings of a page.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    let mut code = false;
    for line in page.lines() {
        code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        let depth = line.len() - heading.len();
        if code || !(1..=6).contains(&depth) || !heading.starts_with(' ') {
            continue;
        }
        let slug: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let time = times.entry(slug.clone()).or_default();
        anchors.insert(if *time == 0 {
            slug
        } else {
            format!("{slug}-{time}")
        });
        *time += 1;
    }
    anchors
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(part) => parts.push(part.to_str().unwrap()),
            _ => {}
        }
    }
    parts.join("/")
}

/// The file of the repository that a link on `page` leads to, and the anchor in it; `None` where it leads to
/// the web.
fn resolved(page: &str, link: &str) -> Option<(String, Option<String>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(f, a)| (f, Some(a)));
    let file = if file.is_empty() {
        page.to_owned()
    } else {
        plain(&Path::new(page).parent().unwrap().join(file))
    };
    Some((file, anchor.map(str::to_owned)))
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading_that_are_there() {
    let mut broken = Vec::new();
    let mut followed = 0;
    for page in pages() {
        for link in links(&text_of(&page)) {
            let Some((file, anchor)) = resolved(&page, &link) else {
                continue;
            };
            followed += 1;
            let there = root().join(&file).exists();
            let lands = anchor.is_none_or(|anchor| there && anchors(&text_of(&file)).contains(&anchor));
            if !there || !lands {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "these lead nowhere:\n{}", broken.join("\n"));
    assert!(followed > 100, "only {followed} links were found");
}

#[test]
fn a_link_that_leads_nowhere_is_noticed() {
    let page = "# A page\n\n[a](b.md), `[not](one)`\n\n```\n[nor](this)\n```\n\n## It's `code`, too\n\n## A page\n\
                <img src=\"c.svg\">\n";
    assert_eq!(links(page), ["b.md", "c.svg"]);
    let expected = ["a-page", "a-page-1", "its-code-too"].map(str::to_owned);
    assert_eq!(anchors(page), BTreeSet::from(expected));
    let to = |link| resolved("docs/x/y.md", link);
    assert_eq!(
        to("../z.md#q"),
        Some(("docs/z.md".to_owned(), Some("q".to_owned())))
    );
    assert_eq!(to("#q"), Some(("docs/x/y.md".to_owned(), Some("q".to_owned()))));
    assert_eq!(to("https://example.org"), None);
}

#[test]
fn the_index_leads_to_every_page_of_the_documentation() {
    let index = "docs/README.md";
    let listed: BTreeSet<String> = links(&text_of(index))
        .iter()
        .filter_map(|link| Some(resolved(index, link)?.0))
        .collect();
    let missing: Vec<String> = files_below("docs")
        .into_iter()
        .filter(|file| file != index && !file.ends_with(".svg"))
        .filter(|file| !listed.contains(file))
        .collect();
    assert!(missing.is_empty(), "{index} does not lead to {missing:?}");
    let list = "docs/decisions/README.md";
    let listed: BTreeSet<String> = links(&text_of(list))
        .iter()
        .filter_map(|link| Some(resolved(list, link)?.0))
        .collect();
    for file in files_below("docs/decisions") {
        assert!(
            file == list || listed.contains(&file),
            "{list} does not lead to {file}"
        );
    }
}

#[test]
fn a_decision_says_what_was_decided_and_what_was_rejected_and_stays_short() {
    for file in files_below("docs/decisions") {
        if file.ends_with("/README.md") {
            continue;
        }
        let text = text_of(&file);
        let headings: Vec<String> = text
            .lines()
            .filter_map(|line| Some(line.strip_prefix("## ")?.to_lowercase()))
            .collect();
        for part in ["deci", "rejected"] {
            let found = headings.iter().any(|heading| heading.contains(part));
            assert!(found, "{file} has no heading with {part:?}: {headings:?}");
        }
        let lines = text.lines().count();
        assert!((25..=60).contains(&lines), "{file} has {lines} lines");
    }
}

#[test]
fn the_first_configuration_that_a_reader_meets_ships_the_service_of_the_quickstart() {
    let readme = text_of("README.md");
    let example = readme
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let project = Project::empty();
    // An address that is free on this machine, and a shorter look at what was deployed.
    let address = format!("127.0.0.1:{}", project.port);
    let adapted = example
        .replace("127.0.0.1:8080", &address)
        .replace("watch: 30s", "watch: 1s");
    assert!(
        adapted.contains(&address) && adapted.contains("watch: 1s"),
        "{example}"
    );
    project.write("greenroom.yaml", adapted);
    project.write("VERSION", "1.0.0\n");
    project.write("app/server.py", text_of("examples/quickstart/app/server.py"));
    project.must(&["check"]);
    project.must(&["run"]);
    let status = project.must(&["status"]);
    project.must(&["environment", "stop", "staging"]);
    assert!(
        status.out.starts_with("staging: hello 1.0.0 since "),
        "{}",
        status.out
    );
}

#[test]
fn the_release_that_the_readme_downloads_is_the_one_of_this_source() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(text_of("README.md").contains(&format!("\nversion={version} target=")));
}

#[test]
fn every_variable_of_our_own_is_on_the_page_about_variables() {
    let page = text_of("docs/environment-variables.md");
    let mut found = BTreeSet::new();
    for file in files_below("src") {
        let text = text_of(&file);
        let production = text.split("#[cfg(test)]").next().unwrap();
        if !file.ends_with(".rs") || text.contains("#![cfg(test)]") || file.starts_with("src/testing/") {
            continue;
        }
        for literal in production.split("\"GREENROOM_").skip(1) {
            let name = literal.split('"').next().unwrap();
            let whole = |c: char| c.is_ascii_uppercase() || c == '_';
            if !name.is_empty() && !name.ends_with('_') && name.chars().all(whole) {
                found.insert(format!("GREENROOM_{name}"));
            }
        }
    }
    assert!(found.len() > 12, "{found:?}");
    let silent: Vec<&String> = found
        .iter()
        .filter(|name| !page.contains(name.as_str()))
        .collect();
    assert!(
        silent.is_empty(),
        "docs/environment-variables.md says nothing of {silent:?}"
    );
}

#[test]
fn the_files_that_extending_names_are_there() {
    let page = text_of("docs/extending.md");
    let quoted = page.split('`').skip(1).step_by(2);
    let files: Vec<&str> = quoted
        .filter(|word| word.starts_with("src/") || word.starts_with("tests/") || word.starts_with("schema/"))
        .collect();
    assert!(files.len() > 20, "{files:?}");
    let gone: Vec<&&str> = files.iter().filter(|file| !root().join(file).exists()).collect();
    assert!(
        gone.is_empty(),
        "docs/extending.md names what is not there: {gone:?}"
    );
}

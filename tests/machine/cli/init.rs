//! `init` and `render`.

use crate::support::project::Project;
use serde_json::Value;
use std::fs;

const PYTHON: [&str; 3] = ["init", "--ecosystem", "python"];

fn files(project: &Project) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![project.path(".")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                let path = entry.path();
                found.push(
                    path.strip_prefix(project.path("."))
                        .unwrap()
                        .display()
                        .to_string(),
                );
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_empty_directory_becomes_a_project_that_is_valid_and_nothing_changes_the_second_time() {
    let project = Project::empty();
    let ran = project.must(&[&PYTHON[..], &["--service", "shop"]].concat());
    assert_eq!(ran.err, "");
    assert_eq!(
        files(&project),
        [
            ".dockerignore",
            ".github/workflows/ci.yml",
            ".github/workflows/cleanup.yml",
            ".github/workflows/deploy-acceptance.yml",
            ".github/workflows/deploy-production.yml",
            ".github/workflows/deploy-staging.yml",
            ".github/workflows/rollback.yml",
            ".gitignore",
            "Containerfile",
            "VERSION",
            "compose.production.yaml",
            "compose.yaml",
            "environments/acceptance.yaml",
            "environments/production.yaml",
            "environments/staging.yaml",
            "greenroom.yaml",
        ]
    );
    for step in [
        "  1. The service is taken to be app/server.py",
        "  2. In GitHub under Settings",
        "  3. See what would happen",
    ] {
        assert!(ran.out.contains(step), "{}", ran.out);
    }
    let checked = project.must(&["check"]);
    assert!(
        checked.out.contains("is valid: service shop, 3 environment(s)"),
        "{}",
        checked.out
    );
    let again = project.must(&[&PYTHON[..], &["--service", "shop"]].concat());
    let lines: Vec<_> = again.out.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 14);
    assert!(
        lines.iter().all(|line| line.starts_with("unchanged ")),
        "{lines:?}"
    );
}

#[test]
fn what_is_there_is_shown_as_a_difference_and_stays_until_it_is_forced() {
    let project = Project::empty();
    project.write("Containerfile", "FROM mine\n");
    project.write("VERSION", "7.0.0\n");
    project.write(".gitignore", "/dist/\n");
    let ran = project.run(&PYTHON);
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    for part in [
        "kept Containerfile",
        "--- a/Containerfile",
        "-FROM mine",
        "+FROM docker.io/library/python",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(
        ran.out.contains("note: add /.greenroom/ to .gitignore"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("1 file(s) say something else and were kept"),
        "{}",
        ran.err
    );
    assert_eq!(project.read("Containerfile"), "FROM mine\n");
    project.must(&["check"]);
    let ran = project.must(&[&PYTHON[..], &["--force"]].concat());
    assert!(ran.out.contains("overwritten Containerfile"), "{}", ran.out);
    assert!(
        project
            .read("Containerfile")
            .contains("FROM docker.io/library/python")
    );
    assert_eq!(project.read("VERSION"), "7.0.0\n");
    assert_eq!(project.read(".gitignore"), "/dist/\n");
}

#[test]
fn a_dry_run_shows_everything_and_writes_nothing() {
    let project = Project::empty();
    project.write("go.mod", "module shop\n");
    let ran = project.must(&["init", "--dry-run"]);
    assert!(ran.out.contains("greenroom.yaml would be:"), "{}", ran.out);
    assert!(ran.out.contains("FROM docker.io/library/golang"), "{}", ran.out);
    assert_eq!(files(&project), ["go.mod"]);
}

#[test]
fn the_result_as_json_is_one_document() {
    let project = Project::empty();
    project.write("compose.yaml", "services: {}\n");
    let ran = project.run(&[&PYTHON[..], &["--format", "json"]].concat());
    assert_eq!(ran.status, 2);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["schema"], "greenroom.init/1");
    assert_eq!(document["written"], true);
    assert_eq!(document["next"].as_array().unwrap().len(), 3);
    let files = document["files"].as_array().unwrap();
    let fate = |path: &str| files.iter().find(|file| file["path"] == path).unwrap()["fate"].clone();
    assert_eq!(fate("compose.yaml"), "kept");
    assert_eq!(fate("greenroom.yaml"), "created");
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_written() {
    let project = Project::empty();
    for (words, said) in [
        (&["init"][..], "no file here says what the service is written in"),
        (
            &["init", "--ecosystem", "cobol"],
            "\"cobol\" is no ecosystem: write python, node",
        ),
        (
            &["init", "--ecosystem", "go", "--target", "kubernetes"],
            "cannot deploy to kubernetes itself",
        ),
        (
            &["init", "--ecosystem", "go", "--target", "command"],
            "pulls the image from a registry: name one",
        ),
        (
            &["init", "--ecosystem", "go", "--action", "acme/greenroom@v1"],
            "the commit with all its 40 digits",
        ),
        (
            &["init", "--ecosystem", "go", "--runner", "ubuntu-latest"],
            "name a fixed one",
        ),
        (
            &["render", "nothing", "--ecosystem", "go"],
            "there is no template \"nothing\"",
        ),
    ] {
        let ran = project.run(words);
        assert_eq!(ran.status, 2, "{words:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{words:?}: {}", ran.err);
    }
    assert_eq!(files(&project), [] as [&str; 0]);
}

#[test]
fn one_template_is_rendered_and_a_projects_own_comes_first() {
    let project = Project::empty();
    let words = [
        "render",
        "compose.yaml",
        "--ecosystem",
        "node",
        "--service",
        "shop",
    ];
    let ran = project.must(&words);
    assert!(
        ran.out.starts_with("# shop on a developer's machine"),
        "{}",
        ran.out
    );
    project.write("greenroom-templates/compose.yaml", "name: << service >>\n");
    assert_eq!(project.must(&words).out, "name: shop\n");
    let written = [&words[..], &["--output", "out.yaml"]].concat();
    project.must(&written);
    assert_eq!(project.read("out.yaml"), "name: shop\n");
    let again = project.run(&written);
    assert_eq!(again.status, 2);
    assert!(again.err.contains("out.yaml is there already"), "{}", again.err);
    let list = project.must(&["render", "--list"]).out;
    assert!(
        list.contains("the service on a developer's machine (your own)"),
        "{list}"
    );
    project.write("greenroom-templates/compose.yaml", "<< nothing >>\n");
    let ran = project.run(&words);
    assert_eq!(ran.status, 3);
    assert!(
        ran.err.contains("the template compose.yaml, line 1"),
        "{}",
        ran.err
    );
}

#[test]
fn values_of_ones_own_go_into_templates_of_ones_own() {
    let project = Project::empty();
    project.write("pyproject.toml", "");
    project.write(
        "greenroom-templates/team.yaml",
        "# << service >>\nteam: << set.team | yaml >>\nzone: << set.zone | default(\"eu\") | yaml >>\n",
    );
    let render = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|set| format!("--set={set}")).collect();
        let words = ["render", "team.yaml", "--service", "shop"].into_iter();
        project.run(&words.chain(sets.iter().map(String::as_str)).collect::<Vec<_>>())
    };
    let hostile = "no # \"x\": &a ${{ b }} << service >> <% if %>";
    let ran = render(&[&format!("team={hostile}")]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let read: Value = serde_yaml::from_str(&ran.out).unwrap();
    assert_eq!(read, serde_json::json!({ "team": hostile, "zone": "eu" }));
    for (sets, status, said) in [
        (
            &[][..],
            3,
            "the template team.yaml, line 2: set.team has no value\n  fix: give --set team=VALUE\n",
        ),
        (
            &["team=x", "tema=y"],
            2,
            "no template reads set.tema, so --set tema=… would change nothing: they read set.team, set.zone",
        ),
        (
            &["team=x", "team=y"],
            2,
            "--set team=… is given twice\n  fix: leave one out",
        ),
        (&["te-am=x"], 2, "\"te-am\" is no name for a value"),
        (&["team=a\nb: c"], 2, "the value of team holds \\u{a}"),
    ] {
        let ran = render(sets);
        assert_eq!(ran.status, status, "{sets:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{sets:?}: {}", ran.err);
    }
    project.write("greenroom-templates/compose.yaml", "name: << set.team >>\n");
    project.must(&["init", "--yes", "--service", "shop", "--set", "team=checkout"]);
    assert_eq!(project.read("compose.yaml"), "name: checkout\n");
}

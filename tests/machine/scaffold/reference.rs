//! `workflows/` of the repository: what the notable combinations look like.

use crate::scaffold::combinations::{render, usual};
use greenroom::scaffold::{Approvals, Choices, Ci, Jobs, TriggerKind};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Directory, choices, and whether all of its pipelines are shown or only what differs by the trigger.
fn notable() -> Vec<(&'static str, Choices, bool)> {
    let on = |triggers: &[TriggerKind]| Choices {
        triggers: triggers.iter().copied().collect(),
        action: greenroom::scaffold::ActionPin::default(),
        ..usual()
    };
    let (push, dispatch, label) = (TriggerKind::Push, TriggerKind::Dispatch, TriggerKind::Label);
    vec![
        ("option-a-push", on(&[push]), false),
        ("option-b-dispatch", on(&[dispatch]), false),
        ("option-c-label", on(&[label]), false),
        ("hybrid", on(&[push, dispatch]), true),
        (
            "split-jobs",
            Choices {
                jobs: Jobs::Split,
                approvals: Approvals::GitHub,
                ci: [Ci::GitHub].into(),
                ..on(&[push, dispatch, label])
            },
            true,
        ),
        (
            "own-machine",
            Choices {
                target: greenroom::scaffold::TargetChoice::Local,
                registry: None,
                scanner: greenroom::scaffold::Scanner::None,
                approvals: Approvals::Ledger,
                ci: [Ci::GitHub].into(),
                ..on(&[push, dispatch])
            },
            true,
        ),
    ]
}

/// The files of the reference, by their paths below `workflows/`.
fn expected() -> BTreeMap<PathBuf, String> {
    let mut expected = BTreeMap::new();
    for (directory, choices, whole) in notable() {
        for file in render(&choices) {
            let name = file.path.strip_prefix(".github/workflows/");
            let name = name.or([".gitlab-ci.yml", "Jenkinsfile"]
                .into_iter()
                .find(|path| *path == file.path));
            if let Some(name) = name.filter(|name| whole || *name == "deploy-staging.yml") {
                expected.insert(Path::new(directory).join(name), file.text);
            }
        }
    }
    expected
}

fn present(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut present = BTreeMap::new();
    for directory in fs::read_dir(root).into_iter().flatten().flatten() {
        for file in fs::read_dir(directory.path()).into_iter().flatten().flatten() {
            let path = file.path().strip_prefix(root).unwrap().to_owned();
            present.insert(path, fs::read_to_string(file.path()).unwrap());
        }
    }
    present
}

#[test]
fn the_reference_is_what_is_rendered() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let expected = expected();
    if std::env::var_os("GREENROOM_BLESS").is_some() {
        for path in present(&root).keys().filter(|path| !expected.contains_key(*path)) {
            fs::remove_file(root.join(path)).unwrap();
        }
        for (path, text) in &expected {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
    }
    let present = present(&root);
    let names = |files: &BTreeMap<PathBuf, String>| files.keys().cloned().collect::<Vec<_>>();
    let hint = "GREENROOM_BLESS=1 cargo nextest run --test scaffold reference writes it again";
    assert_eq!(names(&present), names(&expected), "{hint}");
    for (path, text) in &expected {
        let difference = greenroom::scaffold::unified(&path.to_string_lossy(), &present[path], text);
        assert!(present[path] == *text, "{hint}\n{difference}");
    }
}

//! greenroom's own release workflow, from its start by a person to the release: real scripts, a real remote;
//! what builds, and what only GitHub has, are stand-ins that do as much as can be looked at afterwards.

use crate::act::events;
use crate::act::player::Played;
use crate::act::stage::Stage;
use crate::support::files::repository;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

const VERSION: &str = "1.2.3";
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"];

/// Builds a program that says which platform it is for.
const CARGO: &str = "#!/bin/bash
set -e
while [ \"$1\" != --target ]; do shift; done
mkdir -p \"target/$2/dist\"
printf '#!/bin/sh\\necho greenroom for %s\\n' \"$2\" > \"target/$2/dist/greenroom\"
chmod +x \"target/$2/dist/greenroom\"
";

/// Notes how it is called, and keeps the notes and the files that it is given.
const GH: &str = "#!/bin/bash
echo \"$*\" >> \"$STANDINS/gh.log\"
while [ $# -gt 0 ]; do
  case $1 in
    --notes-file) cp \"$2\" \"$STANDINS/notes.md\" ;;
    assets/*) cp \"$1\" \"$STANDINS/\" ;;
  esac
  shift
done
";

/// The actions that the workflow uses, by the name in it, and what each does here.
const ACTIONS: [(&str, &str, &str); 4] = [
    (
        "actions/checkout",
        "ref",
        "git clone --quiet \"$REMOTE\" . && git checkout --quiet \"$VALUE\"",
    ),
    (
        "actions/upload-artifact",
        "path",
        "mkdir -p \"$STANDINS/artifacts\" && cp \"$VALUE\"/* \"$STANDINS/artifacts/\"",
    ),
    (
        "actions/download-artifact",
        "path",
        "mkdir -p \"$VALUE\" && cp \"$STANDINS\"/artifacts/* \"$VALUE/\" && eval \"${ON_DOWNLOAD:-}\"",
    ),
    (
        "actions/attest-build-provenance",
        "subject-path",
        "ls $VALUE > \"$STANDINS/attested\"",
    ),
];

/// greenroom's repository as far as a release needs it, on `main`.
struct Release {
    stage: Stage,
    actions: Vec<(String, PathBuf)>,
}

impl Release {
    fn new() -> Self {
        let stage = Stage::empty();
        for file in [
            "scripts/changelog.sh",
            "scripts/checksums.sh",
            "install.sh",
            ".github/workflows/release.yml",
        ] {
            stage.write(file, &fs::read_to_string(repository(file)).unwrap());
            let mode = fs::metadata(repository(file)).unwrap().permissions();
            fs::set_permissions(stage.root().join(file), mode).unwrap();
        }
        stage.write("Cargo.toml", &format!("[package]\nversion = \"{VERSION}\"\n"));
        let changes =
            "# Changelog\n\n## [1.2.3] - 2026-11-28\n\n- Faster.\n\n## [1.2.2] - 2026-10-01\n\n- Smaller.\n";
        stage.write("CHANGELOG.md", changes);
        stage.commit("main");
        let mut release = Self {
            stage,
            actions: Vec::new(),
        };
        release.stand_in();
        release
    }

    /// Puts everything in place that a hosted machine and GitHub have.
    fn stand_in(&mut self) {
        let project = &self.stage.project;
        for (name, script) in [
            ("cargo", CARGO),
            ("gh", GH),
            ("rustup", "#!/bin/sh\n"),
            ("sudo", "#!/bin/sh\n"),
        ] {
            project.write(&format!("standins/bin/{name}"), script);
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(project.path(&format!("standins/bin/{name}")), executable).unwrap();
        }
        let workflow = project.read("project/.github/workflows/release.yml");
        for (name, input, script) in ACTIONS {
            let action = format!(
                "name: {name}\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      env:\n        \
                 VALUE: ${{{{ inputs.{input} }}}}\n      run: {script}\ninputs:\n  {input}: {{ description: {input} }}\n"
            );
            let directory = format!("standins/{name}");
            project.write(&format!("{directory}/action.yml"), action);
            let used = workflow.lines().find_map(|line| {
                let used = line.trim().strip_prefix("uses: ")?;
                used.starts_with(name).then(|| used.split(' ').next())?
            });
            self.actions
                .push((used.unwrap().to_owned(), project.path(&directory)));
        }
        let standins = project.path("standins").display().to_string();
        let remote = format!("file://{}", project.path("remote.git").display());
        let path = format!("{standins}/bin:{}", std::env!("PATH"));
        for (name, value) in [("STANDINS", standins), ("REMOTE", remote), ("PATH", path)] {
            self.stage.variables.push((name.to_owned(), value));
        }
    }

    fn play(&self, version: &str) -> Played {
        let event = events::dispatch("main", &json!({ "version": version }));
        let mut act = self
            .stage
            .act("workflow_dispatch", &event, ".github/workflows/release.yml");
        act.actions = self.actions.clone();
        act.play(&self.stage.root())
    }

    /// A file that a stand-in left; empty where there is none.
    fn left(&self, file: &str) -> String {
        let path = self.stage.project.path("standins").join(file);
        fs::read_to_string(path).unwrap_or_default()
    }
}

#[test]
fn the_tag_holds_the_checksums_of_what_is_published() {
    let release = Release::new();
    let played = release.play(VERSION);
    let jobs = ["build", "checksums", "publish"];
    played.assert_jobs(&jobs.map(|job| (job, "success")));
    let git = |args: &[&str]| release.stage.git(args);
    git(&["fetch", "--quiet", "--tags", "origin"]);
    let tagged = git(&["show", "v1.2.3:install.sh"]);
    for target in TARGETS {
        let asset = format!("greenroom-{VERSION}-{target}.tar.gz");
        let published = release.stage.project.path("standins").join(&asset);
        let sum = openssl_sha256(&published);
        let row = format!("{sum} {VERSION} {target}");
        assert!(tagged.lines().any(|line| line == row), "{row}\n{tagged}");
        assert!(
            release.left("SHA256SUMS").contains(&format!("{sum}  {asset}")),
            "{asset}"
        );
        assert!(release.left("attested").contains(&asset), "{asset}");
    }
    assert!(tagged.contains("readonly version=1.2.3\n"), "{tagged}");
    assert_eq!(release.left("notes.md"), "- Faster.\n");
    let parent = git(&["rev-parse", "v1.2.3^{commit}~1"]);
    assert_eq!(parent, git(&["rev-parse", "main"]), "one commit on top of main");
    assert_eq!(
        git(&["rev-parse", "origin/release/1.2.3"]),
        git(&["rev-parse", "v1.2.3^{commit}"])
    );
    let calls = release.left("gh.log");
    let calls: Vec<&str> = calls
        .lines()
        .filter(|call| call.starts_with("release "))
        .collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(
        calls[0].starts_with("release create v1.2.3 --draft --verify-tag"),
        "{calls:?}"
    );
    assert_eq!(calls[1], "release edit v1.2.3 --draft=false");
}

#[test]
fn nothing_is_tagged_for_another_version_and_nothing_published_that_the_tag_does_not_know() {
    let mut release = Release::new();
    release.play("1.2.2").assert_jobs(&[("build", "failure")]);
    assert_eq!(release.stage.refs(), ["refs/heads/main"]);

    // Between the tag and the release, somebody exchanges an asset.
    let exchange =
        "[ ! -e .tagged ] || echo more >> \"$VALUE/greenroom-1.2.3-x86_64-unknown-linux-musl.tar.gz\"";
    let tagged = "git rev-parse --quiet --verify HEAD~1 > .tagged 2>&1 || rm .tagged";
    let changed = ("ON_DOWNLOAD".to_owned(), format!("{tagged}; {exchange}"));
    release.stage.variables.push(changed);
    let played = release.play(VERSION);
    played.assert_jobs(&[
        ("build", "success"),
        ("checksums", "success"),
        ("publish", "failure"),
    ]);
    assert!(played.log.contains("diff --git a/install.sh"), "{}", played.log);
    assert!(!release.left("gh.log").contains("release "), "{}", played.log);
    assert_eq!(release.left("attested"), "");
}

/// The sha256 of a file, by another program than the one that wrote it down.
fn openssl_sha256(path: &std::path::Path) -> String {
    let output = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-r"])
        .arg(path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.split(' ').next().unwrap().to_owned()
}

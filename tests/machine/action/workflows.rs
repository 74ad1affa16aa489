//! Scripts, workflows and the action as the tools see them that judge such things.

use crate::support::files::repository;
use crate::support::tools::tool;
use std::process::{Command, Output};

fn judged(mut command: Command) -> String {
    let shown = format!("{:?}", command.get_program());
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .current_dir(repository(""))
        .output()
        .unwrap_or_else(|error| panic!("{shown}: {error}; ./test installs it"));
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    assert!(status.success(), "{shown}: {said}");
    said
}

#[test]
fn shellcheck_finds_nothing_in_any_script() {
    let mut command = Command::new("shellcheck");
    // With what a script reads in.
    command.args(["--external-sources", "--check-sourced"]);
    command.args([
        "install.sh",
        "scripts/checksums.sh",
        "scripts/changelog.sh",
        "scripts/containers.sh",
        "test",
        ".ci/run",
    ]);
    assert_eq!(judged(command), "");
}

#[test]
fn zizmor_has_no_finding_as_an_auditor() {
    let mut command = Command::new(tool("zizmor"));
    command.args([
        "--offline",
        "--persona",
        "auditor",
        "--no-progress",
        "action.yml",
        ".github/workflows",
    ]);
    let said = judged(command);
    assert!(said.contains("No findings to report"), "{said}");
}

#[test]
fn the_schemas_of_github_are_kept() {
    for (schema, files) in [
        ("vendor.github-actions", &["action.yml"][..]),
        (
            "vendor.github-workflows",
            &[".github/workflows/ci.yml", ".github/workflows/release.yml"],
        ),
        (
            "custom.github-workflows-require-timeout",
            &[".github/workflows/ci.yml", ".github/workflows/release.yml"],
        ),
    ] {
        let mut command = Command::new(tool("check-jsonschema"));
        command.args(["--builtin-schema", schema]).args(files);
        judged(command);
    }
}

#[test]
fn every_foreign_action_is_pinned_and_every_job_starts_without_permissions() {
    for file in ["ci.yml", "release.yml"] {
        let text = std::fs::read_to_string(repository(".github/workflows").join(file)).unwrap();
        assert!(text.contains("\npermissions: {}\n"), "{file}");
        for line in text
            .lines()
            .filter(|line| line.contains("uses: ") && !line.contains("uses: ./"))
        {
            let pin = line.split_once('@').unwrap().1;
            let (commit, version) = pin.split_once(" # v").unwrap();
            assert!(
                commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()),
                "{line}"
            );
            assert_eq!(version.split('.').count(), 3, "{line}");
        }
    }
}

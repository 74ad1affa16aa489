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
        ".github/dependabot.yml",
    ]);
    let said = judged(command);
    assert!(said.contains("No findings to report"), "{said}");
}

/// The files below `.github/` in `directory`, from the repository's root.
fn below_github(directory: &str) -> Vec<String> {
    let directory = format!(".github/{directory}");
    let mut files: Vec<String> = std::fs::read_dir(repository(&directory))
        .unwrap()
        .map(|entry| format!("{directory}/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_schemas_of_github_are_kept() {
    let workflows = below_github("workflows");
    assert!(workflows.len() >= 3, "{workflows:?}");
    let mut forms = below_github("ISSUE_TEMPLATE");
    forms.retain(|file| !file.ends_with("/config.yml"));
    assert!(forms.len() >= 2, "{forms:?}");
    for (schema, files) in [
        ("vendor.github-actions", vec!["action.yml".to_owned()]),
        ("vendor.github-workflows", workflows.clone()),
        ("custom.github-workflows-require-timeout", workflows),
        ("vendor.dependabot", vec![".github/dependabot.yml".to_owned()]),
        (
            "vendor.github-issue-config",
            vec![".github/ISSUE_TEMPLATE/config.yml".to_owned()],
        ),
        ("vendor.github-issue-forms", forms),
    ] {
        let mut command = Command::new(tool("check-jsonschema"));
        command.args(["--builtin-schema", schema]).args(files);
        judged(command);
    }
}

#[test]
fn every_foreign_action_is_pinned_and_every_job_starts_without_permissions() {
    for file in below_github("workflows") {
        let text = std::fs::read_to_string(repository(&file)).unwrap();
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

#[test]
fn the_compiler_is_named_once_and_is_the_oldest_that_is_promised() {
    let channel = quoted("rust-toolchain.toml", "channel");
    let promised = quoted("Cargo.toml", "rust-version");
    assert!(
        channel.starts_with(&format!("{promised}.")),
        "{channel} {promised}"
    );
    for file in below_github("workflows") {
        let text = std::fs::read_to_string(repository(&file)).unwrap();
        assert!(
            !text.contains(&channel) && !text.contains("RUSTUP_TOOLCHAIN"),
            "{file}"
        );
    }
}

/// The text between quotes in the line `key = "…"` of a file.
fn quoted(file: &str, key: &str) -> String {
    let text = std::fs::read_to_string(repository(file)).unwrap();
    let start = format!("{key} = \"");
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap().trim_end_matches('"').to_owned()
}

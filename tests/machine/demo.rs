//! The two things a newcomer tries first: `greenroom demo`, and the quickstart.

use crate::support::address::free_port;
use crate::support::address::get;
use crate::support::ran;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// The binary with an environment of its own: nothing of the CI system that runs this test.
fn greenroom(directory: &Path, words: &[&str]) -> Command {
    let mut command = ran::greenroom(directory, words);
    command.env("HOME", directory).env("TMPDIR", directory);
    command
}

fn text(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Processes whose environment or arguments name this directory.
fn left_behind(directory: &Path) -> Vec<String> {
    let mark = directory.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let read = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
        let words = [read("cmdline"), read("environ")].concat();
        let own = entry.file_name().to_string_lossy() == std::process::id().to_string();
        if !own && String::from_utf8_lossy(&words).contains(&mark) {
            found.push(format!(
                "{}: {}",
                entry.file_name().display(),
                String::from_utf8_lossy(&words)
            ));
        }
    }
    found
}

#[test]
fn the_demo_holds_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let output = greenroom(directory.path(), &["demo"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said = text(&output);
    for expected in [
        "✓ 1.0.0 was deployed",
        "✓ clients were served by both",
        "✓ 3.0.0 was taken back",
        "✓ 4.0.0 was taken back",
        "✓ four deployments are on record, as they went",
        "none is left",
        "Everything held",
    ] {
        assert!(said.contains(expected), "{expected:?} is missing:\n{said}");
    }
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        0,
        "files are left"
    );
    assert_eq!(
        left_behind(directory.path()),
        Vec::<String>::new(),
        "processes are left"
    );
}

#[test]
fn the_quickstart_is_the_main_job_on_real_input() {
    let directory = tempfile::tempdir().unwrap();
    copy(Path::new("examples/quickstart"), directory.path());
    // Its address may be taken on this machine.
    let port = free_port();
    let file = directory.path().join("environments/staging.yaml");
    let written = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        written.replace("127.0.0.1:18080", &format!("127.0.0.1:{port}")),
    )
    .unwrap();
    let run = |words: &[&str]| greenroom(directory.path(), words).output().unwrap();

    let first = run(&["run"]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first));
    assert_eq!(get(port, "/").unwrap().1, "hello from 1.0.0\n");

    fs::write(directory.path().join("VERSION"), "1.1.0\n").unwrap();
    let second = run(&["run"]);
    assert_eq!(second.status.code(), Some(0), "{}", text(&second));
    assert_eq!(get(port, "/").unwrap().1, "hello from 1.1.0\n");

    let service = directory.path().join("app/server.py");
    let broken = fs::read_to_string(&service)
        .unwrap()
        .replace("\"status\": \"ok\"", "\"status\": \"down\"");
    fs::write(&service, broken).unwrap();
    fs::write(directory.path().join("VERSION"), "1.2.0\n").unwrap();
    let third = run(&["run"]);
    assert_eq!(third.status.code(), Some(4), "{}", text(&third));
    assert_eq!(
        get(port, "/").unwrap().1,
        "hello from 1.1.0\n",
        "the old one is back"
    );

    let audit = run(&["audit", "verify"]);
    assert_eq!(audit.status.code(), Some(0), "{}", text(&audit));
    let stopped = run(&["environment", "stop", "staging"]);
    assert_eq!(stopped.status.code(), Some(0), "{}", text(&stopped));
    assert_eq!(left_behind(directory.path()), Vec::<String>::new());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        match entry.file_type().unwrap().is_dir() {
            true if name == ".greenroom" => {}
            true => copy(&entry.path(), &to.join(name)),
            false => drop(fs::copy(entry.path(), to.join(name)).unwrap()),
        }
    }
}

#[test]
fn the_demo_in_virtual_machines_holds_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let output = greenroom(directory.path(), &["demo", "--proxmox"])
        .output()
        .unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in [
        "VM 2000  shop-1-blue",
        "3.0.0 was taken back",
        "VM 2000 of somebody else was asked to change 0 times",
        "Everything held",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("  x "), "{said}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{said}");
    assert_eq!(left_behind(directory.path()), [] as [String; 0]);
}

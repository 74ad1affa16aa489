//! The scripts of a release.

use crate::support::files::repository;
use std::fs;
use std::process::Command;

#[test]
fn checksums_replace_those_that_were_there() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("install.sh");
    fs::copy(repository("install.sh"), &script).unwrap();
    let write = || {
        Command::new(repository("scripts/checksums.sh"))
            .arg(directory.path())
            .arg(&script)
            .output()
            .unwrap()
    };
    let none = write();
    assert!(!none.status.success());
    assert!(String::from_utf8_lossy(&none.stderr).contains("build the assets of this version first"));
    let version = env!("CARGO_PKG_VERSION");
    for (content, sum) in [
        (
            "a",
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        ),
        (
            "b",
            "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
        ),
    ] {
        for target in ["aarch64-unknown-linux-musl", "x86_64-unknown-linux-musl"] {
            let asset = format!("greenroom-{version}-{target}.tar.gz");
            fs::write(directory.path().join(asset), content).unwrap();
        }
        fs::write(directory.path().join("greenroom-9.9.9-x.tar.gz"), "other").unwrap();
        let written = write();
        assert!(written.status.success(), "{written:?}");
        let text = fs::read_to_string(&script).unwrap();
        let table = format!(
            "  cat <<'TABLE'\n{sum} {version} aarch64-unknown-linux-musl\n{sum} {version} \
             x86_64-unknown-linux-musl\nTABLE\n"
        );
        assert!(text.contains(&table), "{text}");
        assert!(text.ends_with("\nmain\n"));
    }
    let lines = |path| fs::read_to_string(path).unwrap().lines().count();
    assert_eq!(lines(script), lines(repository("install.sh")) + 2);
}

#[test]
fn the_notes_of_a_release_are_its_part_of_the_changelog() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("CHANGELOG.md");
    fs::write(
        &file,
        "# Changelog\n\n## [Unreleased]\n\n- next\n\n## [1.2.0] - 2026-11-01\n\n- new\n\n### Fixed\n\n- old\n\n## [1.1.0]\n\n## [1.0.0]\n\n- first\n",
    )
    .unwrap();
    let notes = |version: &str| {
        let output = Command::new(repository("scripts/changelog.sh"))
            .arg(version)
            .arg(&file)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(notes("1.2.0"), (true, "- new\n\n### Fixed\n\n- old\n".to_owned()));
    assert_eq!(notes("1.0.0"), (true, "- first\n".to_owned()));
    assert_eq!(notes("1.1.0"), (false, String::new()));
    assert_eq!(notes("1.2"), (false, String::new()));
}

//! Secrets leave no trace: not in what is printed, written or recorded, nor in any command line.

use crate::support::project::{PIPELINE, Project};
use crate::support::ran::Ran;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const VALUES: [(&str, &str); 4] = [
    ("SECRET_PLAIN", "hunter2-hunter2"),
    ("SECRET_QUOTED", "pa\"ss'wo\\rd&?/= x"),
    (
        "SECRET_KEY",
        "-----BEGIN KEY-----\nTUlJRXZRSUJBREFO\nQmdrcWhraUc5dzBC\n-----END KEY-----",
    ),
    ("SECRET_UNICODE", "schlüssel-für-die-tür"),
];
/// One more, from a file.
const FILE: (&str, &str) = ("SECRET_FILE", "from-a-file-9f8e7d6c");

/// Every form in which a value may show up.
fn forms(value: &str) -> Vec<String> {
    let json = serde_json::to_string(value).unwrap();
    let url: String = value
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let mut forms = vec![
        value.to_owned(),
        json.trim_matches('"').to_owned(),
        url,
        base64(value),
    ];
    forms.extend(
        value
            .lines()
            .filter(|line| value.contains('\n') && !line.starts_with('-'))
            .map(str::to_owned),
    );
    forms
}

/// RFC 4648 without the last digits, which depend on what follows.
fn base64(value: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    value
        .as_bytes()
        .chunks_exact(3)
        .flat_map(|chunk| {
            let word = chunk
                .iter()
                .fold(0usize, |word, byte| (word << 8) | usize::from(*byte));
            [18, 12, 6, 0].map(|shift| char::from(DIGITS[(word >> shift) & 63]))
        })
        .collect()
}

fn all() -> Vec<(&'static str, String)> {
    VALUES
        .iter()
        .chain([&FILE])
        .flat_map(|(name, value)| forms(value).into_iter().map(|form| (*name, form)))
        .collect()
}

fn assert_clean(place: &str, text: &str) {
    for (name, form) in all() {
        let at = text.find(&form);
        assert!(
            at.is_none(),
            "{place} holds {name} as {form:?}: …{}",
            text.get(at.unwrap_or(0).saturating_sub(200)..)
                .unwrap_or(text)
                .chars()
                .take(400)
                .collect::<String>()
        );
    }
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else if entry.file_type().unwrap().is_file() {
            found.push(entry.path());
        }
    }
}

/// A project whose service, hooks and checks show every secret wherever they can.
fn project(hook: &str) -> Project {
    let project = Project::new("  rollback: { watch: 0s }");
    let environment = project.read("environments/staging.yaml");
    let sources: String = VALUES
        .iter()
        .map(|(name, _)| format!("  {name}: {{ env: CI_{name} }}\n"))
        .collect();
    project.write(
        "environments/staging.yaml",
        format!(
            "{environment}secrets:\n{sources}  {}: {{ file: secret.txt }}\n",
            FILE.0
        ),
    );
    project.write("secret.txt", format!("{}\n", FILE.1));
    project.write(
        "greenroom.yaml",
        format!("{PIPELINE}    - {{ name: shows, type: functional, command: [sh, -c, \"env; env >&2\"] }}\nhooks: {{ beforeDeploy: [{{ name: shows, run: [sh, -c, {hook:?}] }}] }}\n"),
    );
    project
}

/// Runs greenroom in a job, with the secrets in its environment, while the command lines of everything
/// that it starts are watched.
fn run(project: &Project, words: &[&str]) -> Ran {
    let ended = Arc::new(AtomicBool::new(false));
    let watching = {
        let ended = Arc::clone(&ended);
        std::thread::spawn(move || {
            let mut seen: BTreeMap<String, ()> = BTreeMap::new();
            while !ended.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    if let Ok(words) = fs::read(entry.path().join("cmdline")) {
                        seen.insert(String::from_utf8_lossy(&words).into_owned(), ());
                    }
                }
            }
            seen
        })
    };
    let names: Vec<String> = VALUES.iter().map(|(name, _)| format!("CI_{name}")).collect();
    let mut variables: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(VALUES.iter().map(|(_, value)| *value))
        .collect();
    let (output, summary) = (project.path("output"), project.path("summary"));
    variables.extend([
        ("GITHUB_OUTPUT", output.to_str().unwrap()),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ]);
    let ran = project.with(
        &[words, &["--junit", "junit.xml", "--summary", "summary.md"]].concat(),
        &variables,
    );
    ended.store(true, Ordering::Relaxed);
    for words in watching.join().unwrap().keys() {
        assert_clean("a command line", words);
    }
    ran
}

/// Nothing that greenroom wrote holds a secret. The raw logs below `local/…/logs` are the service's
/// own: what it prints goes to its file as it is, as with any supervisor, and greenroom takes the
/// secrets out where it shows a part of one.
fn assert_no_trace(project: &Project, ran: &Ran) {
    assert_clean("standard output", &ran.out);
    assert_clean("standard error", &ran.err);
    let mut found: Vec<PathBuf> = ["output", "summary", "junit.xml", "summary.md"]
        .map(|file| project.path(file))
        .into_iter()
        .filter(|file| file.exists())
        .collect();
    files(&project.path(".greenroom"), &mut found);
    assert!(found.len() > 10, "{found:?}");
    let raw = project.path(".greenroom/local/staging/logs");
    for file in found.iter().filter(|file| !file.starts_with(&raw)) {
        assert_clean(
            &file.to_string_lossy(),
            &String::from_utf8_lossy(&fs::read(file).unwrap()),
        );
    }
}

#[test]
fn a_deployment_that_succeeds_fails_or_goes_back_shows_no_secret() {
    let project = project("env; env >&2");
    for (version, mode, status) in [("1.0.0", "", 0), ("1.1.0", "talkative", 4), ("1.2.0", "", 0)] {
        project.version(version, mode);
        let ran = run(&project, &["-v", "run"]);
        assert_eq!(ran.status, status, "{}{}", ran.out, ran.err);
        assert_no_trace(&project, &ran);
        if mode == "talkative" {
            assert!(
                ran.out.contains("***"),
                "the answer was shown without its secrets: {}",
                ran.out
            );
            let mut logs = Vec::new();
            files(&project.path(".greenroom/local/staging/logs"), &mut logs);
            assert!(
                logs.iter()
                    .any(|log| fs::read_to_string(log).unwrap().contains(VALUES[0].1)),
                "the service did print its secrets"
            );
        }
    }
    let ran = run(&project, &["--format", "json", "rollback", "staging"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert_no_trace(&project, &ran);
    project.version("1.3.0", "talkative");
    let ran = run(&project, &["--format", "json", "run"]);
    assert_eq!(ran.status, 4, "{}{}", ran.out, ran.err);
    assert_no_trace(&project, &ran);
    let ran = run(&project, &["verify", "staging"]);
    assert_no_trace(&project, &ran);
}

#[test]
fn a_hook_and_a_start_that_fail_with_secrets_in_their_output_show_none() {
    let project = project("env; env >&2; exit 3");
    let ran = run(&project, &["run"]);
    assert_eq!(ran.status, 4, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("exited with 3"), "{}", ran.out);
    assert_no_trace(&project, &ran);

    let project = self::project("true");
    project.write(
        "app/server.py",
        "import os, sys\nprint(os.environ)\nfor name, value in os.environ.items():\n    print(name, value, file=sys.stderr)\nsys.exit(1)\n",
    );
    let ran = run(&project, &["run"]);
    assert_eq!(ran.status, 4, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("SECRET_PLAIN ***"),
        "the end of the log is shown: {}",
        ran.out
    );
    assert_no_trace(&project, &ran);
}

#[test]
fn the_runner_is_told_to_mask_every_line_of_every_secret_before_anything_else() {
    let project = project("true");
    project.write("secret.txt", "one\nfrom-a-file-9f8e7d6c\n");
    let ran = project.with(
        &["trigger"],
        &[
            ("GITHUB_ACTIONS", "true"),
            ("CI_SECRET_PLAIN", VALUES[0].1),
            ("CI_SECRET_KEY", VALUES[2].1),
        ],
    );
    insta::assert_snapshot!(ran.shown(), @r#"
    status 0
    -- stdout
    ::add-mask::-----BEGIN KEY-----
    ::add-mask::-----END KEY-----
    ::add-mask::QmdrcWhraUc5dzBC
    ::add-mask::TUlJRXZRSUJBREFO
    ::add-mask::from-a-file-9f8e7d6c
    ::add-mask::hunter2-hunter2
    deploys: staging is the only environment, and there is no event that says otherwise
    "#);
}

#[test]
fn an_error_hides_a_secret_in_its_cause_and_in_its_fix_wherever_it_is_shown() {
    let secret = VALUES[0].1;
    // What does not parse is quoted by the parser, which makes it a cause.
    let damaged = project("true");
    let lease = ".greenroom/ledger/.locks/staging/00000000000000000001.json";
    damaged.write(lease, format!("{{ \"v\": \"{secret}\" }}"));
    // The fix names the file to write the version into.
    let unversioned = project("true");
    let pipeline = unversioned.read("greenroom.yaml");
    let file = format!("{secret}/pyproject.toml");
    unversioned.write(
        "greenroom.yaml",
        pipeline.replace("file: VERSION", &format!("file: {file}")),
    );
    unversioned.write(&file, "[project]\ndynamic = [\"version\"]\n");

    for (project, hidden) in [
        (
            &damaged,
            "  caused by: invalid type: string \"***\", expected u32",
        ),
        (&unversioned, "  fix: write it into ***/pyproject.toml, or use"),
    ] {
        let (output, summary) = (project.path("output"), project.path("summary"));
        let job = [
            ("CI_SECRET_PLAIN", secret),
            ("CI_SECRET_QUOTED", "quoted-quoted"),
            ("CI_SECRET_KEY", "key-key-key"),
            ("CI_SECRET_UNICODE", "unicode-unicode"),
            ("GITHUB_OUTPUT", output.to_str().unwrap()),
            ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
        ];
        let reports = [
            "deploy",
            "-e",
            "staging",
            "--junit",
            "junit.xml",
            "--summary",
            "summary.md",
        ];
        let ran = project.with(&reports, &job);
        assert!(
            ran.status != 0 && ran.err.contains(hidden),
            "{}{}",
            ran.out,
            ran.err
        );
        let github: Vec<(&str, &str)> = job.into_iter().chain([("GITHUB_ACTIONS", "true")]).collect();
        let annotated = project.with(&reports, &github);
        let hint = hidden.trim_start();
        let annotation = annotated.out.lines().find(|line| line.starts_with("::error"));
        assert!(
            annotation.is_some_and(|line| line.contains(hint)),
            "{}",
            annotated.out
        );
        let json = project.with(&[&["--format", "json"][..], &reports].concat(), &job);
        let shown = format!("{}{}", json.out, json.err);
        assert!(
            json.out.contains("***") && json.out.contains("\"causes\""),
            "{shown}"
        );
        let summary = project.read("summary");
        assert!(
            summary.contains(hidden.trim_start()) && !summary.contains(secret),
            "{summary}"
        );
        assert!(!shown.contains(secret), "{shown}");
        let said = [&ran.out, &ran.err, &annotated.err];
        assert!(said.iter().all(|text| !text.contains(secret)), "{said:?}");
        let unmasked = annotated
            .out
            .lines()
            .filter(|line| !line.starts_with("::add-mask::"));
        assert!(
            unmasked.clone().all(|line| !line.contains(secret)),
            "{}",
            annotated.out
        );
        for file in ["output", "junit.xml", "summary.md"].map(|file| project.path(file)) {
            let text = fs::read_to_string(file).unwrap_or_default();
            assert!(!text.contains(secret), "{text}");
        }
    }
}

//! Scanners as processes and as files.

use crate::scan::assessed::{GRYPE, TRIVY, digest, image, now};
use greenroom::adapters::scanner::{CommandScanner, FileScanner, LARGEST, ScannerSettings};
use greenroom::domain::model::{ErrorKind, Period, PortError, Secret};
use greenroom::domain::scan::{Input, Policy, ReadError, ScanResult, ScanSubject, judge, read};
use greenroom::host::runner::LocalRunner;
use greenroom::ports::Scanner;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A shell script in a directory with the fixtures.
struct Script {
    directory: TempDir,
    settings: ScannerSettings,
}

impl Script {
    fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("trivy.json"), TRIVY).unwrap();
        fs::write(directory.path().join("grype.json"), GRYPE).unwrap();
        let settings = ScannerSettings {
            argv: ["sh", "-c", script, "scanner", "IMAGE"]
                .map(str::to_owned)
                .to_vec(),
            render: Arc::new(|word, image| Ok(word.replace("IMAGE", &image.to_string()))),
            directory: None,
            variables: BTreeMap::from([("TRIVY_CACHE_DIR".to_owned(), "/cache".to_owned())]),
            secrets: BTreeMap::from([("TRIVY_PASSWORD".to_owned(), Secret::new("swordfish".into()))]),
            timeout: Period::from_secs(30),
            findings_exit_codes: vec![2],
        };
        Self { directory, settings }
    }

    fn scan(&self) -> Result<Vec<u8>, PortError> {
        let environment = [("PATH".to_owned(), std::env!("PATH").to_owned())];
        let runner = LocalRunner::new(&environment.into(), self.directory.path().to_owned());
        CommandScanner::new(self.settings.clone(), Arc::new(runner)).scan(&image())
    }
}

fn run(script: &str) -> Result<Vec<u8>, PortError> {
    Script::new(script).scan()
}

#[test]
fn the_report_is_what_the_scanner_writes_byte_for_byte() {
    assert_eq!(
        run("cat trivy.json; echo progress >&2").unwrap(),
        TRIVY.as_bytes()
    );
}

#[test]
fn the_image_is_one_argument_by_digest_and_the_scanner_gets_its_variables() {
    let said = run("printf '%s|%s|%s|%s' $# \"$1\" $TRIVY_CACHE_DIR $TRIVY_PASSWORD").unwrap();
    assert_eq!(
        String::from_utf8(said).unwrap(),
        format!("1|ghcr.io/acme/hello@{}|/cache|swordfish", digest())
    );
}

#[test]
fn an_exit_code_for_findings_gives_a_report_and_every_other_none() {
    assert_eq!(run("cat grype.json; exit 2").unwrap(), GRYPE.as_bytes());
    for code in [1, 3, 10, 100] {
        let error = run(&format!(
            "cat trivy.json; echo 'FATAL cannot pull' >&2; exit {code}"
        ))
        .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        let text = error.to_string();
        assert!(
            text.contains(&format!("exit code {code}")) && text.contains("FATAL cannot pull"),
            "{text}"
        );
    }
    let mut trivy = Script::new("cat trivy.json; exit 10");
    trivy.settings.findings_exit_codes.push(10);
    assert_eq!(trivy.scan().unwrap(), TRIVY.as_bytes());
}

#[test]
fn a_code_for_findings_with_half_a_report_is_still_an_error() {
    let bytes = run("head -c 600 grype.json; exit 2").unwrap();
    assert_eq!(read(&bytes), Err(ReadError::Truncated { bytes: 600 }));
    assert_eq!(read(&run("exit 2").unwrap()), Err(ReadError::Empty));
}

#[test]
fn a_scanner_that_hangs_is_ended_and_what_it_told_is_shown() {
    let begun = Instant::now();
    let mut script = Script::new("echo 'downloading the database' >&2; cat trivy.json; sleep 600");
    script.settings.timeout = Period::from_millis(400);
    let error = script.scan().unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(error.kind, ErrorKind::Transient);
    let text = error.to_string();
    assert!(
        text.contains("did not end within 400ms") && text.contains("downloading the database"),
        "{text}"
    );
}

#[test]
fn two_hundred_megabytes_are_not_taken() {
    let script = Script::new("head -c 200000000 /dev/zero; touch finished");
    let error = script.scan().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("more than 64 MiB"), "{error}");
    assert!(
        !script.directory.path().join("finished").exists(),
        "the scanner was ended"
    );
}

#[test]
fn a_report_of_many_mebibytes_comes_whole() {
    let bytes = run("printf '['; head -c 20000000 /dev/zero | tr '\\0' ' '; printf ']'").unwrap();
    assert_eq!((bytes.len(), bytes.last()), (20_000_002, Some(&b']')));
}

#[test]
fn a_scanner_that_is_not_there_or_dies_is_an_error() {
    let mut absent = Script::new("");
    absent.settings.argv = vec!["no-such-scanner".to_owned()];
    let error = absent.scan().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    let killed = run("cat trivy.json; kill -9 $$").unwrap_err();
    assert!(killed.to_string().contains("ended by a signal"), "{killed}");
}

#[test]
fn a_template_that_cannot_be_rendered_is_an_error_before_anything_runs() {
    let mut script = Script::new("touch ran");
    script.settings.render = Arc::new(|_, _| Err("it uses imge, which is not known here".to_owned()));
    let error = script.scan().unwrap_err();
    assert!(error.to_string().contains("imge"), "{error}");
    assert!(!script.directory.path().join("ran").exists());
}

#[test]
fn a_report_about_another_digest_is_read_and_judged_an_error() {
    let script = format!("sed s/{}/{}/ trivy.json", "0".repeat(64), "9".repeat(64));
    let report = read(&run(&script).unwrap()).unwrap();
    let judgment = judge(&Input {
        policy: &Policy::default(),
        report: &report,
        subject: &ScanSubject::of(digest()),
        now: now(),
        baseline: None,
    });
    assert_eq!(judgment.result, ScanResult::Error);
    assert!(
        judgment.reasons[0].contains("another image"),
        "{:?}",
        judgment.reasons
    );
}

#[test]
fn a_report_file_is_read_within_its_bound() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.json");
    let scan = || FileScanner::new(path.clone()).scan(&image());
    assert_eq!(scan().unwrap_err().kind, ErrorKind::Missing);
    fs::write(&path, TRIVY).unwrap();
    assert_eq!(scan().unwrap(), TRIVY.as_bytes());
    fs::File::create(&path)
        .unwrap()
        .set_len(LARGEST as u64 + 1)
        .unwrap();
    assert_eq!(scan().unwrap_err().kind, ErrorKind::Invalid);
}

//! The scan gate, with a scanner that is a script.

use crate::support::address::free_port;
use crate::support::github::{FakeGitHub, Repository};
use crate::support::project::{PIPELINE, Project};
use crate::support::waiting::eventually;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const REPORT: &str = include_str!("../../fixtures/scan/trivy.json");

/// A scanner that writes `report.json`, about the image that it is given, and counts its runs.
const SCANNER: &str = "\
echo \"$1\" >> scans
sed \"s/0\\{64\\}/${1#sha256:}/\" report.json
";

/// A project with staging and production, whose scanner reports `report`.
fn project(settings: &str, report: &str) -> Project {
    let project = Project::new("  rollback: { watch: 0s }");
    project.environment("production", free_port(), "  rollback: { watch: 0s }");
    let production = project.read("environments/production.yaml");
    project.write(
        "environments/production.yaml",
        production.replace("type: staging", "type: production"),
    );
    configure(&project, settings);
    project.write("scanner.sh", SCANNER);
    project.write("report.json", report);
    project
}

fn configure(project: &Project, settings: &str) {
    let scan = format!("scan:\n  run: [sh, scanner.sh, \"{{{{ digest }}}}\"]\n{settings}");
    project.write("greenroom.yaml", format!("{PIPELINE}{scan}"));
}

/// The report after `change`.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut report: Value = serde_json::from_str(REPORT).unwrap();
    change(&mut report);
    report.to_string()
}

/// The report with none of its findings.
fn clean() -> String {
    changed(|report| {
        for part in report["Results"].as_array_mut().unwrap() {
            part["Vulnerabilities"] = Value::Array(Vec::new());
        }
    })
}

/// The report with one more critical finding.
fn one_more() -> String {
    changed(|report| {
        let found = report["Results"][0]["Vulnerabilities"].as_array_mut().unwrap();
        let mut another = found[0].clone();
        another["VulnerabilityID"] = Value::from("CVE-2026-7777");
        found.push(another);
    })
}

fn scans(project: &Project) -> usize {
    std::fs::read_to_string(project.path("scans")).map_or(0, |lines| lines.lines().count())
}

#[test]
fn production_refuses_what_staging_is_only_warned_of_and_the_image_is_scanned_once() {
    let project = project("", REPORT);
    let ran = project.run(&["deploy", "-e", "staging", "-e", "production"]);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    assert_eq!(scans(&project), 1);
    assert_eq!(project.get("/").1, "hello from 1.0.0\n");
    assert_eq!(project.records("production", "\"kind\":\"scan\""), 1);
    assert_eq!(project.records("production", "planned"), 0, "nothing was touched");
    insta::assert_snapshot!(ran.err.replace(&digest(&ran.out), "[DIGEST]"), @r#"
warning: 3 findings count against hello@[DIGEST] in staging (1 CRITICAL, 2 HIGH); staging goes on all the same
production:
error: refused, nothing was deployed
  scan: 3 findings count against hello@[DIGEST] in production (1 CRITICAL, 2 HIGH): CVE-2026-1001 (CRITICAL) in libssl3 3.0.15-1, CVE-2026-1002 (HIGH) in bash 5.2.15, CVE-2026-2001 (HIGH) in debug 3.0.1
    fix: take in the fixed versions, or put up with one for a time under `scan: allow` with a reason; see them all with `greenroom scan -e production --image [DIGEST]`
"#);
    insta::assert_snapshot!(project.must(&["history", "production"]).shown(), @r#"
status 0
-- stdout
[TIME]  scan  blocked (1 CRITICAL, 2 HIGH)
    hello@[DIGEST] by trivy 0.74.0
"#);
}

#[test]
fn what_production_refuses_gets_none_of_its_tags() {
    let project = project("", REPORT);
    let refused = project.run(&["deploy", "-e", "production"]);
    assert_eq!(refused.status, 6, "{}{}", refused.out, refused.err);
    assert!(
        refused.out.contains("the image gets no tag: it was not let in"),
        "{}",
        refused.out
    );
    let none = project.run(&["image", "list", "hello"]);
    assert!(none.err.contains("it has no tags"), "{}", none.err);
    project.must(&["deploy", "-e", "staging"]);
    let tags = project.must(&["image", "list", "hello"]).out;
    assert!(
        tags.contains("staging-latest") && !tags.contains("\nlatest"),
        "{tags}"
    );
}

#[test]
fn a_scan_that_says_nothing_stops_staging_too() {
    let other = REPORT.replace(&"0".repeat(64), &"9".repeat(64));
    let project = project("", &other);
    insta::assert_snapshot!(project.run(&["deploy", "-e", "staging"]).shown(), @r#"
status 3
-- stdout
deploying: staging was named on the command line
version 1.0.0, [TIME]
image hello@[DIGEST] as staging-v1.0.0-[STAMP]
-- stderr
error: the scan of hello@[DIGEST] for staging says nothing, which is no pass:
  the report is about another image ([DIGEST], [DIGEST]), not [DIGEST]: scan {{ image }}, or make the report anew
"#);
    assert_eq!(project.records("staging", "planned"), 0);
    assert!(
        project
            .must(&["history", "staging"])
            .out
            .contains("another image")
    );
}

#[test]
fn a_scanner_that_fails_hangs_or_writes_half_a_report_stops_everything() {
    let project = project("  timeout: 300ms\n", REPORT);
    for (scanner, expected) in [
        ("echo 'no network' >&2; exit 1", "no network"),
        ("sleep 60", "did not end within 300ms"),
        ("head -c 700 report.json", "ends in the middle"),
        ("true", "wrote nothing"),
        ("echo '{\"SchemaVersion\": 7}'", "schema version 7"),
    ] {
        project.write("scanner.sh", scanner);
        let ran = project.run(&["deploy", "-e", "staging"]);
        assert_eq!(ran.status, 3, "{}{}", ran.out, ran.err);
        assert!(
            ran.err.contains(expected) && ran.err.contains("which is no pass"),
            "{}",
            ran.err
        );
    }
    assert!(!project.path(".greenroom/ledger/staging").exists());
}

#[test]
fn the_plan_names_the_gate_and_runs_nothing() {
    let project = project("  onlyNew: true\n", REPORT);
    let ran = project.must(&["plan", "-e", "production"]);
    let note = ran.out.lines().find(|line| line.contains("scanned")).unwrap();
    insta::assert_snapshot!(note, @r#"note: the image is scanned before anything is touched (sh): findings of severity CRITICAL or HIGH, where the live image does not have them, stop it"#);
    assert_eq!(scans(&project), 0);
}

#[test]
fn what_is_live_already_is_known_and_only_what_is_new_is_refused() {
    let project = project("  levels: { production: warn }\n", REPORT);
    project.must(&["deploy", "-e", "production"]);
    configure(&project, "  onlyNew: true\n");
    project.version("1.1.0", "");
    project.must(&["deploy", "-e", "production"]);
    // What the second one was let pass with is still known to the third.
    project.version("1.2.0", "");
    let ran = project.must(&["deploy", "-e", "production"]);
    assert!(ran.out.contains("not counted: 3 known already"), "{}", ran.out);
    project.version("1.3.0", "");
    project.write("report.json", one_more());
    let ran = project.run(&["deploy", "-e", "production"]);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    assert!(
        ran.err.contains("1 finding counts") && ran.err.contains("CVE-2026-7777"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("CVE-2026-1001"), "{}", ran.err);
    project.must(&["audit", "verify"]);
}

#[test]
fn a_finding_on_what_is_live_is_told_until_it_is_gone_and_leads_back_where_that_is_wished() {
    let project = project("  onlyNew: true\n", &clean());
    for version in ["1.0.0", "1.1.0"] {
        project.version(version, "");
        project.must(&["deploy", "-e", "production"]);
    }
    project.must(&["scan", "-e", "production", "--live"]);
    project.write("report.json", one_more());
    for _ in 0..2 {
        let ran = project.run(&["scan", "-e", "production"]);
        assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("CVE-2026-7777"), "{}", ran.out);
    }
    // A candidate with the same findings makes nothing worse, and is accepted with them.
    project.version("1.2.0", "");
    let ran = project.must(&["deploy", "-e", "production"]);
    assert!(ran.out.contains("4 known already"), "{}", ran.out);
    project.must(&["scan", "-e", "production", "--live"]);
    project.write(
        "report.json",
        one_more().replace("CVE-2026-7777", "CVE-2026-8888"),
    );
    let ran = project.run(&["scan", "-e", "production", "--live", "--rollback"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("1.1.0 is live"), "{}", ran.out);
    let status = project.must(&["status", "--format", "json"]).out;
    assert!(status.contains("a scan of what is live"), "{status}");
    project.must(&["audit", "verify"]);
}

#[test]
fn an_image_is_scanned_for_an_environment_and_what_is_allowed_is_on_record() {
    let project = project(
        "  allow: [{ id: CVE-2026-1001, reason: no TLS here, until: 2099-12-31 }, { id: GHSA-aaaa-bbbb-cccc, reason: not reachable }]\n  ignoreUnfixed: true\n",
        REPORT,
    );
    project.must(&["build", "-e", "staging", "--version", "1.0.0"]);
    let built: Value =
        serde_json::from_str(&project.must(&["build", "-e", "staging", "--format", "json"]).out).unwrap();
    let image = built["image"]["digest"].as_str().unwrap();
    let ran = project.run(&["scan", "-e", "production", "--image", image]);
    insta::assert_snapshot!(ran.shown(), @r#"
status 0
-- stdout
pass: nothing counts against hello@[DIGEST] in production
  trivy 0.74.0, report of [TIME], debian 12.8, 4 packages
  not counted: 2 allowed, 1 without a fix, 1 of lower severity, 1 left out by the scanner
  allowed: CVE-2026-1001 in libssl3: no TLS here (until [TIME])
  allowed: CVE-2026-2001 in debug: not reachable
  note: trivy left out 1 of its findings, as it was told
  note: 1 other results (secrets, misconfigurations, licences) are in the report and are not judged
"#);
    let history = project.must(&["history", "production", "--format", "json"]).out;
    let history: Value = serde_json::from_str(&history).unwrap();
    let scan = &history["scans"][0];
    assert_eq!(scan["allowed"][0]["reason"], "no TLS here");
    assert_eq!(scan["allowed"][0]["until"], "2100-01-01T00:00:00.000Z");
    assert_eq!(scan["origin"]["actor"]["name"], "ana");
    assert_eq!(
        (&scan["result"], &scan["digest"]),
        (&Value::from("pass"), &Value::from(image))
    );
    project.must(&["audit", "verify"]);
}

#[test]
fn a_report_that_is_there_is_judged_without_any_scanner() {
    let project = project("", REPORT);
    project.write("greenroom.yaml", PIPELINE);
    let built: Value =
        serde_json::from_str(&project.must(&["build", "-e", "staging", "--format", "json"]).out).unwrap();
    let image = built["image"]["digest"].as_str().unwrap();
    let about = REPORT.replace(&"0".repeat(64), image.trim_start_matches("sha256:"));
    project.write("found.json", about);
    let words = ["scan", "-e", "production", "--image", image];
    let ran = project.run(&words);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("--report"), "{}", ran.err);
    let ran = project.run(&[&words[..], &["--report", "found.json", "--format", "json"]].concat());
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["schema"], "greenroom.scan/1");
    assert_eq!(
        (&document["result"], &document["level"]),
        (&Value::from("blocked"), &Value::from("block"))
    );
    assert_eq!(scans(&project), 0);
}

#[test]
fn findings_go_to_github_as_annotations_summary_and_sarif() {
    let project = project("", REPORT);
    project.must(&["deploy", "-e", "staging"]);
    let github = FakeGitHub::start(Repository::default());
    let (outputs, summary) = (project.path("outputs"), project.path("summary"));
    let ran = project.with(
        &["scan", "-e", "staging", "--sarif", "scan.sarif", "--upload"],
        &[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "acme/hello"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567"),
            ("GITHUB_API_URL", &github.url()),
            ("GITHUB_TOKEN", "ghs_swordfish"),
            ("GITHUB_OUTPUT", outputs.to_str().unwrap()),
            ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
        ],
    );
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let upload = &github.uploads()[0];
    assert_eq!(upload.sent["ref"], "refs/heads/main");
    let told = format!("acme/hello (upload {})", upload.id);
    assert!(ran.out.contains(&told), "{}", ran.out);
    assert_eq!(upload.sarif, project.read("scan.sarif"));
    assert_eq!(ran.out.matches("::warning ").count(), 4, "{}", ran.out);
    let sarif: Value = serde_json::from_str(&project.read("scan.sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 4);
    assert!(project.read("summary").contains("| CRITICAL | [CVE-2026-1001]"));
    assert!(project.read("outputs").contains("scan_result"));
    for text in [
        &ran.out,
        &ran.err,
        &project.read("summary"),
        &project.read("scan.sarif"),
    ] {
        assert!(!text.contains("swordfish"));
    }
}

#[test]
fn what_the_upload_needs_and_has_not_is_named() {
    let project = project("", REPORT);
    project.must(&["deploy", "-e", "staging"]);
    let (repository, token) = (("GITHUB_REPOSITORY", "acme/hello"), ("GH_TOKEN", "ghs_swordfish"));
    let reference = ("GITHUB_REF", "refs/heads/main");
    let commit = ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567");
    for (variables, named) in [
        (&[token][..], "set GITHUB_REPOSITORY to owner/name"),
        (&[repository, reference, commit], "set GITHUB_TOKEN"),
        (
            &[
                repository,
                token,
                reference,
                commit,
                ("GREENROOM_GITHUB_CA_FILE", "no.pem"),
            ],
            "reading the CA file no.pem",
        ),
        (
            &[
                repository,
                token,
                reference,
                commit,
                ("GITHUB_API_URL", "http://ghe.test/api/v3"),
            ],
            "use https",
        ),
    ] {
        let ran = project.with(&["scan", "-e", "staging", "--upload"], variables);
        assert_ne!(ran.status, 0);
        assert!(
            ran.err.contains(named),
            "{named} is not in: {}{}",
            ran.out,
            ran.err
        );
        assert!(!format!("{}{}", ran.out, ran.err).contains("swordfish"));
    }
}

#[test]
fn a_scanner_that_reads_the_layout_knows_the_image_by_its_configuration() {
    let project = project("", REPORT);
    let run = "[sh, scanner.sh, \"{{ layout }}\", \"{{ digest }}\"]";
    project.write("greenroom.yaml", format!("{PIPELINE}scan: {{ run: {run} }}\n"));
    let scanner = r#"
config=$(sed 's/.*"config":{[^}]*"digest":"sha256:\([0-9a-f]*\)".*/\1/' "$1/blobs/sha256/${2#sha256:}")
sed -e "s/1\{64\}/$config/" -e '/RepoDigests/d' -e '/ImageID/s/,$//' report.json
"#;
    project.write("scanner.sh", scanner);
    let ran = project.run(&["deploy", "-e", "production"]);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    // The configuration of another image is another image.
    project.write(
        "scanner.sh",
        scanner.replace("$config/", "$(echo $config | tr 0-9a-f 1-9a-f0)/"),
    );
    let ran = project.run(&["deploy", "-e", "production"]);
    assert_eq!(ran.status, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("another image"), "{}", ran.err);
}

#[test]
fn going_back_where_there_is_nothing_before_says_so() {
    let project = project("", &clean());
    project.must(&["deploy", "-e", "production"]);
    project.write("report.json", REPORT);
    let ran = project.run(&["scan", "-e", "production", "--rollback", "--format", "json"]);
    assert_ne!(ran.status, 0, "{}{}", ran.out, ran.err);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["result"], "blocked");
    assert!(ran.err.contains("nothing was live before"), "{}", ran.err);
}

#[test]
fn a_signal_ends_the_scanner_and_all_that_it_started_and_leaves_everything_untouched() {
    let project = project("", &clean());
    project.must(&["build", "-e", "production"]);
    let deaf = "trap '' TERM\nsleep 300 & echo $! > started\ntouch begun\nwhile :; do sleep 0.1; done\n";
    for (scanner, signal, words) in [
        (
            format!("touch begun\nsleep 300\n{SCANNER}"),
            Signal::INT,
            &["deploy", "-e", "staging"][..],
        ),
        // It has the report already, and does not end when it is asked to.
        (
            format!("{SCANNER}\n{deaf}"),
            Signal::TERM,
            &["scan", "-e", "production", "--image", "1.0.0"],
        ),
    ] {
        project.write("scanner.sh", scanner);
        let child = project.command(words).spawn().unwrap();
        eventually("the scanner", || project.path("begun").exists());
        let process = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(process, signal).unwrap();
        let ran = project.wait(child);
        assert_eq!(ran.status, 130, "{}{}", ran.out, ran.err);
        let name = if signal == Signal::INT {
            "SIGINT"
        } else {
            "SIGTERM"
        };
        let told =
            format!("interrupted by {name}: nothing was touched; the scanner was ended before its end");
        assert!(ran.err.contains(&told), "{}", ran.err);
        // Who was killed is gone a moment later.
        eventually("the end of all that the scanner started", || {
            project.processes().is_empty()
        });
        for environment in ["staging", "production"] {
            assert_eq!(project.records(environment, ""), 0, "nothing is on record");
        }
        std::fs::remove_file(project.path("begun")).unwrap();
    }
    assert!(project.path("started").exists());
    project.write("scanner.sh", SCANNER);
    project.must(&["deploy", "-e", "staging"]);
}

#[test]
fn a_promotion_moves_no_tag_on_an_old_word() {
    let project = project("", &clean());
    project.must(&["deploy", "-e", "staging"]);
    // Between the first look at the gates and the tags somebody locks the environment.
    let greenroom = env!("CARGO_BIN_EXE_greenroom");
    project.write(
        "scanner.sh",
        format!("{SCANNER}{greenroom} lock production --reason 'the disk is full' >&2\n"),
    );
    let index = ".greenroom/images/hello/index.json";
    let before = project.read(index);
    let ran = project.run(&["promote", "--from", "staging", "--to", "production"]);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("the disk is full"), "{}", ran.err);
    assert_eq!(project.read(index), before);
    assert_eq!(project.records("production", "\"promotion\""), 0);
}

#[test]
fn nothing_to_scan_and_no_place_to_upload_to_are_told() {
    let project = project("", &clean());
    let ran = project.run(&["scan", "-e", "production"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("no image is live in production"), "{}", ran.err);
    project.must(&["deploy", "-e", "production"]);
    let ran = project.run(&["scan", "-e", "production", "--upload"]);
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("pass: nothing counts") && ran.err.contains("GITHUB_REPOSITORY"),
        "{}{}",
        ran.out,
        ran.err
    );
}

/// The digest of the image that a run built.
fn digest(out: &str) -> String {
    let at = out.find("sha256:").unwrap();
    out[at..at + 71].to_owned()
}

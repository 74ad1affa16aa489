//! SARIF and the other forms of a judged scan.

use crate::scan::assessed::{GRYPE, TRIVY, assessment, report};
use greenroom::domain::scan::{Allowance, Policy, ScanReport};
use greenroom::report::document::ScanDocument;
use greenroom::report::{annotations, markdown, sarif, scan};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn allowing() -> Policy {
    Policy {
        allow: vec![Allowance {
            id: "CVE-2026-1002".to_owned(),
            package: Some("bash".to_owned()),
            reason: "no shell is reachable".to_owned(),
            until: "2027-02-01T00:00:00Z".parse().ok(),
        }],
        ..Policy::default()
    }
}

fn sarif_of(report: ScanReport) -> Value {
    serde_json::from_str(&sarif::render(&assessment(report, &allowing()))).unwrap()
}

/// The fingerprints of each vulnerability.
fn fingerprints(sarif: &Value) -> BTreeMap<String, Value> {
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    results
        .iter()
        .map(|result| {
            (
                result["ruleId"].as_str().unwrap().to_owned(),
                result["partialFingerprints"].clone(),
            )
        })
        .collect()
}

#[test]
fn sarif_has_what_code_scanning_reads() {
    let sarif = sarif_of(report(TRIVY));
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["automationDetails"]["id"], "greenroom/production/");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!((rules.len(), results.len()), (4, 4));
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"], "the index leads to the rule");
    }
    let openssl = &rules[0];
    assert_eq!(openssl["properties"]["security-severity"], "9.1");
    assert_eq!(
        openssl["properties"]["tags"],
        json!(["security", "vulnerability", "CRITICAL"])
    );
    assert_eq!(openssl["helpUri"], "https://avd.aquasec.com/nvd/cve-2026-1001");
    assert_eq!(
        rules[1]["properties"]["security-severity"], "8.0",
        "of a HIGH one without a score"
    );
    let place =
        |result: &Value| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
    assert_eq!(results[0]["level"], "error");
    assert_eq!(
        results[0]["message"]["text"],
        "libssl3 3.0.15-1 has CVE-2026-1001 (CRITICAL): fixed in 3.0.16-1"
    );
    assert_eq!(place(&results[0]), "ghcr.io/acme/hello");
    assert_eq!(place(&results[2]), "app/package-lock.json");
    assert_eq!(
        results[1]["suppressions"],
        json!([{ "kind": "external", "status": "accepted", "justification": "no shell is reachable" }])
    );
    assert_eq!(results[3]["level"], "note");
    assert!(results[0].get("suppressions").is_none());
}

#[test]
fn fingerprints_are_those_of_the_vulnerability_alone() {
    let plain = fingerprints(&sarif_of(report(TRIVY)));
    let distinct: BTreeSet<String> = plain.values().map(Value::to_string).collect();
    assert_eq!(distinct.len(), 4);
    assert_eq!(
        plain["CVE-2026-1001"]["vulnerability/v1"],
        "019f8e6abd1a1848fd7a3e90346a7007317597ca73bcaa851ef0ddf0cbd84ed9",
        "written down: they stay the same from version to version of greenroom"
    );
    // Another layer, another version, another order, one finding less.
    let mut value: Value = serde_json::from_str(TRIVY).unwrap();
    let found = value["Results"][0]["Vulnerabilities"].as_array_mut().unwrap();
    found[0]["Layer"]["Digest"] = json!("sha256:ffff");
    found[0]["InstalledVersion"] = json!("3.0.15-9");
    found[0]["PkgIdentifier"]["PURL"] = json!("pkg:deb/debian/libssl3@3.0.15-9?arch=arm64");
    found.remove(1);
    found.reverse();
    value["Results"].as_array_mut().unwrap().reverse();
    let other = fingerprints(&sarif_of(report(&value.to_string())));
    assert_eq!(other.len(), 3);
    for (id, print) in other {
        assert_eq!(print, plain[&id], "{id}");
    }
}

#[test]
fn hostile_text_stays_text_in_every_form() {
    let mut value: Value = serde_json::from_str(TRIVY).unwrap();
    let finding = &mut value["Results"][1]["Vulnerabilities"][0];
    finding["PkgName"] = json!("a|b\n::error::x <img src=x> @octocat \u{1b}[31m\u{202e}");
    finding["Title"] = json!("\u{1b}]0;t\u{7}line\n::set-output name=a::b");
    finding["PrimaryURL"] = json!("javascript:alert(1)");
    value["Results"][1]["Target"] = json!("../../etc/pass wd\n%2e");
    let assessment = assessment(report(&value.to_string()), &Policy::default());
    let text = scan::text(&assessment).join("\n");
    assert!(!text.contains('\u{1b}') && !text.contains("\n::"), "{text}");
    for command in annotations::render(scan::annotations(&assessment)).commands {
        assert!(!command.contains(['\n', '\u{1b}', '\u{202e}']), "{command}");
    }
    let summary = markdown::scan(&assessment);
    assert!(!summary.contains("<img") && !summary.contains("a|b"), "{summary}");
    assert!(!summary.contains("(<javascript"), "{summary}");
    let sarif: Value = serde_json::from_str(&sarif::render(&assessment)).unwrap();
    let text = sarif.to_string();
    assert!(
        !text.contains("\\u001b") && !text.contains("javascript:"),
        "{text}"
    );
    assert!(text.contains("\"etc/pass%20wd%0A%252e\""), "{text}");
}

#[test]
fn the_table_for_people_and_the_summary_say_the_same() {
    let assessment = assessment(report(TRIVY), &allowing());
    insta::assert_snapshot!(scan::text(&assessment).join("\n"), @r#"
blocked: 2 findings count against ghcr.io/acme/hello@sha256:0000000000000000000000000000000000000000000000000000000000000000 in production (1 CRITICAL, 1 HIGH)
  trivy 0.74.0, report of 2026-11-20 06:00:00 UTC, debian 12.8, 4 packages
  CRITICAL  CVE-2026-1001  libssl3  3.0.15-1  fixed in 3.0.16-1
  HIGH      CVE-2026-2001  debug    3.0.1     fixed in 3.1.0, 2.6.9
  not counted: 1 allowed, 1 of lower severity, 1 left out by the scanner
  allowed: CVE-2026-1002 in bash: no shell is reachable (until 2027-02-01 00:00:00 UTC)
  note: trivy left out 1 of its findings, as it was told
  note: 1 other results (secrets, misconfigurations, licences) are in the report and are not judged
  nothing with these findings goes to production
"#);
    insta::assert_snapshot!(markdown::scan(&assessment), @r#"
### ❌ Scan for production: blocked

**2 findings count (1 CRITICAL, 1 HIGH)**

**nothing with these findings goes to production**

<code>ghcr.io/acme/hello@sha256:0000000000000000000000000000000000000000000000000000000000000000</code><br>trivy 0.74.0, report of 2026-11-20 06:00:00 UTC, debian 12.8, 4 packages

| Severity | Vulnerability | Package | Installed | What to do |
|---|---|---|---|---|
| CRITICAL | [CVE-2026-1001](<https://avd.aquasec.com/nvd/cve-2026-1001>) | libssl3 | 3.0.15-1 | fixed in 3.0.16-1 |
| HIGH | CVE-2026-2001 | debug | 3.0.1 | fixed in 3.1.0, 2.6.9 |

Not counted: 1 allowed, 1 of lower severity, 1 left out by the scanner.

trivy left out 1 of its findings, as it was told

1 other results (secrets, misconfigurations, licences) are in the report and are not judged
"#);
    let commands = annotations::render(scan::annotations(&assessment)).commands;
    insta::assert_snapshot!(commands.join("\n"), @r#"
::error title=scan for production%3A blocked::2 findings count against ghcr.io/acme/hello@sha256:0000000000000000000000000000000000000000000000000000000000000000 in production (1 CRITICAL, 1 HIGH)
::error title=CVE-2026-1001 (CRITICAL) in libssl3::libssl3 3.0.15-1: fixed in 3.0.16-1%0Aopenssl: a handshake that never ends%0Ahttps://avd.aquasec.com/nvd/cve-2026-1001
::error title=CVE-2026-2001 (HIGH) in debug::debug 3.0.1: fixed in 3.1.0, 2.6.9
"#);
}

#[test]
fn the_json_form_is_versioned_and_has_every_finding() {
    let assessment = assessment(report(GRYPE), &Policy::default());
    let document = serde_json::to_value(ScanDocument::of(&assessment)).unwrap();
    assert_eq!(document["schema"], "greenroom.scan/1");
    assert_eq!(
        (&document["result"], &document["letsPass"]),
        (&json!("blocked"), &json!(false))
    );
    assert_eq!(
        document["counts"]["counting"],
        json!({ "HIGH": 1, "NEGLIGIBLE": 1 })
    );
    assert_eq!(
        document["findings"][0]["key"],
        "GHSA-aaaa-bbbb-cccc pkg:npm/debug"
    );
    assert_eq!(document["findings"][0]["aliases"], json!(["CVE-2026-2001"]));
    assert_eq!(document["findings"][1]["knownExploited"], true);
    assert_eq!(document["findings"][1]["standing"], json!({ "is": "counts" }));
    assert_eq!(document["scanner"]["database"], "2026-11-19T01:31:43.000Z");
}

#[test]
fn thousands_of_findings_stay_within_every_bound() {
    let mut value: Value = serde_json::from_str(TRIVY).unwrap();
    let one = value["Results"][0]["Vulnerabilities"][0].clone();
    let many: Vec<Value> = (0..6_000)
        .map(|number| {
            let mut finding = one.clone();
            finding["VulnerabilityID"] = json!(format!("CVE-2026-{number:05}"));
            finding["Title"] = json!("x".repeat(400));
            finding
        })
        .collect();
    value["Results"][0]["Vulnerabilities"] = Value::from(many);
    let assessment = assessment(report(&value.to_string()), &Policy::default());
    assert_eq!(assessment.judgment.counts.total(), 6_001);
    assert_eq!(scan::annotations(&assessment).len(), 10);
    assert!(scan::text(&assessment).len() < 70);
    assert!(markdown::scan(&assessment).len() < 60_000);
    let sarif: Value = serde_json::from_str(&sarif::render(&assessment)).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 5_000);
}

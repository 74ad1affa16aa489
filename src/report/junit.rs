//! JUnit XML, as CI systems read it (the de-facto schema of Ant and Surefire: `testsuites`,
//! `testsuite`, `testcase` with `failure`, `error` or `skipped`, `system-out`).
//!
//! Each suite of checks is a suite; checks without one are grouped by what they are about. The suite
//! `rollout` holds the steps, so that a run that failed outside of any check is red as well.

use super::describe::place;
use super::{CheckRow, FailureRow, RunReport, StepRow, StepState};
use crate::domain::model::{CheckKind, Verdict};
use std::fmt::Write as _;

/// The report of a run as JUnit XML.
pub fn render(report: &RunReport) -> String {
    let suites = suites(report);
    let count = |of: fn(&Case) -> bool| {
        suites
            .iter()
            .flat_map(|suite| &suite.cases)
            .filter(|case| of(case))
            .count()
    };
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        xml,
        "<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\">",
        escape(&format!(
            "{} {} in {}",
            report.service,
            report.version(),
            report.environment
        )),
        count(|_| true),
        count(|case| matches!(case.state, CaseState::Failed { .. })),
        count(|case| matches!(case.state, CaseState::Skipped(_))),
        seconds(report.duration_ms),
    );
    for suite in &suites {
        write_suite(&mut xml, report, suite);
    }
    xml.push_str("</testsuites>\n");
    xml
}

struct Suite {
    name: String,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    millis: u64,
    state: CaseState,
    output: String,
}

enum CaseState {
    Passed,
    Failed { kind: &'static str, reason: String },
    Skipped(String),
}

fn suites(report: &RunReport) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    for check in &report.checks {
        let name = check.suite.as_deref().unwrap_or(match check.kind {
            CheckKind::Health => "health",
            CheckKind::Functional => "functional",
            CheckKind::Performance => "performance",
            CheckKind::Security => "security",
        });
        match suites.iter_mut().find(|suite| suite.name == name) {
            Some(suite) => suite.cases.push(check_case(check)),
            None => suites.push(Suite {
                name: name.to_owned(),
                cases: vec![check_case(check)],
            }),
        }
    }
    suites.push(Suite {
        name: "rollout".to_owned(),
        cases: report.steps.iter().map(|step| step_case(report, step)).collect(),
    });
    suites
}

fn check_case(check: &CheckRow) -> Case {
    let unit = check
        .unit
        .as_ref()
        .map(|unit| format!(" on {unit}"))
        .unwrap_or_default();
    let share = if check.share.get() == 0 {
        String::new()
    } else {
        format!(" at {} of traffic", check.share)
    };
    let mut output = format!(
        "{}\n{} samples, {} failed",
        check.reason, check.samples, check.samples_failed
    );
    for (name, millis) in [("p50", check.p50_ms), ("p95", check.p95_ms)] {
        if let Some(millis) = millis {
            // Writing to a String cannot fail.
            let _ = write!(output, ", {name} {millis} ms");
        }
    }
    Case {
        name: format!("{}{unit}{share}", check.name),
        millis: check.duration_ms,
        state: match check.verdict {
            Verdict::Pass => CaseState::Passed,
            Verdict::Fail => CaseState::Failed {
                kind: "check",
                reason: check.reason.clone(),
            },
            Verdict::Inconclusive => CaseState::Skipped(check.reason.clone()),
        },
        output,
    }
}

fn step_case(report: &RunReport, step: &StepRow) -> Case {
    let failures: Vec<&FailureRow> = report
        .failures
        .iter()
        .filter(|failure| failure.step == step.id)
        .collect();
    let reasons: Vec<String> = failures
        .iter()
        .map(|failure| match &failure.unit {
            Some(unit) => format!("{unit}: {}", failure.reason),
            None => failure.reason.clone(),
        })
        .collect();
    let logs = failures
        .iter()
        .filter(|failure| !failure.logs.is_empty())
        .map(|failure| {
            let unit = failure.unit.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{unit}\n{}\n", failure.logs)
        });
    Case {
        name: format!("{} {}", place(step.id), step.description),
        millis: step.duration_ms.unwrap_or(0),
        output: logs.collect(),
        state: match step.state {
            StepState::Done => CaseState::Passed,
            StepState::Failed => CaseState::Failed {
                kind: "step",
                reason: reasons.join("\n"),
            },
            StepState::Inconclusive => CaseState::Failed {
                kind: "inconclusive",
                reason: reasons.join("\n"),
            },
            StepState::NotRun => CaseState::Skipped("it did not come to this step".to_owned()),
            StepState::Running => CaseState::Skipped("it did not end".to_owned()),
        },
    }
}

fn write_suite(xml: &mut String, report: &RunReport, suite: &Suite) {
    let count = |of: fn(&Case) -> bool| suite.cases.iter().filter(|case| of(case)).count();
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\" timestamp=\"{}\">",
        escape(&suite.name),
        suite.cases.len(),
        count(|case| matches!(case.state, CaseState::Failed { .. })),
        count(|case| matches!(case.state, CaseState::Skipped(_))),
        seconds(suite.cases.iter().map(|case| case.millis).sum()),
        report.started,
    );
    let class = escape(&format!(
        "{}.{}.{}",
        report.service, report.environment, suite.name
    ));
    for case in &suite.cases {
        let _ = write!(
            xml,
            "    <testcase classname=\"{class}\" name=\"{}\" time=\"{}\"",
            escape(&case.name),
            seconds(case.millis)
        );
        write_case(xml, case);
    }
    xml.push_str("  </testsuite>\n");
}

fn write_case(xml: &mut String, case: &Case) {
    if matches!(case.state, CaseState::Passed) && case.output.is_empty() {
        xml.push_str("/>\n");
        return;
    }
    xml.push_str(">\n");
    match &case.state {
        CaseState::Passed => {}
        CaseState::Failed { kind, reason } => {
            let first = reason.lines().next().unwrap_or_default();
            let _ = writeln!(
                xml,
                "      <failure type=\"{kind}\" message=\"{}\">{}</failure>",
                escape(first),
                escape(reason)
            );
        }
        CaseState::Skipped(reason) => {
            let _ = writeln!(xml, "      <skipped message=\"{}\"/>", escape(reason));
        }
    }
    if !case.output.is_empty() {
        let _ = writeln!(xml, "      <system-out>{}</system-out>", escape(&case.output));
    }
    xml.push_str("    </testcase>\n");
}

/// `text` as character data or as the value of an attribute. Characters that XML 1.0 does not allow
/// (section 2.2) are gone already; what is left of them becomes a replacement character.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => escaped.push(c),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{HOSTILE, failed_health, first_removed, folded, hostile, resumed, success};
    use proptest::prelude::*;
    use roxmltree::Document;

    #[test]
    fn a_failed_run_has_its_reasons_and_logs() {
        insta::assert_snapshot!(render(&folded(&failed_health())), @r###"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="shop 1.3.0 in production" tests="12" failures="2" errors="0" skipped="6" time="3.345">
  <testsuite name="health" tests="2" failures="1" errors="0" skipped="0" time="0.096" timestamp="2026-11-20T23:50:19.000Z">
    <testcase classname="shop.production.health" name="health on web-1" time="0.048">
      <system-out>status 200, as expected
4 samples, 0 failed, p50 12 ms, p95 31 ms</system-out>
    </testcase>
    <testcase classname="shop.production.health" name="health on web-2" time="0.048">
      <failure type="check" message="status 503, expected 200">status 503, expected 200</failure>
      <system-out>status 503, expected 200
4 samples, 1 failed, p50 12 ms, p95 31 ms</system-out>
    </testcase>
  </testsuite>
  <testsuite name="rollout" tests="10" failures="1" errors="0" skipped="6" time="3.300" timestamp="2026-11-20T23:50:19.000Z">
    <testcase classname="shop.production.rollout" name="1 start 1.3.0 in the green slot of web-1, web-2" time="0.800"/>
    <testcase classname="shop.production.rollout" name="2 wait until 1.3.0 is ready on web-1, web-2" time="0.900">
      <failure type="step" message="web-2 was not ready within 1m">web-2 was not ready within 1m
web-2: exited with status 1 after 0.2 s</failure>
      <system-out>web-2
booting
Error: cannot reach database
  at main.js:12
</system-out>
    </testcase>
    <testcase classname="shop.production.rollout" name="back 1 send all traffic to 1.2.0" time="0.800"/>
    <testcase classname="shop.production.rollout" name="back 2 stop 1.3.0 on web-1, web-2" time="0.800"/>
    <testcase classname="shop.production.rollout" name="3 check 1.3.0 on web-1, web-2 before it has traffic (suite smoke, 2 checks)" time="0.000">
      <skipped message="it did not come to this step"/>
    </testcase>
    <testcase classname="shop.production.rollout" name="4 send 25% of traffic to 1.3.0 and the rest to 1.2.0" time="0.000">
      <skipped message="it did not come to this step"/>
    </testcase>
    <testcase classname="shop.production.rollout" name="5 watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests)" time="0.000">
      <skipped message="it did not come to this step"/>
    </testcase>
    <testcase classname="shop.production.rollout" name="6 send all traffic to 1.3.0" time="0.000">
      <skipped message="it did not come to this step"/>
    </testcase>
    <testcase classname="shop.production.rollout" name="7 make 1.3.0 the live version" time="0.000">
      <skipped message="it did not come to this step"/>
    </testcase>
    <testcase classname="shop.production.rollout" name="8 stop 1.2.0 on web-1, web-2" time="0.000">
      <skipped message="it did not come to this step"/>
    </testcase>
  </testsuite>
</testsuites>
"###);
    }

    #[test]
    fn every_report_is_xml_whose_counts_are_right() {
        for events in [success(), failed_health(), first_removed(), resumed(), hostile()] {
            let xml = render(&folded(&events));
            let document = Document::parse(&xml).unwrap();
            let root = document.root_element();
            let number = |name| {
                root.attribute(name)
                    .and_then(|text| text.parse::<usize>().ok())
                    .unwrap()
            };
            let tags = |name| {
                document
                    .descendants()
                    .filter(|node| node.has_tag_name(name))
                    .count()
            };
            assert_eq!(number("tests"), tags("testcase"));
            assert_eq!(number("failures"), tags("failure"));
            assert_eq!(number("skipped"), tags("skipped"));
        }
    }

    #[test]
    fn hostile_text_comes_back_as_text() {
        let xml = render(&folded(&hostile()));
        let document = Document::parse(&xml).unwrap();
        let shown = crate::report::foreign::line(HOSTILE);
        let failure = document
            .descendants()
            .find(|node| node.has_tag_name("failure"))
            .unwrap();
        assert_eq!(failure.attribute("message"), Some(shown.as_str()));
        assert!(document.descendants().all(|node| !node.has_tag_name("script")));
    }

    proptest! {
        #[test]
        fn any_text_is_escaped_to_well_formed_xml(text in any::<String>()) {
            let xml = format!("<a b=\"{0}\">{0}</a>", escape(&text));
            prop_assert!(Document::parse(&xml).is_ok(), "{xml:?}");
        }
    }
}

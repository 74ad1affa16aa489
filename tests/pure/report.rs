//! Reports from a recorded run, as the GitHub runner and CI systems read them.

use greenroom::domain::model::{Period, Timestamp};
use greenroom::domain::rollout::{Event, Outcome, StepResult};
use greenroom::host::workflow::{WorkflowFiles, delimiter};
use greenroom::report::annotations::{self, Annotation, AnnotationLevel};
use greenroom::report::outputs::Outputs;
use greenroom::report::{Console, Groups, Recorded, RunReport, Style, describe_plan, json, junit, markdown};
use proptest::prelude::*;

/// A run as its ledger holds it: a blue-green deployment whose candidate fails its health check.
const LEDGER: &str = include_str!("../fixtures/report/run.jsonl");

pub(crate) fn events() -> Vec<Recorded> {
    let start: Timestamp = "2026-11-20T23:50:19Z".parse().unwrap();
    LEDGER
        .lines()
        .zip(0..)
        .map(|(line, seq)| Recorded {
            seq,
            at: start.plus(Period::from_millis(seq * 250)),
            event: serde_json::from_str(line).unwrap(),
        })
        .collect()
}

fn as_it_is(text: &str) -> String {
    text.to_owned()
}

pub(crate) fn report(events: &[Recorded]) -> RunReport {
    RunReport::fold(events, &|_| None, &as_it_is).unwrap()
}

fn console(style: Style, events: &[Recorded]) -> Vec<String> {
    let mut console = Console::new(style);
    events
        .iter()
        .flat_map(|recorded| console.on(recorded, None, &as_it_is))
        .collect()
}

#[test]
fn a_recorded_run_replays_to_every_report() {
    let events = events();
    let report = report(&events);
    assert_eq!(report.outcome, Some(Outcome::RolledBack));
    let console = console(Style::PLAIN, &events).join("\n");
    let summary = markdown::render(&report, &[], markdown::MOST_BYTES);
    let junit = junit::render(&report);
    for text in [&console, &summary, &junit, &json::render(&report)] {
        assert!(
            text.contains("cannot bind port 8080"),
            "the evidence is everywhere: {text}"
        );
        assert!(
            text.contains("2.0.0") && text.contains("connection refused"),
            "{text}"
        );
    }
    let Event::Planned(plan) = &events[0].event else {
        panic!()
    };
    assert!(describe_plan(plan, &as_it_is).contains("point of no return"));
}

#[test]
fn a_secret_in_a_log_reaches_no_report() {
    let secret = "hunter2-hunter2";
    let mut events = events();
    for recorded in &mut events {
        match &mut recorded.event {
            Event::Ended {
                result: StepResult::Failed { reason, units },
                ..
            } => {
                reason.push_str(secret);
                units[0].logs = format!("connecting with {secret}\n");
                units[0].reason = secret.to_owned();
            }
            Event::Judged { reason, .. } => reason.push_str(secret),
            Event::Finished {
                summary, warnings, ..
            } => {
                summary.push_str(secret);
                warnings.push(secret.to_owned());
            }
            Event::Planned(plan) => {
                plan.origin.reason.push_str(secret);
                plan.candidate
                    .variables
                    .insert("URL".to_owned(), format!("db://x:{secret}@db"));
            }
            _ => {}
        }
    }
    let redact = |text: &str| text.replace(secret, "***");
    let report = RunReport::fold(&events, &|_| None, &redact).unwrap();
    let mut console = Console::new(Style {
        groups: Groups::GitHub,
        ..Style::PLAIN
    });
    let mut texts: Vec<String> = events
        .iter()
        .flat_map(|recorded| console.on(recorded, None, &redact))
        .collect();
    texts.push(markdown::render(
        &report,
        &annotations::of(&report),
        markdown::MOST_BYTES,
    ));
    texts.push(junit::render(&report));
    texts.push(json::render(&report));
    texts.extend(annotations::render(annotations::of(&report)).commands);
    texts.push(
        Outputs::of(&report)
            .render("ghadelimiter_0123456789abcdef")
            .unwrap(),
    );
    let Event::Planned(plan) = &events[0].event else {
        panic!()
    };
    texts.push(describe_plan(plan, &redact));
    let all = texts.join("\n");
    assert!(all.contains("***") && !all.contains(secret));
}

#[test]
fn outputs_and_summary_reach_the_runner_through_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let files = WorkflowFiles {
        outputs: Some(directory.path().join("output")),
        summary: Some(directory.path().join("summary")),
    };
    let report = report(&events());
    let mut outputs = Outputs::of(&report);
    outputs.set("reason", "push to main\nsecond line");
    files
        .add_outputs(&outputs.render(&delimiter().unwrap()).unwrap())
        .unwrap();
    files
        .add_outputs(&Outputs::default().render(&delimiter().unwrap()).unwrap())
        .unwrap();
    files
        .add_summary(&markdown::render(&report, &[], files.summary_room()))
        .unwrap();
    files
        .add_summary(&markdown::render(&report, &[], files.summary_room()))
        .unwrap();
    let read = runner_outputs(&std::fs::read_to_string(directory.path().join("output")).unwrap()).unwrap();
    for name in [
        "outcome",
        "environment",
        "version",
        "image",
        "digest",
        "url",
        "deployment_id",
        "previous_version",
    ] {
        let value = read
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        assert_eq!(value, outputs.get(name), "{name}");
        assert!(value.is_some(), "{name}");
    }
    assert!(read.contains(&("reason".into(), "push to main\nsecond line".into())));
    let summary = std::fs::read_to_string(directory.path().join("summary")).unwrap();
    assert_eq!(summary.matches("\n**Why:**").count(), 2);
}

/// Names and values, in the order in which they were read.
type Pairs = Vec<(String, String)>;

/// Reads an output file as the runner does (actions/runner, `FileCommandManager.cs`): whichever of
/// `=` and `<<` comes first decides, a heredoc ends at a line that equals its delimiter, and each of
/// its lines must end with a line break.
fn runner_outputs(text: &str) -> Result<Pairs, String> {
    let mut pairs = Vec::new();
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let line = line.strip_suffix('\n').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        match (line.find('='), line.find("<<")) {
            (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
                pairs.push((line[..equals].to_owned(), line[equals + 1..].to_owned()));
            }
            (_, Some(heredoc)) => {
                let (name, end) = (&line[..heredoc], &line[heredoc + 2..]);
                let mut value = Vec::new();
                loop {
                    let line = lines.next().ok_or("matching delimiter not found")?;
                    match line.strip_suffix('\n') {
                        Some(line) if line == end => break,
                        Some(line) => value.push(line),
                        None if line == end => break,
                        None => return Err("EOF marker missing new line".into()),
                    }
                }
                pairs.push((name.to_owned(), value.join("\n")));
            }
            _ => return Err(format!("invalid format {line:?}")),
        }
    }
    Ok(pairs)
}

/// Reads a line as the runner does (actions/runner, `ActionCommand.cs`): its command and data.
fn runner_command(line: &str) -> Option<(String, Pairs, String)> {
    let unescape = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    let property = |text: &str| unescape(&text.replace("%3A", ":").replace("%2C", ","));
    if let Some(rest) = line.trim_start().strip_prefix("::") {
        let (head, data) = rest.split_once("::")?;
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        let properties = properties
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), property(value)))
            .collect();
        return Some((name.to_owned(), properties, unescape(data)));
    }
    let (_, rest) = line.split_once("##[")?;
    let (head, data) = rest.split_once(']')?;
    Some((head.to_owned(), Vec::new(), data.to_owned()))
}

/// Text in which everything that a sink could stumble over is likely.
fn foreign() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        any::<String>(),
        "[ -~\n\r\t]{0,20}",
        prop::sample::select(vec![
            "::error::",
            "\n::set-output name=a::",
            "##[add-mask]",
            "<<EOF",
            "a=b\n",
            "%0A",
            "\r\n",
            "```",
            "</details>",
            "\u{1b}[2J",
            "\u{202e}",
            "${{ x }}",
            "]]>",
            "|",
            "%%{init",
            "@octocat",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(parts, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_output_comes_back_as_it_was(values in prop::collection::vec(("[A-Za-z_][A-Za-z0-9_-]{0,8}", foreign()), 0..6)) {
        let mut outputs = Outputs::default();
        for (name, value) in &values {
            outputs.set(name, value);
        }
        let read = runner_outputs(&outputs.render(&delimiter().unwrap()).unwrap());
        let read = read.map_err(TestCaseError::fail)?;
        for (name, value) in read {
            prop_assert_eq!(outputs.get(&name), Some(value.as_str()));
        }
    }

    #[test]
    fn an_annotation_is_one_command_and_says_what_it_should(title in foreign(), message in foreign()) {
        let annotation = Annotation { level: AnnotationLevel::Warning, title, message: message.clone(), place: Some((message, 7)) };
        let lines = annotations::render(vec![annotation]).commands;
        prop_assert_eq!(lines.len(), 1);
        prop_assert!(!lines[0].contains(['\n', '\r']));
        let (name, properties, _) = runner_command(&lines[0]).ok_or_else(|| TestCaseError::fail("no command"))?;
        prop_assert_eq!(name, "warning");
        let keys: Vec<&str> = properties.iter().map(|(key, _)| key.as_str()).collect();
        prop_assert_eq!(keys, ["file", "line", "title"]);
    }

    #[test]
    fn foreign_text_is_never_a_command_and_never_breaks_a_report(text in foreign()) {
        let mut events = events();
        for recorded in &mut events {
            replace_free_text(&mut recorded.event, &text);
        }
        for line in console(Style { groups: Groups::GitHub, unicode: true, ..Style::PLAIN }, &events) {
            let broken = line.contains(['\n', '\r', '\u{1b}']);
            prop_assert!(!broken, "{:?}", line);
            if let Some((name, _, data)) = runner_command(&line) {
                prop_assert!(name == "group" || name == "endgroup", "{:?}", line);
                prop_assert!(!data.contains("##["), "{:?}", line);
            }
        }
        let report = report(&events);
        let xml = junit::render(&report);
        prop_assert!(roxmltree::Document::parse(&xml).is_ok(), "{}", xml);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json::render(&report)).is_ok());
        let summary = markdown::render(&report, &annotations::of(&report), markdown::MOST_BYTES);
        let hidden = summary.contains(['\u{1b}', '\u{202e}', '\r']);
        prop_assert!(!hidden);
    }
}

/// Puts `text` into every place of an event that holds free text.
fn replace_free_text(event: &mut Event, text: &str) {
    let text = || text.to_owned();
    match event {
        Event::Planned(plan) => {
            plan.service = text();
            plan.origin.reason = text();
            plan.origin.actor.name = text();
            plan.origin.run = Some(text());
            plan.candidate.variables.insert(text(), text());
        }
        Event::Judged {
            check, suite, reason, ..
        } => {
            (*check, *suite, *reason) = (text(), Some(text()), text());
        }
        Event::Ended {
            result: StepResult::Failed { reason, units },
            ..
        } => {
            *reason = text();
            for failure in units {
                (failure.reason, failure.logs) = (text(), text());
            }
        }
        Event::Finished {
            summary, warnings, ..
        } => (*summary, *warnings) = (text(), vec![text()]),
        _ => {}
    }
}

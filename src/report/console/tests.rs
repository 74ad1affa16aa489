use super::{Console, Groups, Style};
use crate::domain::model::Verdict;
use crate::domain::rollout::{Event, Phase, StepResult};
use crate::report::Recorded;
use crate::report::fixtures::{
    acts, failed_health, first_removed, halted_promote, hostile, interrupted, no_redaction, resumed, success,
};

const UNICODE: Style = Style {
    unicode: true,
    ..Style::PLAIN
};
const GITHUB: Style = Style {
    groups: Groups::GitHub,
    ..UNICODE
};

fn lines(style: Style, events: &[Recorded]) -> Vec<String> {
    let mut console = Console::new(style);
    events
        .iter()
        .flat_map(|recorded| {
            let act = match recorded.event {
                Event::Began { step } => acts(step),
                _ => None,
            };
            console.on(recorded, act.as_ref(), &no_redaction)
        })
        .collect()
}

fn text(style: Style, events: &[Recorded]) -> String {
    lines(style, events).join("\n")
}

#[test]
fn a_successful_canary() {
    insta::assert_snapshot!(text(UNICODE, &success()), @r###"
deploying shop 1.3.0 to production (canary, 2 units); 1.2.0 is serving
  asked for by alice: push to main: faster checkout
   0.0s 1/8 start 1.3.0 in the green slot of web-1, web-2
   0.8s   ✓ done in 0.8s
   0.8s 2/8 wait until 1.3.0 is ready on web-1, web-2
   0.8s   ✓ health on web-1: status 200, as expected (48ms)
   0.9s   ✓ health on web-2: status 200, as expected (48ms)
   1.7s   ✓ done in 0.9s
   1.7s 3/8 check 1.3.0 on web-1, web-2 before it has traffic (suite smoke, 2 checks)
   1.7s   ✓ login works on web-1: status 200, as expected (48ms)
   1.8s   ✓ cart works on web-2: status 200, as expected (48ms)
   2.6s   ✓ done in 0.9s
   2.6s 4/8 send 25% of traffic to 1.3.0 and the rest to 1.2.0
   3.4s   ✓ done in 0.8s
   3.4s 5/8 watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests)
   3.5s   ✓ traffic: status 200, as expected (48ms)
 1m 02s   ✓ done in 59.0s
 1m 02s 6/8 send all traffic to 1.3.0
 1m 03s   ✓ done in 0.8s
 1m 03s 7/8 make 1.3.0 the live version
 1m 04s   ✓ done in 0.8s
 1m 04s 8/8 stop 1.2.0 on web-1, web-2
 1m 04s   ✓ done in 0.8s
warning: web-2 took 31s to stop
✓ succeeded after 1m 04s: 1.3.0 is live on 2 units.
"###);
}

#[test]
fn a_failed_health_check_with_its_logs() {
    insta::assert_snapshot!(text(UNICODE, &failed_health()), @r###"
deploying shop 1.3.0 to production (canary, 2 units); 1.2.0 is serving
  asked for by alice: push to main: faster checkout
   0.0s 1/8 start 1.3.0 in the green slot of web-1, web-2
   0.8s   ✓ done in 0.8s
   0.8s 2/8 wait until 1.3.0 is ready on web-1, web-2
   0.8s   ✓ health on web-1: status 200, as expected (48ms)
   0.9s   ✗ health on web-2: status 503, expected 200 (48ms)
   1.7s ✗ 2/8 wait until 1.3.0 is ready on web-1, web-2 (0.9s): web-2 was not ready within 1m
   1.7s back 1 send all traffic to 1.2.0
   2.5s   ✓ done in 0.8s
   2.5s back 2 stop 1.3.0 on web-1, web-2
   3.3s   ✓ done in 0.8s
rolled back after 3.3s: 1.3.0 was not ready; 1.2.0 is serving.
  failed: 2/8 wait until 1.3.0 is ready on web-1, web-2
    web-2 was not ready within 1m
    web-2: exited with status 1 after 0.2 s
      | booting
      | Error: cannot reach database
      |   at main.js:12
  next: nothing is urgent, 1.2.0 is serving: deploy again when the cause is gone; see `greenroom history production`
"###);
}

#[test]
fn a_halted_promotion() {
    insta::assert_snapshot!(text(Style::PLAIN, &halted_promote()), @r###"
deploying shop 1.3.0 to production (canary, 2 units); 1.2.0 is serving
  asked for by alice: push to main: faster checkout
   0.0s 1/8 start 1.3.0 in the green slot of web-1, web-2
   0.8s   ok done in 0.8s
   0.8s 2/8 wait until 1.3.0 is ready on web-1, web-2
   1.6s   ok done in 0.8s
   1.6s 3/8 check 1.3.0 on web-1, web-2 before it has traffic (suite smoke, 2 checks)
   2.4s   ok done in 0.8s
   2.4s 4/8 send 25% of traffic to 1.3.0 and the rest to 1.2.0
   3.2s   ok done in 0.8s
   3.2s 5/8 watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests)
   4.0s   ok done in 0.8s
   4.0s 6/8 send all traffic to 1.3.0
   4.8s   ok done in 0.8s
   4.8s 7/8 make 1.3.0 the live version
   5.6s FAILED 7/8 make 1.3.0 the live version (0.8s): the router refused the new routes
   5.6s finish 1 send all traffic to 1.3.0
   6.4s   ok done in 0.8s
halted after 6.4s: All traffic goes to 1.3.0; promotion was not completed.
  failed: 7/8 make 1.3.0 the live version
    the router refused the new routes
  next: fix the cause, then `greenroom resume production` to go on or `greenroom abort production` to go back; see `greenroom history production`
"###);
}

#[test]
fn a_first_deployment_that_is_removed() {
    insta::assert_snapshot!(text(UNICODE, &first_removed()), @r###"
deploying shop 1.3.0 to production (direct, 1 unit); nothing was here before
  asked for by alice: push to main: faster checkout
   0.0s 1/4 run the hook migrate, which cannot be undone
   0.8s   ✓ done in 0.8s
   0.8s 2/4 start 1.3.0 in the blue slot of web-1
   1.6s   ✓ done in 0.8s
   1.6s 3/4 wait until 1.3.0 is ready on web-1
   1.6s   ✗ health on web-1: status 503, expected 200 (48ms)
   2.4s ✗ 3/4 wait until 1.3.0 is ready on web-1 (0.8s): web-1 was not ready within 1m
   2.4s back 3 stop 1.3.0 on web-1
   3.2s   ✓ done in 0.8s
rolled back after 3.2s: 1.3.0 was removed.
  failed: 3/4 wait until 1.3.0 is ready on web-1
    web-1 was not ready within 1m
    web-1: exited with status 1 after 0.2 s
  next: nothing is serving: deploy again when the cause is gone; see `greenroom history production`
"###);
}

#[test]
fn an_interrupted_run() {
    insta::assert_snapshot!(text(UNICODE, &interrupted()), @r###"
deploying shop 1.3.0 to production (canary, 2 units); 1.2.0 is serving
  asked for by alice: push to main: faster checkout
   0.0s 1/8 start 1.3.0 in the green slot of web-1, web-2
   0.8s   ✓ done in 0.8s
   0.8s 2/8 wait until 1.3.0 is ready on web-1, web-2
   1.6s   ✓ done in 0.8s
   1.6s 3/8 check 1.3.0 on web-1, web-2 before it has traffic (suite smoke, 2 checks)
   2.4s   ✓ done in 0.8s
   2.4s 4/8 send 25% of traffic to 1.3.0 and the rest to 1.2.0
   3.2s   ✓ done in 0.8s
   3.2s 5/8 watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests)
   6.2s interrupted by SIGTERM
   6.2s back 1 send all traffic to 1.2.0
   7.0s   ✓ done in 0.8s
   7.0s back 2 stop 1.3.0 on web-1, web-2
   7.8s   ✓ done in 0.8s
rolled back after 7.8s: Interrupted; 1.2.0 is serving.
  next: nothing is urgent, 1.2.0 is serving: deploy again when the cause is gone; see `greenroom history production`
"###);
}

#[test]
fn a_resumed_run() {
    insta::assert_snapshot!(text(UNICODE, &resumed()), @"
    deploying shop 1.3.0 to production (canary, 2 units); 1.2.0 is serving
      asked for by alice: push to main: faster checkout
       0.0s 1/8 start 1.3.0 in the green slot of web-1, web-2
       0.8s   ✓ done in 0.8s
       0.8s 2/8 wait until 1.3.0 is ready on web-1, web-2
       1.6s   ✓ done in 0.8s
       1.6s 3/8 check 1.3.0 on web-1, web-2 before it has traffic (suite smoke, 2 checks)
       2.4s   ✓ done in 0.8s
       2.4s 4/8 send 25% of traffic to 1.3.0 and the rest to 1.2.0
       3.2s   ✓ done in 0.8s
       3.2s 5/8 watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests)
       3.3s   ? traffic: 3 requests, at least 20 are needed (48ms)
       4.1s   ? undecided after 0.8s
    halted after 4.1s: Too little traffic.
      failed: 5/8 watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests)
        3 requests, at least 20 are needed
      next: fix the cause, then `greenroom resume production` to go on or `greenroom abort production` to go back; see `greenroom history production`
    10m 04s resumed by alice: traffic is back
    10m 04s 5/8 watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests)
    10m 04s   ✓ traffic: status 200, as expected (48ms)
    10m 04s   ✓ done in 0.8s
    10m 04s 6/8 send all traffic to 1.3.0
    10m 05s   ✓ done in 0.8s
    10m 05s 7/8 make 1.3.0 the live version
    10m 06s   ✓ done in 0.8s
    10m 06s 8/8 stop 1.2.0 on web-1, web-2
    10m 07s   ✓ done in 0.8s
    ✓ succeeded after 10m 07s: 1.3.0 is live on 2 units.
    ");
}

#[test]
fn github_folds_steps_and_shows_failures_outside() {
    insta::assert_snapshot!(text(GITHUB, &failed_health()), @r###"
deploying shop 1.3.0 to production (canary, 2 units); 1.2.0 is serving
  asked for by alice: push to main: faster checkout
::group::   0.0s 1/8 start 1.3.0 in the green slot of web-1, web-2
   0.8s   ✓ done in 0.8s
::endgroup::
::group::   0.8s 2/8 wait until 1.3.0 is ready on web-1, web-2
   0.8s   ✓ health on web-1: status 200, as expected (48ms)
   0.9s   ✗ health on web-2: status 503, expected 200 (48ms)
::endgroup::
   1.7s ✗ 2/8 wait until 1.3.0 is ready on web-1, web-2 (0.9s): web-2 was not ready within 1m
::group::   1.7s back 1 send all traffic to 1.2.0
   2.5s   ✓ done in 0.8s
::endgroup::
::group::   2.5s back 2 stop 1.3.0 on web-1, web-2
   3.3s   ✓ done in 0.8s
::endgroup::
rolled back after 3.3s: 1.3.0 was not ready; 1.2.0 is serving.
  failed: 2/8 wait until 1.3.0 is ready on web-1, web-2
    web-2 was not ready within 1m
    web-2: exited with status 1 after 0.2 s
      | booting
      | Error: cannot reach database
      |   at main.js:12
  next: nothing is urgent, 1.2.0 is serving: deploy again when the cause is gone; see `greenroom history production`
"###);
}

#[test]
fn every_fold_that_opens_closes() {
    for groups in [Groups::GitHub, Groups::GitLab] {
        for events in [
            success(),
            failed_health(),
            halted_promote(),
            first_removed(),
            interrupted(),
            resumed(),
        ] {
            let mut depth = 0;
            for line in lines(Style { groups, ..UNICODE }, &events) {
                depth += i32::from(line.starts_with("::group::") || line.contains("section_start:"));
                depth -= i32::from(line == "::endgroup::" || line.contains("section_end:"));
                assert!((0..=1).contains(&depth), "{line}");
                assert!(depth == 0 || !line.contains("within 1m"), "{line}");
            }
            assert_eq!(depth, 0);
        }
    }
}

#[test]
fn hostile_text_starts_no_workflow_command_and_moves_no_cursor() {
    for line in lines(GITHUB, &hostile()) {
        assert!(
            !line.contains(['\u{1b}', '\u{202e}', '\n', '\r', '\0']),
            "{line:?}"
        );
        assert!(!line.contains("##["), "{line}");
        let command = line.trim_start().starts_with("::");
        assert!(
            !command || line.starts_with("::group::") || line == "::endgroup::",
            "{line}"
        );
    }
}

#[test]
fn a_live_console_shows_the_running_step_in_its_status_line() {
    let events = success();
    let mut console = Console::new(Style {
        live: true,
        ..UNICODE
    });
    console.on(&events[0], None, &no_redaction);
    assert_eq!(console.progress(events[0].at), None);
    assert_eq!(console.on(&events[1], None, &no_redaction), [""; 0]);
    let later = events[1]
        .at
        .plus(crate::domain::model::Period::from_millis(1_250));
    assert_eq!(
        console.progress(later).as_deref(),
        Some("⠹ 1/8 start 1.3.0 in the green slot of web-1, web-2 1.2s")
    );
    assert_eq!(
        console.on(&events[2], None, &no_redaction),
        ["   0.8s ✓ 1/8 start 1.3.0 in the green slot of web-1, web-2 (0.8s)"]
    );
    assert_eq!(console.progress(later), None);
}

#[test]
fn many_passed_checks_are_counted_and_failures_always_shown() {
    let mut story = crate::report::fixtures::Story::of(crate::report::fixtures::plan(200));
    story.began(Phase::Forward, 1);
    for unit in 1..=200 {
        let verdict = if unit == 150 { Verdict::Fail } else { Verdict::Pass };
        story.judged(1, "health", Some(unit), verdict);
    }
    story.ended(Phase::Forward, 1, StepResult::Done);
    let shown = lines(UNICODE, &story.events);
    assert!(shown.iter().any(|line| line.contains("✗ health on web-150")));
    assert!(shown.iter().any(|line| line.ends_with("✓ and 179 more passed")));
    assert!(shown.len() < 30, "{}", shown.len());
}

#[test]
fn colours_are_only_used_when_asked_for() {
    assert!(!text(UNICODE, &failed_health()).contains('\u{1b}'));
    assert!(
        text(
            Style {
                colour: true,
                ..UNICODE
            },
            &failed_health()
        )
        .contains("\u{1b}[31m")
    );
}

#[test]
fn logs_and_reasons_are_redacted_before_they_are_cut() {
    let mut console = Console::new(Style::PLAIN);
    let redact = |text: &str| text.replace("database", "***").replace("web-2 was", "***");
    let shown: Vec<String> = failed_health()
        .iter()
        .flat_map(|recorded| console.on(recorded, None, &redact))
        .collect();
    let shown = shown.join("\n");
    assert!(
        shown.contains("cannot reach ***") && !shown.contains("web-2 was"),
        "{shown}"
    );
}

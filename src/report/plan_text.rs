//! A plan as text, as a person would want to read it.

use super::describe::{Names, describe_step, inconclusive};
use super::{Change, Changes, Redact, foreign};
use crate::domain::model::{Check, HttpProbe, ProbeSpec, Strategy};
use crate::domain::rollout::{Kind, Plan, Step, Watch};
use std::fmt::Write as _;

/// Most changed variables, and most checks of a suite, that are listed one by one.
const LISTED: usize = 50;

/// The plan as text for `greenroom plan`: what, where, why and by whom; what changes; the numbered
/// steps with their checks and limits and the point of no return; what follows a failure.
pub fn describe_plan(plan: &Plan, redact: Redact<'_>) -> String {
    let show = |text: &str| foreign::line(&redact(text));
    let mut text = header(plan, &show);
    text.push_str("\nChanges\n");
    text.push_str(&changes(&Changes::between(
        plan.previous.as_ref(),
        &plan.candidate,
        redact,
    )));
    text.push_str("\nSteps\n");
    text.push_str(&steps(plan, &show));
    text.push_str("\nIf something fails\n");
    text.push_str(&on_failure(plan));
    text
}

type Show<'a> = &'a dyn Fn(&str) -> String;

fn header(plan: &Plan, show: Show<'_>) -> String {
    let (service, version) = (show(&plan.service), show(plan.candidate.version.as_str()));
    let (environment, strategy) = (&plan.environment, plan.strategy.as_str());
    let mut text = match plan.kind {
        Kind::Deploy => format!("Deploy {service} {version} to {environment} ({strategy})\n"),
        Kind::Rollback => format!("Roll {service} in {environment} back to {version} ({strategy})\n"),
    };
    let units: Vec<&str> = plan
        .placements
        .iter()
        .map(|placement| placement.unit.as_str())
        .collect();
    let origin = &plan.origin;
    let mut rows = vec![
        ("why", show(&origin.reason)),
        (
            "by",
            format!("{} ({})", show(&origin.actor.name), show(&origin.actor.via)),
        ),
        ("run", origin.run.as_deref().map(show).unwrap_or_default()),
        (
            "url",
            plan.url
                .as_ref()
                .map(|url| show(url.as_str()))
                .unwrap_or_default(),
        ),
        (
            "units",
            if units.len() > plan.parallelism as usize {
                format!("{}, {} at a time", foreign::list(&units), plan.parallelism.max(1))
            } else {
                foreign::list(&units)
            },
        ),
        ("signed by", all(&plan.signatures, show)),
        ("approved", all(&plan.grounds.approvers, show)),
        ("id", plan.deployment.to_string()),
        (
            "proof",
            plan.grounds
                .proof
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
    ];
    rows.retain(|(_, value)| !value.is_empty());
    for (name, value) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<9} {value}");
    }
    text
}

/// Everyone by name, in one line.
fn all<T: ToString>(names: &[T], show: Show<'_>) -> String {
    let names: Vec<String> = names.iter().map(|name| show(&name.to_string())).collect();
    names.join(" and ")
}

fn changes(changes: &Changes) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<9} {value}");
    };
    if changes.first {
        row("first", "nothing was deployed here before");
    }
    for (name, change) in [
        ("version", &changes.version),
        ("image", &changes.image),
        ("commit", &changes.commit),
    ] {
        match (&change.before, &change.after) {
            // A target that runs images gets one: it does not exist before the run.
            (Some(before), None) if name == "image" => {
                row(name, &format!("built during the run (was {})", shortened(before)));
            }
            _ => {
                if let Some(value) = arrow(change) {
                    row(name, &value);
                }
            }
        }
    }
    for (index, variable) in changes.variables.iter().enumerate() {
        if index == LISTED {
            row("", &format!("… and {} more", changes.variables.len() - LISTED));
            break;
        }
        let value = match (&variable.change.before, &variable.change.after) {
            (None, Some(after)) => format!("+ {} = {after:?}", variable.name),
            (Some(before), None) => format!("- {} (was {before:?})", variable.name),
            (before, after) => format!(
                "~ {} = {:?} (was {:?})",
                variable.name,
                after.as_deref().unwrap_or_default(),
                before.as_deref().unwrap_or_default()
            ),
        };
        row(if index == 0 { "variables" } else { "" }, &value);
    }
    let secrets = [
        ("+", &changes.secrets_added),
        ("-", &changes.secrets_removed),
        ("~", &changes.secrets_moved),
    ];
    let mut first = true;
    for (sign, names) in secrets.into_iter().filter(|(_, names)| !names.is_empty()) {
        row(
            if first { "secrets" } else { "" },
            &format!("{sign} {}", names.join(", ")),
        );
        first = false;
    }
    text
}

fn arrow(change: &Change) -> Option<String> {
    match (&change.before, &change.after) {
        (None, None) => None,
        (Some(before), Some(after)) if before == after => Some(format!("{after} (unchanged)")),
        (Some(before), Some(after)) => Some(format!("{after} (was {})", shortened(before))),
        (None, Some(after)) => Some(after.clone()),
        (Some(before), None) => Some(format!("none (was {})", shortened(before))),
    }
}

/// What is given up is named as shortly as it can be recognised: twelve digits of a digest or commit.
fn shortened(value: &str) -> String {
    let digits = value.rsplit_once("sha256:").map_or(value, |(_, digest)| digest);
    let is_hash = digits.len() >= 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        digits.chars().take(12).collect()
    } else {
        value.to_owned()
    }
}

fn steps(plan: &Plan, show: Show<'_>) -> String {
    let turning_point = point_of_no_return(plan);
    let width = plan.steps.len().to_string().len().max(2);
    let mut text = String::new();
    for (index, step) in plan.steps.iter().enumerate() {
        if Some(index) == turning_point {
            let _ = writeln!(text, "  {:>width$}  ── point of no return ──", "");
        }
        let _ = writeln!(
            text,
            "  {:>width$}. {}",
            index + 1,
            show(&describe_step(plan, step))
        );
        for line in details(plan, step) {
            let _ = writeln!(text, "  {:>width$}    {}", "", show(&line));
        }
    }
    text
}

/// The first step after which there is no way back: promotion, or a hook that cannot be undone.
fn point_of_no_return(plan: &Plan) -> Option<usize> {
    plan.steps.iter().position(|step| {
        matches!(step, Step::Promote) || matches!(step, Step::Hook(hook) if !hook.reversible)
    })
}

fn details(plan: &Plan, step: &Step) -> Vec<String> {
    match step {
        Step::Hook(hook) => vec![format!("{} (at most {})", hook.argv.join(" "), hook.timeout)],
        Step::AwaitReady { .. } => {
            let readiness = &plan.readiness;
            let how = readiness
                .check
                .as_ref()
                .map_or_else(|| "it runs".to_owned(), check);
            vec![format!(
                "{how}, every {}, at most {}",
                readiness.interval, readiness.timeout
            )]
        }
        Step::Observe(Watch::Preview { suite, .. } | Watch::Service { suite }) => {
            let more = suite.checks.len().saturating_sub(LISTED);
            let mut lines: Vec<String> = suite
                .checks
                .iter()
                .take(LISTED)
                .map(|each| format!("{}: {}, at most {}", each.name, check(each), each.timeout))
                .collect();
            if more > 0 {
                lines.push(format!("… and {more} more"));
            }
            lines
        }
        Step::Observe(Watch::Traffic { thresholds, .. }) => vec![format!(
            "too few requests to say: {}",
            inconclusive(thresholds.on_inconclusive)
        )],
        Step::Retire { .. } => vec![format!("requests under way may take {} to finish", plan.drain)],
        Step::Stage { .. }
        | Step::Restore { .. }
        | Step::Backup { .. }
        | Step::PruneBackups { .. }
        | Step::Shift { .. }
        | Step::Pause { .. }
        | Step::Promote => Vec::new(),
        Step::Observe(Watch::Health { .. }) => plan.readiness.check.as_ref().map(check).into_iter().collect(),
    }
}

/// A check in words: `GET /health answers 200 with status = "ok"`.
fn check(check: &Check) -> String {
    match &check.probe {
        ProbeSpec::Http(http) => http_check(http),
        ProbeSpec::Tcp(Some(address)) => format!("{address} accepts connections"),
        ProbeSpec::Tcp(None) => "the service accepts connections".to_owned(),
        ProbeSpec::Command(command) => {
            format!("{} exits with {}", command.argv.join(" "), command.exit_code)
        }
        ProbeSpec::Startup(within) => format!("ready within {within} of its start"),
    }
}

fn http_check(http: &HttpProbe) -> String {
    let expect = &http.expect;
    let status: Vec<String> = expect.status.iter().map(ToString::to_string).collect();
    let status = if status.is_empty() {
        "2xx".to_owned()
    } else {
        status.join(" or ")
    };
    let json = expect
        .json
        .iter()
        .map(|(path, value)| format!("{path} = {value}"));
    let headers = expect
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"));
    let contains = expect.contains.iter().map(|part| format!("{part:?} in the body"));
    let wanted: Vec<String> = json.chain(headers).chain(contains).collect();
    let mut text = format!("{} {} answers {status}", http.method, http.path);
    if !wanted.is_empty() {
        let _ = write!(text, " with {}", wanted.join(", "));
    }
    if let Some(latency) = expect.latency {
        let _ = write!(text, " within {latency}");
    }
    text
}

fn on_failure(plan: &Plan) -> String {
    let names = Names::of(plan);
    let turn = match (plan.policy.automatic, names.first) {
        (false, _) => "the rollout halts where it is; a person resumes or aborts it".to_owned(),
        (true, true) => format!("{} is removed: nothing was here before", names.candidate),
        (true, false) => format!(
            "{} comes back with its configuration and all traffic",
            names.previous
        ),
    };
    let mut text = String::new();
    let promote = plan.steps.iter().position(|step| matches!(step, Step::Promote));
    let turning_point = point_of_no_return(plan);
    if let Some(hook) = turning_point.filter(|point| Some(*point) != promote) {
        if hook > 0 {
            let _ = writeln!(text, "  before step {:<3} {turn}", hook + 1);
        }
        let _ = writeln!(
            text,
            "  from step {:<5} it halts: the hook of that step cannot be undone",
            hook + 1
        );
    } else if let Some(promote) = promote {
        let _ = writeln!(text, "  before step {:<3} {turn}", promote + 1);
    } else {
        let _ = writeln!(text, "  at any step     {turn}");
    }
    if let Some(promote) = promote {
        let _ = writeln!(
            text,
            "  at step {:<7} all traffic goes to {}, which was verified, and it halts",
            promote + 1,
            names.candidate
        );
        if promote + 1 < plan.steps.len() {
            let _ = writeln!(
                text,
                "  after step {:<4} it is a warning: {} stays live",
                promote + 1,
                names.candidate
            );
        }
    }
    if matches!(plan.strategy, Strategy::Rolling(_)) && plan.policy.max_failures > 0 {
        let _ = writeln!(
            text,
            "  units           {} may fail and stay on {}; one more, and it turns back",
            plan.policy.max_failures, names.previous
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rollout::Event;
    use crate::report::fixtures::{first_plan, hostile, no_redaction, plan};

    #[test]
    fn a_canary_reads_from_top_to_bottom() {
        insta::assert_snapshot!(describe_plan(&plan(200), &no_redaction), @r###"
Deploy shop 1.3.0 to production (canary)
  why       push to main: faster checkout
  by        alice (github)
  run       https://github.com/acme/shop/actions/runs/42
  url       https://shop.acme.test
  units     web-1 … web-200 (200), 4 at a time
  id        20261120-235019-1f0c9a2e

Changes
  version   1.3.0 (was 1.2.0)
  image     ghcr.io/acme/shop@sha256:59296d23d623ce0adf7675d22156e83b1248c8508135a65dd8a9e38c497e94a8 (was 9f77034b1eb5)
  commit    59296d23d623ce0adf7675d22156e83b1248c850 (was 9f77034b1eb5)
  variables + CHECKOUT = "fast"
            ~ LOG_LEVEL = "debug" (was "info")
            - OLD (was "1")
  secrets   + MAIL_KEY
            - OLD_KEY

Steps
   1. start 1.3.0 in the green slot of web-1 … web-200 (200)
   2. wait until 1.3.0 is ready on web-1 … web-200 (200)
        GET /api/health answers 200 with database.status = "connected", every 2s, at most 1m
   3. check 1.3.0 on web-1 … web-200 (200) before it has traffic (suite smoke, 2 checks)
        login works: GET /api/health answers 200 with database.status = "connected", at most 5s
        cart works: GET /api/health answers 200 with database.status = "connected", at most 5s
   4. send 25% of traffic to 1.3.0 and the rest to 1.2.0
   5. watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests)
        too few requests to say: halt and wait for a person
   6. send all traffic to 1.3.0
      ── point of no return ──
   7. make 1.3.0 the live version
   8. stop 1.2.0 on web-1 … web-200 (200)
        requests under way may take 30s to finish

If something fails
  before step 7   1.2.0 comes back with its configuration and all traffic
  at step 7       all traffic goes to 1.3.0, which was verified, and it halts
  after step 7    it is a warning: 1.3.0 stays live
"###);
    }

    #[test]
    fn a_first_deployment_says_that_nothing_was_there() {
        insta::assert_snapshot!(describe_plan(&first_plan(), &no_redaction), @r###"
Deploy shop 1.3.0 to production (direct)
  why       push to main: faster checkout
  by        alice (github)
  run       https://github.com/acme/shop/actions/runs/42
  url       https://shop.acme.test
  units     web-1
  id        20261120-235019-1f0c9a2e

Changes
  first     nothing was deployed here before
  version   1.3.0
  image     ghcr.io/acme/shop@sha256:59296d23d623ce0adf7675d22156e83b1248c8508135a65dd8a9e38c497e94a8
  commit    59296d23d623ce0adf7675d22156e83b1248c850
  variables + CHECKOUT = "fast"
            + LOG_LEVEL = "debug"
  secrets   + DB_PASSWORD, MAIL_KEY

Steps
      ── point of no return ──
   1. run the hook migrate, which cannot be undone
        ./migrate.sh --all (at most 5m)
   2. start 1.3.0 in the blue slot of web-1
   3. wait until 1.3.0 is ready on web-1
        GET /api/health answers 200 with database.status = "connected", every 2s, at most 1m
   4. make 1.3.0 the live version

If something fails
  from step 1     it halts: the hook of that step cannot be undone
  at step 4       all traffic goes to 1.3.0, which was verified, and it halts
"###);
    }

    #[test]
    fn values_of_variables_are_redacted_and_secrets_have_only_names() {
        let text = describe_plan(&plan(1), &|text| text.replace("fast", "***"));
        assert!(text.contains("+ CHECKOUT = \"***\""), "{text}");
        assert!(
            text.contains("+ MAIL_KEY") && text.contains("- OLD_KEY"),
            "{text}"
        );
    }

    #[test]
    fn hostile_names_stay_on_their_line() {
        let Event::Planned(plan) = &hostile()[0].event else {
            panic!()
        };
        let text = describe_plan(plan, &no_redaction);
        assert!(
            !text.lines().any(|line| line.trim_start().starts_with("::")),
            "{text}"
        );
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }
}

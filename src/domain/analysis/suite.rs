//! What do the checks of a suite come to?

use super::CheckFinding;
use crate::domain::model::{Period, Verdict};

/// How many checks a reason names; each has a finding of its own.
const NAMED: usize = 3;

/// What the checks of the suite `name` come to together, each with its name: fail when one fails,
/// else inconclusive when one is, else pass.
pub fn aggregate<'a>(
    name: &str,
    checks: impl IntoIterator<Item = (&'a str, &'a CheckFinding)>,
) -> CheckFinding {
    let checks: Vec<_> = checks.into_iter().collect();
    if checks.is_empty() {
        return CheckFinding::inconclusive(format!("suite {name} has no checks, so it proves nothing"));
    }
    let with = |verdict| {
        checks
            .iter()
            .filter(move |(_, finding)| finding.verdict == verdict)
    };
    let told = |verdict, problem| {
        let count = with(verdict).count();
        let named: Vec<String> = with(verdict)
            .take(NAMED)
            .map(|(check, finding)| format!("{check}: {}", finding.reason))
            .collect();
        let more = match count - named.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        format!(
            "{count} of {} checks of suite {name} {problem}: {}{more}",
            checks.len(),
            named.join("; ")
        )
    };
    if with(Verdict::Fail).next().is_some() {
        CheckFinding::fail(told(Verdict::Fail, "failed"))
    } else if with(Verdict::Inconclusive).next().is_some() {
        CheckFinding::inconclusive(told(Verdict::Inconclusive, "could not be judged"))
    } else {
        let count = checks.len();
        let plural = if count == 1 { "" } else { "s" };
        CheckFinding::pass(format!("{count} check{plural} of suite {name} passed"))
    }
}

/// Was the instance ready within `within`? `after` is the time from its start until it was first
/// ready, where it was measured.
pub fn judge_startup(within: Period, after: Option<Period>) -> CheckFinding {
    match after {
        Some(after) if after <= within => {
            CheckFinding::pass(format!("ready after {after}, at most {within}"))
        }
        Some(after) => CheckFinding::fail(format!("ready after {after}, expected at most {within}")),
        None => {
            CheckFinding::inconclusive("the time to readiness was not measured: the instance already ran")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_the_suite_and_the_failures_are_told() {
        let ok = CheckFinding::pass("answered 200 in 1ms");
        let bad = CheckFinding::fail("answered 500, expected 2xx");
        let unknown = CheckFinding::inconclusive("not measured");
        let finding = aggregate("smoke", [("a", &ok), ("b", &bad), ("c", &unknown), ("d", &bad)]);
        assert_eq!(
            finding,
            CheckFinding::fail(
                "2 of 4 checks of suite smoke failed: b: answered 500, expected 2xx; \
                 d: answered 500, expected 2xx"
            )
        );
        assert_eq!(
            aggregate("smoke", [("a", &ok), ("c", &unknown)]),
            CheckFinding::inconclusive("1 of 2 checks of suite smoke could not be judged: c: not measured")
        );
        assert_eq!(
            aggregate("smoke", [("a", &ok)]),
            CheckFinding::pass("1 check of suite smoke passed")
        );
    }

    #[test]
    fn a_reason_names_the_first_failures_and_counts_the_rest() {
        let bad = CheckFinding::fail("no");
        let names = ["a", "b", "c", "d", "e"];
        assert_eq!(
            aggregate("smoke", names.map(|name| (name, &bad))).reason,
            "5 of 5 checks of suite smoke failed: a: no; b: no; c: no; and 2 more"
        );
    }

    #[test]
    fn an_empty_suite_proves_nothing() {
        assert_eq!(aggregate("smoke", []).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn startup_is_judged_by_the_time_to_readiness() {
        let within = Period::from_secs(20);
        assert!(judge_startup(within, Some(within)).passed());
        assert_eq!(
            judge_startup(within, Some(Period::from_millis(20_001))).reason,
            "ready after 20001ms, expected at most 20s"
        );
        assert_eq!(judge_startup(within, None).verdict, Verdict::Inconclusive);
    }
}

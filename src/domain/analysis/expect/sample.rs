//! Does one sample meet its check?

use super::took::shown;
use super::{excerpt, http};
use crate::domain::analysis::CheckFinding;
use crate::domain::model::{Check, Observation, ProbeSpec, Sample};

/// Judges one sample. A reason names what was measured beside what was expected; text that came from
/// the service is cut to 200 characters and holds no control characters.
pub fn judge(check: &Check, sample: &Sample) -> CheckFinding {
    match (&check.probe, &sample.seen) {
        (_, Observation::Unanswered(reason)) => CheckFinding::fail(reason),
        (
            ProbeSpec::Http(probe),
            Observation::Answer {
                status,
                headers,
                body,
            },
        ) => {
            let answer = http::Answer {
                status: *status,
                headers,
                body,
                took: sample.took,
            };
            http::judge(&probe.expect, &answer)
        }
        (ProbeSpec::Tcp(_), Observation::Connected) => {
            CheckFinding::pass(format!("connected in {}", shown(sample.took)))
        }
        (ProbeSpec::Command(probe), Observation::Exited { code, output }) => {
            judge_exit(probe.exit_code, *code, output, sample)
        }
        // A sample of one kind for a check of another: whoever took it did something else than asked.
        _ => CheckFinding::inconclusive("the sample that was taken does not fit the check"),
    }
}

fn judge_exit(expected: i32, code: Option<i32>, output: &str, sample: &Sample) -> CheckFinding {
    let ended = match code {
        Some(code) if code == expected => {
            return CheckFinding::pass(format!("exited with status {code} in {}", shown(sample.took)));
        }
        Some(code) => format!("exited with status {code}"),
        None => "was ended by a signal".to_owned(),
    };
    let output = match excerpt::last(output) {
        last if last.is_empty() => "it wrote nothing".to_owned(),
        last => format!("it wrote {last}"),
    };
    CheckFinding::fail(format!("{ended}, expected status {expected}; {output}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{CheckKind, CommandProbe, Period, Timestamp, Verdict};

    fn check(probe: ProbeSpec) -> Check {
        Check {
            name: "check".to_owned(),
            kind: CheckKind::Functional,
            probe,
            timeout: Period::from_secs(1),
        }
    }

    fn sample(seen: Observation) -> Sample {
        Sample {
            at: Timestamp::from_unix_millis(0),
            took: Period::from_millis(12),
            seen,
        }
    }

    fn command(expected: i32, code: Option<i32>, output: &str) -> CheckFinding {
        let probe = ProbeSpec::Command(CommandProbe {
            argv: vec!["pytest".to_owned()],
            exit_code: expected,
        });
        let output = output.to_owned();
        judge(&check(probe), &sample(Observation::Exited { code, output }))
    }

    #[test]
    fn commands_are_judged_by_their_exit_code_and_cited_from_the_end() {
        assert_eq!(
            command(0, Some(0), ""),
            CheckFinding::pass("exited with status 0 in 12ms")
        );
        assert!(command(3, Some(3), "").passed());
        assert_eq!(
            command(0, Some(1), "collecting\n2 failed, 1 passed\n").reason,
            "exited with status 1, expected status 0; it wrote \"collecting\\n2 failed, 1 passed\""
        );
        assert_eq!(
            command(0, None, " \n").reason,
            "was ended by a signal, expected status 0; it wrote nothing"
        );
    }

    #[test]
    fn a_connection_is_all_that_a_tcp_check_wants() {
        let tcp = check(ProbeSpec::Tcp(None));
        assert_eq!(
            judge(&tcp, &sample(Observation::Connected)),
            CheckFinding::pass("connected in 12ms")
        );
        let refused = "connection refused by 127.0.0.1:8080";
        assert_eq!(
            judge(&tcp, &sample(Observation::Unanswered(refused.to_owned()))),
            CheckFinding::fail(refused)
        );
    }

    #[test]
    fn a_sample_of_another_kind_proves_nothing() {
        let startup = check(ProbeSpec::Startup(Period::from_secs(1)));
        let finding = judge(&startup, &sample(Observation::Connected));
        assert_eq!(finding.verdict, Verdict::Inconclusive);
    }
}

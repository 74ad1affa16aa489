//! Acceptance tests of an environment.

use super::super::acceptance::Acceptance;
use super::super::diagnostic::Diagnostic;
use super::super::place::Located;
use super::super::raw::RawAcceptance;
use super::super::typed::{closest, did_you_mean};
use super::suite::Known;

/// Longest prefix of a name: with the environment and eight digits it has to be the name of a host.
const LONGEST_PREFIX: usize = 32;

/// What the block comes to; every default where there is none.
pub(super) fn resolve(
    raw: Option<Located<RawAcceptance>>,
    known: Option<&Known>,
    problems: &mut Vec<Diagnostic>,
) -> Acceptance {
    let Some(Located { value: raw, place }) = raw else {
        return Acceptance::default();
    };
    if let Some(prefix) = &raw.vm_name_prefix {
        check_prefix(prefix, problems);
    }
    if let (Some(suite), Some(known)) = (&raw.test_suite, known) {
        check_suite(suite, known, problems);
    }
    if raw.ttl < raw.test_timeout {
        problems.push(
            Diagnostic::error(
                place,
                format!(
                    "an acceptance deployment may exist for {} and its suite may take {}: it would be \
                     collected while it is tested",
                    raw.ttl, raw.test_timeout
                ),
            )
            .help("make `ttl` longer than `testTimeout`"),
        );
    }
    let defaults = Acceptance::default();
    Acceptance {
        create_new: raw.create_new,
        prefix: raw.vm_name_prefix.map_or(defaults.prefix, |prefix| prefix.value),
        clean_up: raw.cleanup_after_tests,
        test_timeout: raw.test_timeout,
        ttl: raw.ttl,
        suite: raw.test_suite,
        configuration: raw.configuration,
    }
}

fn check_prefix(prefix: &Located<String>, problems: &mut Vec<Diagnostic>) {
    let valid = (1..=LONGEST_PREFIX).contains(&prefix.len())
        && prefix.starts_with(|c: char| c.is_ascii_lowercase())
        && !prefix.ends_with('-')
        && prefix
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !valid {
        problems.push(
            Diagnostic::error(prefix.place, "this cannot begin the name of a host").help(format!(
                "use 1 to {LONGEST_PREFIX} lower-case letters, digits and `-`, beginning with a letter"
            )),
        );
    }
}

fn check_suite(suite: &Located<String>, known: &Known, problems: &mut Vec<Diagnostic>) {
    if known.suites.contains_key(&suite.value) {
        return;
    }
    let problem = Diagnostic::error(suite.place, format!("there is no suite `{}`", suite.value));
    problems.push(
        match closest(&suite.value, known.suites.keys().map(String::as_str)) {
            Some(meant) => problem.help(did_you_mean(meant)),
            None => problem.help("add it under `suites` in the pipeline file"),
        },
    );
}

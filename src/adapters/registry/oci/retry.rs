//! When a request is worth repeating, and how long to wait before.

use crate::domain::model::{ErrorKind, PortError, Timestamp};

use std::collections::BTreeMap;
use std::time::Duration;

/// Tries of one request, the first included.
const TRIES: u32 = 5;
/// The longest that one request is repeated for.
const DEADLINE: Duration = Duration::from_secs(5 * 60);
/// The first wait, before its jitter; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait that is not asked for by the server.
const LONGEST: Duration = Duration::from_secs(20);
/// The longest wait that a server may ask for.
const PATIENCE: Duration = Duration::from_secs(2 * 60);

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// No.
    Never,
    /// After a while.
    Later,
    /// After as long as the server says.
    After(Duration),
}

/// A request that came to nothing.
#[derive(Debug)]
pub(super) struct Setback {
    /// What the caller is told when nothing more is tried.
    pub(super) error: PortError,
    /// Whether trying again can help.
    pub(super) again: Again,
    /// Whether it may have been carried out all the same.
    pub(super) unanswered: bool,
}

impl Setback {
    /// One that trying again cannot mend.
    pub(super) fn last(error: PortError) -> Self {
        Self {
            error,
            again: Again::Never,
            unanswered: false,
        }
    }

    /// One that may pass by itself.
    pub(super) fn passing(error: PortError) -> Self {
        Self {
            error,
            again: Again::Later,
            unanswered: false,
        }
    }
}

/// How long to wait before try `next` (the second is 2), when `spent` has passed since the first began.
/// `jitter` is from 0 to 1. `None`: give up.
pub(super) fn wait(again: Again, next: u32, spent: Duration, jitter: f64) -> Option<Duration> {
    let wait = match again {
        Again::Never => return None,
        Again::Later => {
            let doubled = FIRST.saturating_mul(2_u32.saturating_pow(next.saturating_sub(2)));
            doubled.min(LONGEST).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
        }
        // A little more: all that were sent away at the same time were told the same.
        Again::After(asked) => asked.saturating_add(FIRST.mul_f64(jitter.clamp(0.0, 1.0))),
    };
    (next <= TRIES && wait <= PATIENCE && spent.saturating_add(wait) <= DEADLINE).then_some(wait)
}

/// Whether an answer of this status may be another the next time. 499 and 522 are proxies' words for a
/// connection that broke.
pub(super) fn may_pass(status: u16, body: &str) -> bool {
    matches!(status, 408 | 429 | 499 | 500 | 502 | 503 | 504 | 522)
        || (status > 504 && status < 600 && status != 505)
        || (status == 403 && is_secondary_limit(body))
}

/// GitHub's word for too many writes at once comes as a 403.
fn is_secondary_limit(body: &str) -> bool {
    body.to_ascii_lowercase().contains("secondary rate limit")
}

/// When to try again after an answer that [may pass](may_pass).
pub(super) fn judge(status: u16, headers: &BTreeMap<String, String>, body: &str, now: Timestamp) -> Again {
    if !may_pass(status, body) || (status == 429 && is_quota(headers, body)) {
        return Again::Never;
    }
    let header = headers
        .get("retry-after")
        .and_then(|value| retry_after(value, now));
    header.or_else(|| within(body)).map_or(Again::Later, Again::After)
}

/// Whether a quota of hours is used up (Docker Hub: `ratelimit-limit: 100;w=21600`).
pub(super) fn is_quota(headers: &BTreeMap<String, String>, body: &str) -> bool {
    let used_up = headers
        .get("ratelimit-remaining")
        .is_some_and(|remaining| remaining.split(';').next().unwrap_or_default().trim() == "0");
    let window = headers.get("ratelimit-limit").and_then(|limit| {
        let window = limit.split(';').find_map(|part| part.trim().strip_prefix("w="))?;
        window.parse::<u64>().ok()
    });
    let body = body.to_ascii_lowercase();
    body.contains("pull rate limit") || (used_up && window.is_some_and(|seconds| seconds > 600))
}

/// `Retry-After` in seconds or as a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let then = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_millis(u64::try_from(now.unix_millis()).ok()?);
    Some(then.saturating_sub(now))
}

/// `retry-after: 880µs` within a message (ghcr.io).
fn within(body: &str) -> Option<Duration> {
    let lower = body.to_ascii_lowercase();
    let at = lower.find("retry-after")? + "retry-after".len();
    let rest = lower[at..].trim_start_matches([':', '=', ' ', '"']);
    go_duration(rest)
}

/// The duration that a text begins with, as Go writes it: `1m30s`, `880µs`, `1.5s`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = None;
    loop {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let Ok(count) = rest[..end].parse::<f64>() else {
            return total;
        };
        let (unit, seconds) = [
            ("ns", 1e-9),
            ("µs", 1e-6),
            ("μs", 1e-6),
            ("us", 1e-6),
            ("ms", 1e-3),
            ("s", 1.0),
            ("m", 60.0),
            ("h", 3600.0),
        ]
        .into_iter()
        .find(|(unit, _)| rest[end..].starts_with(unit))?;
        let part = Duration::try_from_secs_f64(count * seconds).ok()?;
        total = Some(total.unwrap_or(Duration::ZERO).saturating_add(part));
        rest = &rest[end + unit.len()..];
    }
}

/// What a caller learns whose wait a signal ended.
pub(super) fn interrupted(doing: &str, signal: crate::ports::Interrupted) -> PortError {
    PortError::new(ErrorKind::Transient, doing, &signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn waits_double_and_end() {
        let mut spent = Duration::ZERO;
        let mut waits = Vec::new();
        for next in 2.. {
            let Some(wait) = wait(Again::Later, next, spent, 1.0) else {
                break;
            };
            spent += wait;
            waits.push(wait.as_millis());
        }
        assert_eq!(waits, [250, 500, 1000, 2000]);
        assert_eq!(wait(Again::Later, 2, Duration::ZERO, 0.0), Some(FIRST / 2));
        assert_eq!(wait(Again::Never, 2, Duration::ZERO, 0.0), None);
        let minute = Duration::from_secs(60);
        assert_eq!(wait(Again::After(minute), 2, Duration::ZERO, 0.0), Some(minute));
        assert_eq!(wait(Again::After(3 * minute), 2, Duration::ZERO, 0.0), None);
        assert_eq!(wait(Again::After(minute), 2, DEADLINE, 0.0), None);
    }

    #[test]
    fn the_server_says_how_long_in_three_ways() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let none = headers(&[]);
        for (status, headers, body, again) in [
            (
                429,
                headers(&[("retry-after", "7")]),
                "",
                Again::After(Duration::from_secs(7)),
            ),
            (
                503,
                headers(&[("retry-after", "Fri, 20 Nov 2026 12:00:30 GMT")]),
                "",
                Again::After(Duration::from_secs(30)),
            ),
            (
                429,
                headers(&[("retry-after", "Fri, 20 Nov 2026 11:00:00 GMT")]),
                "",
                Again::After(Duration::ZERO),
            ),
            (
                429,
                none.clone(),
                "toomanyrequests: retry-after: 880µs, allowed: 44000/minute",
                Again::After(Duration::from_micros(880)),
            ),
            (
                429,
                none.clone(),
                "retry-after: 1m1.5s",
                Again::After(Duration::from_millis(61_500)),
            ),
            (429, none.clone(), "retry-after: soon", Again::Later),
            (429, headers(&[("retry-after", "soon")]), "", Again::Later),
        ] {
            assert_eq!(
                judge(status, &headers, body, now),
                again,
                "{status} {headers:?} {body}"
            );
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let now = Timestamp::from_unix_millis(0);
        let none = headers(&[]);
        for (status, headers, body, again) in [
            (502, none.clone(), "", Again::Later),
            (
                403,
                none.clone(),
                "You have exceeded a secondary rate limit.",
                Again::Later,
            ),
            (403, none.clone(), "denied", Again::Never),
            (501, none.clone(), "", Again::Never),
            (
                429,
                headers(&[
                    ("ratelimit-limit", "100;w=21600"),
                    ("ratelimit-remaining", "0;w=21600"),
                ]),
                "toomanyrequests",
                Again::Never,
            ),
            (429, none, "You have reached your pull rate limit.", Again::Never),
        ] {
            assert_eq!(
                judge(status, &headers, body, now),
                again,
                "{status} {headers:?} {body}"
            );
        }
    }
}

//! When a request may be sent again, and how long to wait before.

use super::calls::Method;
use crate::domain::model::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Tries of one request, the first included.
pub(super) const TRIES: u32 = 4;
/// The longest that one verb waits for limits in all. One that lasts longer is told.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// How much longer than it may wait a verb goes on for before it gives up what has no answer: a GitHub that
/// keeps silent takes half a minute for each try.
pub(super) const GRACE: Duration = Duration::from_secs(60);
/// What is waited where a limit does not say how long it lasts (REST API, "Rate limits").
const USUAL: Duration = Duration::from_secs(60);
/// The first wait after a request without a final answer; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// What an answer says about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// It is no word about limits.
    None,
    /// The request was not carried out, and may be sent again after so long.
    For(Duration),
}

/// Whether an answer is a limit's, and how long that lasts from `now` on. `said` is GitHub's own message.
pub(super) fn limit(status: u16, headers: &BTreeMap<String, String>, said: &str, now: Timestamp) -> Limit {
    let number = |name: &str| headers.get(name)?.trim().parse::<u64>().ok();
    let after = number("retry-after").map(Duration::from_secs);
    let used_up = number("x-ratelimit-remaining") == Some(0);
    let says_so = said.to_ascii_lowercase().contains("rate limit");
    let limited = match status {
        429 => true,
        403 => after.is_some() || used_up || says_so,
        _ => false,
    };
    if !limited {
        return Limit::None;
    }
    let seconds = u64::try_from(now.unix_millis() / 1000).unwrap_or(0);
    let reset = number("x-ratelimit-reset")
        .filter(|_| used_up)
        // A second more: the clocks need not agree.
        .map(|reset| Duration::from_secs(reset.saturating_sub(seconds).saturating_add(1)));
    Limit::For(after.or(reset).unwrap_or(USUAL))
}

/// The wait before try `next` (the second is 2) of something that had no final answer.
pub(super) fn pause(next: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(next.saturating_sub(2)))
}

/// Whether a status says only that somebody on the way did not hear the end.
pub(super) fn is_no_answer(status: u16) -> bool {
    matches!(status, 408 | 500..600)
}

/// Whether a request without a final answer is sent again by itself: only where a second time changes
/// nothing, or where it never left.
pub(super) fn repeats(method: Method, left: bool, tries: u32) -> bool {
    tries < TRIES && (method.repeats() || !left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(status: u16, headers: &[(&str, &str)], said: &str) -> Limit {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        limit(status, &headers, said, Timestamp::from_unix_millis(1_000_500))
    }

    #[test]
    fn github_says_how_long_in_three_ways() {
        let seconds = |seconds| Limit::For(Duration::from_secs(seconds));
        assert_eq!(asked(403, &[("retry-after", "7")], ""), seconds(7));
        assert_eq!(asked(429, &[], ""), seconds(60));
        assert_eq!(
            asked(403, &[], "You have exceeded a secondary rate limit"),
            seconds(60)
        );
        let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1030")];
        assert_eq!(asked(403, &used_up, ""), seconds(31));
        let over = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")];
        assert_eq!(asked(403, &over, ""), seconds(1));
        // What is left is told with every answer.
        let left = [("x-ratelimit-remaining", "17"), ("x-ratelimit-reset", "1030")];
        assert_eq!(
            asked(403, &left, "Resource not accessible by integration"),
            Limit::None
        );
        assert_eq!(asked(502, &[("retry-after", "7")], ""), Limit::None);
    }

    #[test]
    fn a_write_that_left_is_never_sent_again_by_itself() {
        for method in [Method::Post, Method::Patch] {
            assert!(!repeats(method, true, 1));
            assert!(repeats(method, false, 1));
        }
        assert!(repeats(Method::Get, true, 1) && repeats(Method::Delete, true, TRIES - 1));
        assert!(!repeats(Method::Get, true, TRIES));
        assert_eq!([2, 3, 4].map(|next| pause(next).as_secs()), [1, 2, 4]);
    }
}

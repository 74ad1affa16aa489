//! What git and the other side said, as it may be shown.

use crate::domain::model::ErrorKind;

/// How much is shown, in characters.
const MOST: usize = 600;

/// What git wrote to standard error, in one line: without advice, user names, passwords and tokens, and
/// without control characters. The words of the other side stand first.
pub(super) fn shown(stderr: &str) -> String {
    let lines = stderr.lines().map(str::trim).filter(|line| {
        !line.is_empty() && !line.starts_with("hint:") && !line.starts_with("error: failed to push some refs")
    });
    let (theirs, ours): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("remote:"));
    let theirs = theirs
        .into_iter()
        .map(|line| line.trim_start_matches("remote:").trim())
        .filter(|line| !line.is_empty());
    let text: Vec<String> = theirs.chain(ours).map(clean).collect();
    let text = text.join("; ");
    if text.is_empty() {
        return "git said nothing".to_owned();
    }
    // What a greeting is followed by is what matters.
    match text.char_indices().rev().nth(MOST) {
        Some((cut, first)) => format!("…{}", &text[cut + first.len_utf8()..]),
        None => text,
    }
}

/// One line without control characters and without what may let somebody in.
fn clean(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    if ["authorization:", "extraheader", "x-access-token"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return "(a line with credentials)".to_owned();
    }
    let words = line.split(' ').map(|word| match word.split_once("://") {
        // Whatever stands before the last `@` may be a password, a slash in it or not.
        Some((scheme, rest)) => format!(
            "{scheme}://{}",
            rest.rsplit_once('@').map_or(rest, |(_, after)| after)
        ),
        None => word.to_owned(),
    });
    let words: Vec<String> = words.collect();
    words
        .join(" ")
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// What can be done about a failure to reach the other side.
pub(super) fn kind(stderr: &str) -> ErrorKind {
    let said = stderr.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&[
        "authentication failed",
        "could not read username",
        "could not read password",
        "terminal prompts disabled",
        "permission denied",
        "permission to",
        "access denied",
        "not authorized",
        "unauthorized",
        "returned error: 401",
        "returned error: 403",
        "host key verification failed",
        "dubious ownership",
    ]) {
        ErrorKind::Denied
    } else if has(&[
        "not a git repository",
        "not appear to be a git repository",
        "not found",
    ]) {
        ErrorKind::Missing
    } else {
        ErrorKind::Transient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_are_shown_bounded_in_one_line_and_without_credentials() {
        let said = "remote: Permission to acme/app.git denied to bot.        \nhint: try this\nfatal: unable to access \
                    'https://user:pa/ss@github.test/acme/app.git/': The requested URL returned error: 403\n";
        assert_eq!(
            shown(said),
            "Permission to acme/app.git denied to bot.; fatal: unable to access 'https://github.test/acme/app.git/': \
             The requested URL returned error: 403"
        );
        for secret in [
            "fatal: https://x:tok@h/a",
            "http.https://github.com/.extraheader=AUTHORIZATION: basic tok",
            "ssh://git:tok@h:22/a",
            "'https://tok@h'",
            "https://u:p'tok@h/",
        ] {
            assert!(!shown(secret).contains("tok"), "{}", shown(secret));
        }
        assert_eq!(shown("a\u{1b}[31mb"), "a [31mb");
        assert_eq!(shown(&"ü".repeat(5_000)).chars().count(), MOST + 1);
        assert_eq!(shown(""), "git said nothing");
    }

    #[test]
    fn what_will_not_pass_by_itself_is_told_from_what_may() {
        for (said, expected) in [
            ("fatal: Authentication failed for 'x'", ErrorKind::Denied),
            (
                "fatal: could not read Username for 'https://h': terminal prompts disabled",
                ErrorKind::Denied,
            ),
            ("git@h: Permission denied (publickey).", ErrorKind::Denied),
            ("fatal: not a git repository (or any parent)", ErrorKind::Missing),
            ("fatal: repository 'http://h/x/' not found", ErrorKind::Missing),
            (
                "fatal: unable to access 'x': Could not resolve host: h",
                ErrorKind::Transient,
            ),
            ("error: RPC failed; curl 56 reset", ErrorKind::Transient),
        ] {
            assert_eq!(kind(said), expected, "{said}");
        }
    }
}

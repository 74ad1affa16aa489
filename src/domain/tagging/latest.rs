//! Whether `latest` moves.

use super::tags::withheld;
use crate::domain::model::{Digest, Version};

/// Where `latest` leads now.
#[derive(Debug, Clone, Copy)]
pub struct Pointed<'a> {
    /// The image.
    pub digest: &'a Digest,
    /// The version that it says it is.
    pub version: Option<&'a Version>,
}

/// What becomes of `latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Latest {
    /// It moves to the new image.
    Moves,
    /// It leads there already.
    There,
    /// It stays where it is, and why.
    Stays(String),
}

/// Decides whether `latest` moves to the image `digest` of `version`: only forwards, and never to a
/// pre-release. What counts is the version of the image that it leads to; where that does not say, the
/// version that is `live`.
pub fn latest(
    version: &Version,
    digest: &Digest,
    now: Option<Pointed<'_>>,
    live: Option<&Version>,
) -> Latest {
    if now.is_some_and(|now| now.digest == digest) {
        return Latest::There;
    }
    let newest = now.and_then(|now| now.version).or(live);
    if let Some(reason) = withheld(version, newest) {
        return Latest::Stays(reason);
    }
    match (now, newest) {
        (Some(now), None) => Latest::Stays(format!(
            "latest stays where it is: {} does not say which version it is (org.opencontainers.image.version)",
            now.digest
        )),
        _ => Latest::Moves,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_forwards_only() {
        let (new, old) = (Digest::of(b"new"), Digest::of(b"old"));
        // (new version, where latest leads, its version, live version, expected beginning)
        let table = [
            ("1.0.0", false, None, None, "moves"),
            ("1.1.0", true, Some("1.0.0"), None, "moves"),
            ("1.1.0", true, Some("1.0.0"), Some("9.0.0"), "moves"),
            ("1.0.0", true, Some("1.0.0"), None, "moves"),
            ("1.0.0", true, Some("1.10.0"), None, "1.0.0 is older than 1.10.0"),
            ("1.0.0", true, None, Some("1.10.0"), "1.0.0 is older than 1.10.0"),
            ("1.0.0", false, None, Some("1.10.0"), "1.0.0 is older than 1.10.0"),
            ("1.0.0", true, None, None, "does not say which version"),
            (
                "2.0.0-rc.1",
                true,
                Some("1.0.0"),
                None,
                "2.0.0-rc.1 is a pre-release",
            ),
            ("nightly", true, Some("1.0.0"), None, "whether nightly is newer"),
        ];
        for (version, exists, now, live, expected) in table {
            let parsed = |text: &str| text.parse::<Version>().unwrap();
            let (now, live) = (now.map(parsed), live.map(parsed));
            let pointed = exists.then_some(Pointed {
                digest: &old,
                version: now.as_ref(),
            });
            let found = match latest(&parsed(version), &new, pointed, live.as_ref()) {
                Latest::Moves => "moves".to_owned(),
                Latest::There => "there".to_owned(),
                Latest::Stays(reason) => reason,
            };
            assert!(found.contains(expected), "{version}: {found}");
        }
        let there = Pointed {
            digest: &new,
            version: None,
        };
        assert_eq!(
            latest(&"1".parse().unwrap(), &new, Some(there), None),
            Latest::There
        );
    }
}

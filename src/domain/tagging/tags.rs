//! The tags an image gets.

use super::order::{compare, is_prerelease};
use crate::domain::model::{CommitId, EnvironmentName, Tag, Timestamp, Version};
use std::cmp::Ordering;

/// What a build is known by.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// The version its authors gave it.
    pub version: &'a Version,
    /// When the run began; read once and handed on.
    pub time: Timestamp,
    /// The commit it was built from, where there is one.
    pub commit: Option<&'a CommitId>,
}

/// The tags of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagging {
    /// The tags without duplicates. The first names this one build: the others are moved by later
    /// builds, or, for production, are other names of it.
    pub tags: Vec<Tag>,
    /// Why `latest` is not among them, where it might have been expected.
    pub withheld: Option<String>,
}

/// Tags for an environment other than production: `staging-v0.1.0-20251015-143052-abc123d` and
/// `staging-latest`. A version that makes the tag longer than 128 characters is cut, time and commit
/// never are.
pub fn staging_tags(environment: &EnvironmentName, stamp: &Stamp<'_>) -> Tagging {
    let commit = stamp
        .commit
        .map_or_else(String::new, |commit| format!("-{}", commit.short()));
    let end = format!("-{}{commit}", stamp.time.compact());
    let version = plain(stamp.version);
    let mut start = Tag::nearest(&format!("{environment}-v{version}")).to_string();
    start.truncate(128 - end.len());
    Tagging {
        tags: vec![
            Tag::nearest(&(start + &end)),
            Tag::nearest(&format!("{environment}-latest")),
        ],
        withheld: None,
    }
}

/// When the image with this tag was built for `environment`: the time in a tag that [`staging_tags`]
/// makes; `None` for every other tag.
pub fn built_at(environment: &EnvironmentName, tag: &Tag) -> Option<Timestamp> {
    let rest = tag
        .as_str()
        .strip_prefix(environment.as_str())?
        .strip_prefix("-v")?;
    let (rest, time) = rest
        .rsplit_once('-')
        .filter(|(_, commit)| commit.len() == 7 && commit.bytes().all(|b| b.is_ascii_hexdigit()))
        .map_or(rest, |(rest, _)| rest)
        .rsplit_once('-')?;
    let (version, date) = rest.rsplit_once('-')?;
    (!version.is_empty())
        .then(|| Timestamp::from_compact(&format!("{date}-{time}")))
        .flatten()
}

/// Tags for production: the version, the full commit id, and `latest` when this version is at least
/// as new as `newest`, the newest that was live, and no pre-release.
pub fn production_tags(version: &Version, commit: Option<&CommitId>, newest: Option<&Version>) -> Tagging {
    let mut tags = vec![Tag::nearest(plain(version))];
    tags.extend(commit.map(|commit| Tag::nearest(commit.as_str())));
    let withheld = withheld(version, newest);
    let latest = Tag::nearest("latest");
    if withheld.is_none() && !tags.contains(&latest) {
        tags.push(latest);
    }
    tags.dedup();
    Tagging { tags, withheld }
}

pub(super) fn withheld(version: &Version, newest: Option<&Version>) -> Option<String> {
    if is_prerelease(version) {
        return Some(format!("latest stays where it is: {version} is a pre-release"));
    }
    let newest = newest?;
    match compare(version, newest) {
        _ if version == newest => None,
        Some(Ordering::Equal | Ordering::Greater) => None,
        Some(Ordering::Less) => Some(format!(
            "latest stays where it is: {version} is older than {newest}"
        )),
        None => Some(format!(
            "latest stays where it is: whether {version} is newer than {newest} cannot be told"
        )),
    }
}

/// The version without a leading `v`, which tags add themselves where they want one.
fn plain(version: &Version) -> &str {
    let text = version.as_str();
    match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMIT: &str = "abc123def4567890abc123def4567890abc123de";

    fn staging(environment: &str, version: &str) -> Vec<String> {
        let stamp = Stamp {
            version: &version.parse().unwrap(),
            time: "2025-10-15T14:30:52.9Z".parse().unwrap(),
            commit: Some(&COMMIT.parse().unwrap()),
        };
        let tags = staging_tags(&environment.parse().unwrap(), &stamp).tags;
        tags.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn staging_tags_are_those_of_the_strategy() {
        for (version, expected) in [
            ("0.1.0", "staging-v0.1.0-20251015-143052-abc123d"),
            ("v0.1.0", "staging-v0.1.0-20251015-143052-abc123d"),
            ("1.0.0+build.7", "staging-v1.0.0-build.7-20251015-143052-abc123d"),
            ("1!2.0", "staging-v1-2.0-20251015-143052-abc123d"),
            ("1.0+abc.5", "staging-v1.0-abc.5-20251015-143052-abc123d"),
            ("vendor/x:y", "staging-vvendor-x-y-20251015-143052-abc123d"),
        ] {
            assert_eq!(staging("staging", version), [expected, "staging-latest"]);
        }
        assert_eq!(staging("test", "2.0")[1], "test-latest");
    }

    #[test]
    fn a_long_version_is_cut_and_time_and_commit_stay() {
        let environment = "e".repeat(63);
        let tag = &staging(&environment, &"9".repeat(128))[0];
        assert_eq!(tag.len(), 128);
        assert!(tag.starts_with(&format!("{environment}-v99")) && tag.ends_with("9-20251015-143052-abc123d"));
    }

    #[test]
    fn without_a_commit_the_tags_do_without_it() {
        let version: Version = "0.1.0".parse().unwrap();
        let stamp = Stamp {
            version: &version,
            time: Timestamp::from_unix_millis(0),
            commit: None,
        };
        let tags = staging_tags(&"staging".parse().unwrap(), &stamp).tags;
        assert_eq!(tags[0].as_str(), "staging-v0.1.0-19700101-000000");
        assert_eq!(production_tags(&version, None, None).tags.len(), 2);
    }

    #[test]
    fn the_time_of_a_build_is_read_back_from_its_tag() {
        let environment: EnvironmentName = "staging".parse().unwrap();
        let time: Timestamp = "2025-10-15T14:30:52Z".parse().unwrap();
        for tag in [&staging("staging", "0.1.0")[0], "staging-v0.1.0-20251015-143052"] {
            assert_eq!(built_at(&environment, &tag.parse().unwrap()), Some(time), "{tag}");
        }
        for other in [
            "staging-latest",
            "staging-v0.1.0",
            "staging-v-20251015-143052",
            "staging-v1-20251315-143052-abc123d",
            "staging-v1-20251015-143052-abc123",
            "staging2-v0.1.0-20251015-143052-abc123d",
            "v0.1.0-20251015-143052",
            "latest",
        ] {
            assert_eq!(built_at(&environment, &other.parse().unwrap()), None, "{other}");
        }
    }

    #[test]
    fn latest_goes_forwards_only() {
        let table = [
            ("0.1.0", None, ""),
            ("0.1.0", Some("0.1.0"), ""),
            ("0.2.0", Some("0.1.9"), ""),
            ("nightly", None, ""),
            ("nightly", Some("nightly"), ""),
            ("0.1.9", Some("0.10.0"), "0.1.9 is older than 0.10.0"),
            ("1.0rc1", None, "1.0rc1 is a pre-release"),
            ("2.0.0-rc.1", Some("1.0.0"), "2.0.0-rc.1 is a pre-release"),
            (
                "nightly",
                Some("1.0.0"),
                "whether nightly is newer than 1.0.0 cannot be told",
            ),
        ];
        for (version, newest, why_not) in table {
            let newest = newest.map(|text| text.parse().unwrap());
            let tagging = production_tags(
                &version.parse().unwrap(),
                Some(&COMMIT.parse().unwrap()),
                newest.as_ref(),
            );
            let tags: Vec<&str> = tagging.tags.iter().map(Tag::as_str).collect();
            if why_not.is_empty() {
                assert_eq!(tags, [version, COMMIT, "latest"]);
                assert_eq!(tagging.withheld, None);
            } else {
                assert_eq!(tags, [version, COMMIT]);
                assert_eq!(
                    tagging.withheld.unwrap(),
                    format!("latest stays where it is: {why_not}")
                );
            }
        }
    }

    proptest! {
        #[test]
        fn tags_of_any_version_are_legal_and_keep_their_end(
            environment in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}",
            version in "[!-~]{1,128}",
        ) {
            for tag in staging(&environment, &version) {
                prop_assert!(tag.parse::<Tag>().is_ok());
            }
            prop_assert!(staging(&environment, &version)[0].ends_with("-20251015-143052-abc123d"));
        }
    }
}

//! Which of two versions is newer.

use super::pep440::Pep440;
use crate::domain::model::Version;
use std::cmp::Ordering;

/// Compares by the rules of Semantic Versioning 2.0 (section 11) where both are semantic versions,
/// else by those of PEP 440 where both follow that; otherwise there is no telling. A leading `v` does
/// not count.
pub fn compare(one: &Version, other: &Version) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (semantic(one), semantic(other)) {
        // Build metadata does not count, which is why `Ord` will not do.
        return Some(one.cmp_precedence(&other));
    }
    Some(pep440(one)?.cmp(&pep440(other)?))
}

/// Whether it is a version at all by one of the two schemes.
pub(super) fn is_ordered(version: &Version) -> bool {
    semantic(version).is_some() || pep440(version).is_some()
}

/// Whether it comes before the release that it is named after: `2.0.0-rc.1`, `2.0a1`, `2.0.dev3`.
pub(super) fn is_prerelease(version: &Version) -> bool {
    // Both schemes are asked in the same order as above: `1.0.0-1` is a pre-release of 1.0.0 to one
    // and a post-release to the other.
    semantic(version).map_or_else(
        || pep440(version).is_some_and(|version| version.is_prerelease()),
        |version| !version.pre.is_empty(),
    )
}

fn semantic(version: &Version) -> Option<semver::Version> {
    let text = version.as_str();
    text.strip_prefix(['v', 'V']).unwrap_or(text).parse().ok()
}

fn pep440(version: &Version) -> Option<Pep440> {
    version.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted_strictly(chain: &[&str]) {
        let versions: Vec<Version> = chain.iter().map(|text| text.parse().unwrap()).collect();
        for (i, one) in versions.iter().enumerate() {
            for (j, other) in versions.iter().enumerate() {
                assert_eq!(compare(one, other), Some(i.cmp(&j)), "{one} and {other}");
            }
        }
    }

    #[test]
    fn semantic_versions_follow_the_example_of_the_specification() {
        sorted_strictly(&[
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "v1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "v1.9.0",
            "1.10.0",
            "2.0.0",
        ]);
    }

    #[test]
    fn python_versions_follow_pep_440() {
        // The order that packaging.version gives.
        sorted_strictly(&[
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "2026.11",
            "1!0.1",
            "1!1.0",
        ]);
    }

    #[test]
    fn different_spellings_of_one_version_are_equal() {
        let table = [
            ("1.2.3", "v1.2.3"),
            ("1.2.3+build.1", "1.2.3+build.2"),
            ("1.0", "1.0.0.0"),
            ("1.0alpha1", "1.0-a.1"),
            ("1.0-1", "1.0.post1"),
            ("1.0.REV2", "1.0r2"),
            ("1.0c1", "1.0preview1"),
            ("1.0+Ubuntu-1", "1.0+ubuntu.01"),
            ("1.0a", "1.0a0"),
            ("1.0.dev", "1.0dev0"),
            ("0!1.0", "v1.0"),
        ];
        for (one, other) in table {
            assert_eq!(
                compare(&one.parse().unwrap(), &other.parse().unwrap()),
                Some(Ordering::Equal),
                "{one} and {other}"
            );
        }
    }

    #[test]
    fn what_follows_no_scheme_is_not_compared() {
        for (one, other) in [
            ("nightly", "1.0.0"),
            ("1.0.0-x.y", "1.0"),
            ("1.0+", "1.0"),
            ("1..0", "1.0"),
        ] {
            assert_eq!(
                compare(&one.parse().unwrap(), &other.parse().unwrap()),
                None,
                "{one} and {other}"
            );
        }
    }

    #[test]
    fn prereleases_are_told_from_releases() {
        for (version, expected) in [
            ("2.0.0-rc.1", true),
            ("2.0a1", true),
            ("2.0.dev3", true),
            ("2.0.0", false),
            ("2.0.post1", false),
            ("2.0+local", false),
            ("2.0.0+build", false),
            ("nightly", false),
        ] {
            assert_eq!(is_prerelease(&version.parse().unwrap()), expected, "{version}");
        }
    }
}

//! The version of a service, as its authors write it.

use super::text::text_noun;

text_noun!(
    /// A version as found in a version file or a git tag (`1.2.3`, `0.1.0+build.7`, `2026.11`):
    /// 1 to 128 visible ASCII characters. It need not be a legal image tag;
    /// [`crate::domain::tagging`] makes one of it.
    Version,
    "a version (1 to 128 visible ASCII characters)",
    |text| (1..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
);

//! The names of repositories and images: `ghcr.io/acme/app:1.2.3@sha256:…`.

use super::text::text_noun;
use super::{Digest, InvalidText, Tag};
use std::fmt;
use std::str::FromStr;

text_noun!(
    /// A repository: `ghcr.io/acme/app` in the registry `ghcr.io`, or `acme/app` in the project's own
    /// store. The first part names a registry when it holds a `.` or a `:` or is `localhost`, which is
    /// how docker tells them apart. At most 255 characters.
    RepositoryName,
    "a repository: lower-case letters and digits, parts joined by '/', '.', '_', '__' or '-', with the registry's host before the first '/' (ghcr.io/acme/app)",
    is_repository
);

impl RepositoryName {
    /// Host and perhaps port of its registry; `None` for the project's own store.
    pub fn registry(&self) -> Option<&str> {
        split(self.as_str()).0
    }

    /// Its name within the registry.
    pub fn path(&self) -> &str {
        split(self.as_str()).1
    }
}

/// An image by name: a repository, and a tag or digest or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// The repository.
    pub repository: RepositoryName,
    /// The tag, where one is given.
    pub tag: Option<Tag>,
    /// The digest, where one is given. It wins over the tag.
    pub digest: Option<Digest>,
}

impl FromStr for ImageName {
    type Err = InvalidText;

    /// Reads `REPOSITORY`, `REPOSITORY:TAG`, `REPOSITORY@DIGEST` or `REPOSITORY:TAG@DIGEST`.
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let from = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match rest[from..].rfind(':') {
            Some(colon) => (&rest[..from + colon], Some(rest[from + colon + 1..].parse()?)),
            None => (rest, None),
        };
        Ok(Self {
            repository: repository.parse()?,
            tag,
            digest,
        })
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

fn split(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => (Some(first), rest),
        _ => (None, text),
    }
}

fn is_repository(text: &str) -> bool {
    let (registry, path) = split(text);
    text.len() <= 255 && registry.is_none_or(is_host) && path.split('/').all(is_component)
}

/// `name`, `name:port`, `1.2.3.4:5000`, `[::1]:5000`.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let named = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .map_or_else(
            || {
                !host.is_empty()
                    && host.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && host
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
            },
            |inner| inner.parse::<std::net::Ipv6Addr>().is_ok(),
        );
    named && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// A part of a path (OCI distribution spec, "Pulling manifests": `<name>`).
fn is_component(text: &str) -> bool {
    let mut separator = String::new();
    let mut last_is_letter = false;
    for c in text.chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            let joins =
                matches!(separator.as_str(), "" | "." | "_" | "__") || separator.chars().all(|c| c == '-');
            if !joins || (!last_is_letter && !separator.is_empty()) {
                return false;
            }
            separator.clear();
            last_is_letter = true;
        } else if "._-".contains(c) && last_is_letter {
            separator.push(c);
        } else {
            return false;
        }
    }
    last_is_letter && separator.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_is_a_registry_when_it_looks_like_a_host() {
        for (text, registry, path) in [
            ("app", None, "app"),
            ("acme/app", None, "acme/app"),
            ("ghcr.io/acme/app", Some("ghcr.io"), "acme/app"),
            ("localhost/app", Some("localhost"), "app"),
            ("127.0.0.1:5000/a/b/c", Some("127.0.0.1:5000"), "a/b/c"),
            ("[::1]:5000/app", Some("[::1]:5000"), "app"),
            ("host:5000/a__b/c--d.e_f", Some("host:5000"), "a__b/c--d.e_f"),
        ] {
            let name: RepositoryName = text.parse().unwrap();
            assert_eq!((name.registry(), name.path()), (registry, path));
        }
    }

    #[test]
    fn what_a_registry_would_refuse_is_refused() {
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "Acme/app",
            "a//b",
            "a/.b",
            "a/b.",
            "a..b",
            "a___b",
            "a._b",
            "ghcr.io",
            "ghcr.io/",
            "host:0/a",
            "host:99999/a",
            "a b",
            "http://h.io/a",
            "../a",
            "h.io/../a",
            "[::g]:1/a",
        ] {
            // A host alone is a path: `ghcr.io` is a legal name in the project's own store.
            assert_eq!(
                text.parse::<RepositoryName>().is_ok(),
                text == "ghcr.io",
                "{text:?}"
            );
        }
    }

    #[test]
    fn tag_and_digest_are_told_from_the_port() {
        let digest = Digest::of(b"x");
        for text in [
            "localhost:5000/app".to_owned(),
            "localhost:5000/app:1.2".to_owned(),
            format!("h.io/a/b@{digest}"),
            format!("h.io:1/a/b:1.2@{digest}"),
            "app:latest".to_owned(),
        ] {
            let name: ImageName = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(name.digest.is_some(), text.contains('@'));
            assert_eq!(
                name.tag.is_some(),
                text.contains(":1.2") || text.ends_with(":latest")
            );
        }
        for text in ["app:", "app@", "app@sha256:0", ":tag", "app:a:b"] {
            assert!(text.parse::<ImageName>().is_err(), "{text}");
        }
    }
}

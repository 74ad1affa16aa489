//! Where a version is written down.

use super::order::{compare, is_ordered};
use crate::domain::model::{InvalidText, Version};
use serde::Deserialize;
use serde_json::Value;
use std::cmp::Ordering;
use std::str::FromStr;
use thiserror::Error;

/// Files that are looked for when the configuration names none, in this order.
pub const VERSION_FILES: [&str; 4] = ["pyproject.toml", "Cargo.toml", "package.json", "VERSION"];

/// Why no version could be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VersionError {
    /// The file does not parse.
    #[error("reading the version from {file}: {message}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the parser said, with line and column.
        message: String,
    },
    /// There is no version in it.
    #[error("reading the version from {file}: there is no {wanted}")]
    Absent {
        /// The file.
        file: String,
        /// The key that was looked for.
        wanted: &'static str,
    },
    /// The version is computed by the project's build tool.
    #[error("reading the version from {file}: it is computed by the build tool (`dynamic`)")]
    Dynamic {
        /// The file.
        file: String,
    },
    /// The version stands in the Cargo.toml of the workspace, whose text is needed.
    #[error("reading the version from {file}: it is inherited from the workspace")]
    Inherited {
        /// The file.
        file: String,
    },
    /// What stands there is no version.
    #[error("reading the version from {file}: {problem}")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: InvalidText,
    },
    /// The pattern for git tags makes no sense.
    #[error("the tag pattern {0:?} needs exactly one '*', which stands for the version (\"v*\")")]
    Pattern(String),
}

impl VersionError {
    /// What to do about it, where that is known.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Absent { .. } => Some("add it, or name another source under `version:`".to_owned()),
            Self::Dynamic { file } => Some(format!(
                "write it into {file}, or use `version: {{ tag: \"v*\" }}` or `version: {{ value: … }}`"
            )),
            Self::Inherited { .. } => {
                Some("name the workspace's Cargo.toml under `version: { file: … }`".to_owned())
            }
            Self::Unreadable { .. } | Self::Invalid { .. } | Self::Pattern(_) => None,
        }
    }
}

/// The version written in a file, read by the file's own format: pyproject.toml (`project.version`,
/// else `tool.poetry.version`), Cargo.toml (`package.version`, else `workspace.package.version`),
/// package.json (`version`); any other file holds the version as its only line.
///
/// # Errors
/// When there is none; the message names the file and says what to do.
pub fn version_from(file: &str, text: &str) -> Result<Version, VersionError> {
    let text = text.trim_start_matches('\u{feff}');
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let found = match name {
        "pyproject.toml" => python(file, text)?,
        "Cargo.toml" => cargo(file, text)?,
        "package.json" => node(file, text)?,
        _ => text.trim().to_owned(),
    };
    checked(file, &found)
}

/// The version that members of a workspace inherit (`workspace.package.version`), from the text of the
/// workspace's Cargo.toml: the way on after [`VersionError::Inherited`].
///
/// # Errors
/// When there is none.
pub fn version_from_workspace(file: &str, text: &str) -> Result<Version, VersionError> {
    let manifest: CargoManifest = from_toml(file, text)?;
    let found = manifest
        .workspace
        .and_then(|workspace| workspace.package?.version);
    checked(
        file,
        &found.ok_or_else(|| absent(file, "[workspace.package] version"))?,
    )
}

fn checked(file: &str, found: &str) -> Result<Version, VersionError> {
    found.parse().map_err(|problem| VersionError::Invalid {
        file: file.to_owned(),
        problem,
    })
}

fn absent(file: &str, wanted: &'static str) -> VersionError {
    VersionError::Absent {
        file: file.to_owned(),
        wanted,
    }
}

fn from_toml<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> Result<T, VersionError> {
    toml::from_str(text).map_err(|error| VersionError::Unreadable {
        file: file.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    })
}

#[derive(Deserialize)]
struct PythonManifest {
    project: Option<PythonProject>,
    tool: Option<PythonTools>,
}

#[derive(Deserialize)]
struct PythonProject {
    version: Option<String>,
    #[serde(default)]
    dynamic: Vec<String>,
}

#[derive(Deserialize)]
struct PythonTools {
    poetry: Option<Poetry>,
}

#[derive(Deserialize)]
struct Poetry {
    version: Option<String>,
}

fn python(file: &str, text: &str) -> Result<String, VersionError> {
    let manifest: PythonManifest = from_toml(file, text)?;
    let (version, dynamic) = manifest
        .project
        .map_or((None, Vec::new()), |project| (project.version, project.dynamic));
    let poetry = || manifest.tool.and_then(|tool| tool.poetry?.version);
    match version.or_else(poetry) {
        Some(version) => Ok(version),
        None if dynamic.iter().any(|field| field == "version") => Err(VersionError::Dynamic {
            file: file.to_owned(),
        }),
        None => Err(absent(file, "[project] version")),
    }
}

#[derive(Deserialize)]
struct CargoManifest {
    package: Option<CargoPackage>,
    workspace: Option<CargoWorkspace>,
}

#[derive(Deserialize)]
struct CargoPackage {
    version: Option<toml::Value>,
}

#[derive(Deserialize)]
struct CargoWorkspace {
    package: Option<CargoWorkspacePackage>,
}

#[derive(Deserialize)]
struct CargoWorkspacePackage {
    version: Option<String>,
}

fn cargo(file: &str, text: &str) -> Result<String, VersionError> {
    let manifest: CargoManifest = from_toml(file, text)?;
    let shared = manifest
        .workspace
        .and_then(|workspace| workspace.package?.version);
    match manifest.package.map(|package| package.version) {
        Some(Some(toml::Value::String(version))) => Ok(version),
        Some(Some(toml::Value::Table(_))) => shared.ok_or_else(|| VersionError::Inherited {
            file: file.to_owned(),
        }),
        Some(_) => Err(absent(file, "[package] version")),
        None => shared.ok_or_else(|| absent(file, "[package] version")),
    }
}

fn node(file: &str, text: &str) -> Result<String, VersionError> {
    let manifest: Value = serde_json::from_str(text).map_err(|error| VersionError::Unreadable {
        file: file.to_owned(),
        message: error.to_string(),
    })?;
    let version = manifest.get("version").and_then(Value::as_str);
    version
        .map(str::to_owned)
        .ok_or_else(|| absent(file, "\"version\""))
}

/// A pattern that finds versions in git tags; its one `*` stands for the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagPattern {
    prefix: String,
    suffix: String,
}

impl FromStr for TagPattern {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        match text.split('*').collect::<Vec<_>>()[..] {
            [prefix, suffix] => Ok(Self {
                prefix: prefix.to_owned(),
                suffix: suffix.to_owned(),
            }),
            _ => Err(VersionError::Pattern(text.chars().take(80).collect())),
        }
    }
}

impl TagPattern {
    /// The version in `tag`: `1.2.3` in `v1.2.3`. `None` when the pattern does not match, or what the
    /// `*` stands for is no version by Semantic Versioning or PEP 440 (`vendor`).
    pub fn version(&self, tag: &str) -> Option<Version> {
        let tag = tag.strip_prefix("refs/tags/").unwrap_or(tag);
        let middle = tag.strip_prefix(&self.prefix)?.strip_suffix(&self.suffix)?;
        middle.parse().ok().filter(is_ordered)
    }

    /// The newest version among `tags`.
    pub fn newest(&self, tags: &[String]) -> Option<Version> {
        let versions = tags.iter().filter_map(|tag| self.version(tag));
        versions.reduce(|newest, version| match compare(&version, &newest) {
            Some(Ordering::Greater) => version,
            Some(Ordering::Less | Ordering::Equal) | None => newest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_read_by_the_format_of_their_file() {
        let table = [
            (
                "pyproject.toml",
                "[project]\nname = \"x\"\nversion = '0.1.0'",
                "0.1.0",
            ),
            (
                "svc/pyproject.toml",
                "[tool.poetry]\nversion = \"1!2.0+abc\"",
                "1!2.0+abc",
            ),
            (
                "pyproject.toml",
                "[project]\nversion=\"1\"\n[tool.poetry]\nversion=\"2\"",
                "1",
            ),
            (
                "pyproject.toml",
                "[project]\ndynamic=[\"version\"]\n[tool.poetry]\nversion=\"2\"",
                "2",
            ),
            (
                "pyproject.toml",
                "[tool.x]\nversion = \"9\"\n[project]\nversion = \"1\"",
                "1",
            ),
            (
                "Cargo.toml",
                "[package]\nname = \"x\"\nversion = \"1.2.3\"\n[dependencies]\na = { version = \"9\" }",
                "1.2.3",
            ),
            (
                "Cargo.toml",
                "[workspace]\nmembers = []\n[workspace.package]\nversion = \"3.0.0\"",
                "3.0.0",
            ),
            (
                "Cargo.toml",
                "[package]\nversion.workspace = true\n[workspace.package]\nversion = \"3.0.0\"",
                "3.0.0",
            ),
            (
                "package.json",
                "\u{feff}{\"dependencies\":{\"version\":\"9\"},\"version\":\"4.5.6-beta.1\"}",
                "4.5.6-beta.1",
            ),
            ("VERSION", "7.0\r\n", "7.0"),
            ("version.txt", "\n 7.1 \n", "7.1"),
        ];
        for (file, text, expected) in table {
            assert_eq!(
                version_from(file, text).unwrap().as_str(),
                expected,
                "{file}: {text}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_named_together_with_the_way_out() {
        let table = [
            ("pyproject.toml", "[project]\ndynamic = [\"version\"]"),
            ("pyproject.toml", "[project]\nname = \"x\""),
            ("pyproject.toml", "[project\n"),
            ("app/Cargo.toml", "[package]\nversion.workspace = true"),
            ("Cargo.toml", "[workspace]\n"),
            ("package.json", "{\"private\": true}"),
            ("package.json", "{"),
            ("VERSION", ""),
            ("VERSION", "1.0\n2.0\n"),
        ];
        let messages: Vec<String> = table
            .iter()
            .map(|(file, text)| version_from(file, text).unwrap_err())
            .map(|error| {
                error
                    .fix()
                    .map_or(error.to_string(), |fix| format!("{error}; {fix}"))
            })
            .collect();
        insta::assert_snapshot!(messages.join("\n"), @r##"
        reading the version from pyproject.toml: it is computed by the build tool (`dynamic`); write it into pyproject.toml, or use `version: { tag: "v*" }` or `version: { value: … }`
        reading the version from pyproject.toml: there is no [project] version; add it, or name another source under `version:`
        reading the version from pyproject.toml: TOML parse error at line 1, column 9
          |
        1 | [project
          |         ^
        unclosed table, expected `]`
        reading the version from app/Cargo.toml: it is inherited from the workspace; name the workspace's Cargo.toml under `version: { file: … }`
        reading the version from Cargo.toml: there is no [package] version; add it, or name another source under `version:`
        reading the version from package.json: there is no "version"; add it, or name another source under `version:`
        reading the version from package.json: EOF while parsing an object at line 1 column 1
        reading the version from VERSION: "" is not a version (1 to 128 visible ASCII characters)
        reading the version from VERSION: "1.0\n2.0" is not a version (1 to 128 visible ASCII characters)
        "##);
    }

    #[test]
    fn an_inherited_version_is_found_in_the_workspace() {
        let root =
            "[workspace.package]\nversion = \"3.0.0\"\n[package]\nname = \"root\"\nversion = \"1.0.0\"";
        assert_eq!(
            version_from_workspace("Cargo.toml", root).unwrap().as_str(),
            "3.0.0"
        );
        assert!(version_from_workspace("Cargo.toml", "[package]\nversion = \"1.0.0\"").is_err());
    }

    #[test]
    fn the_newest_version_tag_wins() {
        let tags: Vec<String> = [
            "v1.9.0",
            "v1.10.0",
            "v2.0.0-rc.1",
            "vendor",
            "1.99.0",
            "v",
            "app-v3.0.0",
        ]
        .map(str::to_owned)
        .to_vec();
        let newest = |pattern: &str| pattern.parse::<TagPattern>().unwrap().newest(&tags);
        assert_eq!(newest("v*").unwrap().as_str(), "2.0.0-rc.1");
        assert_eq!(newest("*").unwrap().as_str(), "v2.0.0-rc.1");
        assert_eq!(newest("app-v*").unwrap().as_str(), "3.0.0");
        assert_eq!(newest("release-*"), None);
        for bad in ["v1", "v*.*", ""] {
            assert!(bad.parse::<TagPattern>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(file in proptest::sample::select(VERSION_FILES.to_vec()), text in "(?s).{0,200}") {
            let _ = version_from(file, &text);
        }
    }
}

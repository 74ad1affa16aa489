//! Reads the configuration's files for [`crate::config`], which reads none itself.

use crate::config::{self, Diagnostic, Files, FoundFile, Loaded, Sources};
use crate::host::files::read_bounded;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Loads the project whose root file is `path`. Files that it names are looked up beside it.
pub fn load(path: &Path) -> Loaded {
    match text(path) {
        Ok(text) => config::load(&path.display().to_string(), text, &Beside(directory(path))),
        Err(message) => Loaded {
            sources: Sources::default(),
            outcome: Err(vec![
                Diagnostic::without_place(format!("cannot read {}: {message}", path.display()))
                    .help("name the file with --config, or run greenroom where greenroom.yaml is"),
            ]),
        },
    }
}

/// The same as it would be with one more file, `added`, beside the root file.
pub fn load_with(path: &Path, added: &Path, text: &str) -> Loaded {
    match self::text(path) {
        Ok(root) => {
            let files = With {
                beside: Beside(directory(path)),
                added,
                text,
            };
            config::load(&path.display().to_string(), root, &files)
        }
        // The same problem as without it.
        Err(_) => load(path),
    }
}

/// Files beside the root file, and one that is not written yet.
struct With<'a> {
    beside: Beside,
    added: &'a Path,
    text: &'a str,
}

impl Files for With<'_> {
    fn matching(&self, pattern: &str) -> Result<Vec<FoundFile>, String> {
        let mut all = self.beside.matching(pattern)?;
        let parts = |path: &Path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (directory(path), name.unwrap_or_default())
        };
        let ((wanted, pattern), (parent, name)) = (parts(Path::new(pattern)), parts(self.added));
        // The same directory, written with or without a leading dot.
        if wanted.components().eq(parent.components()) && matches(&pattern, &name) {
            let path = self.beside.0.join(self.added);
            all.push(FoundFile {
                path: path.display().to_string(),
                text: Ok(self.text.to_owned()),
            });
            all.sort_by(|one, other| one.path.cmp(&other.path));
        }
        Ok(all)
    }
}

fn directory(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

fn text(path: &Path) -> Result<String, String> {
    let bytes = read_bounded(path, LARGEST).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => "the file is larger than 1 MiB".to_owned(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        format!(
            "the file is not text: byte {} is not UTF-8",
            error.utf8_error().valid_up_to()
        )
    })
}

/// Files in and below one directory.
struct Beside(PathBuf);

impl Files for Beside {
    /// A pattern's last part may hold `*` (any characters) and `?` (one character); hidden files are
    /// matched only where the pattern begins with a dot.
    fn matching(&self, pattern: &str) -> Result<Vec<FoundFile>, String> {
        let path = self.0.join(pattern);
        if !pattern.contains(['*', '?']) {
            return Ok(if path.exists() {
                vec![found(&path)]
            } else {
                Vec::new()
            });
        }
        let parent = directory(&path);
        let last = pattern.rsplit('/').next().unwrap_or(pattern);
        if pattern.len() > last.len() && pattern[..pattern.len() - last.len()].contains(['*', '?']) {
            return Err(format!("only the last part of `{pattern}` may hold `*` and `?`"));
        }
        let searched = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &parent
        };
        let mut names = match fs::read_dir(searched) {
            Ok(entries) => entries
                .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<Vec<String>>>()
                .map_err(|error| format!("cannot list {}: {error}", searched.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(format!("cannot list {}: {error}", searched.display())),
        };
        names.retain(|name| (last.starts_with('.') || !name.starts_with('.')) && matches(last, name));
        names.sort();
        Ok(names.iter().map(|name| found(&parent.join(name))).collect())
    }
}

fn found(path: &Path) -> FoundFile {
    FoundFile {
        path: path.display().to_string(),
        text: text(path),
    }
}

/// Whether `name` matches `pattern`, in at most one step for each pair of characters.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    // reached[i]: the first i characters of the pattern match what was read of the name.
    let mut reached: Vec<bool> = (0..=pattern.len())
        .map(|length| pattern[..length].iter().all(|c| *c == '*'))
        .collect();
    for c in name.chars() {
        let before = reached.clone();
        reached[0] = false;
        for (at, expected) in pattern.iter().enumerate() {
            reached[at + 1] = match expected {
                '*' => reached[at] || before[at + 1],
                '?' => before[at],
                other => before[at] && *other == c,
            };
        }
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, name, expected) in [
            ("*.yaml", "staging.yaml", true),
            ("*.yaml", "staging.yml", false),
            ("*", "", true),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbYb", false),
            ("?.yaml", "a.yaml", true),
            ("?.yaml", ".yaml", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_huge_file_is_refused_without_being_read_in_full() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("greenroom.yaml");
        fs::File::create(&path)
            .unwrap()
            .set_len(50 * 1024 * 1024)
            .unwrap();
        let problems = load(&path).outcome.unwrap_err();
        assert!(
            problems[0].message.ends_with("the file is larger than 1 MiB"),
            "{problems:?}"
        );
        assert_eq!(problems[0].place, None);
    }

    #[test]
    fn files_beside_the_root_file_are_found_in_order_and_hidden_ones_are_not() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yaml", ".c.yaml", "d.txt"] {
            fs::write(directory.path().join(name), "x").unwrap();
        }
        fs::write(directory.path().join("e.yaml"), [0xff]).unwrap();
        let beside = Beside(directory.path().to_owned());
        let found = beside.matching("*.yaml").unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|file| file.path.rsplit('/').next().unwrap())
            .collect();
        assert_eq!(names, ["a.yaml", "b.yaml", "e.yaml"]);
        assert_eq!(
            found[2].text,
            Err("the file is not text: byte 0 is not UTF-8".to_owned())
        );
        assert_eq!(beside.matching("nothing/*.yaml"), Ok(Vec::new()));
        assert!(beside.matching("*/x.yaml").is_err());
    }
}

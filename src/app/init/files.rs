//! Looks at what is there, and writes files without losing any.

use super::super::error::{AppError, Problems};
use super::super::load;
use super::super::workspace::PIPELINE;
use crate::domain::model::Explanation;
use crate::host::files::{self, PUBLIC, read_bounded};
use crate::scaffold::{File, FileChange, ScaffoldError, changes};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Mode of a program that everybody may run.
const PROGRAM: u32 = 0o755;
/// The largest file that is held against ours, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not there.
    Created,
    /// It says the same already.
    Unchanged,
    /// It said something else, and was replaced.
    Overwritten,
    /// It says something else, and stays.
    Kept,
}

impl Fate {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Unchanged => "unchanged",
            Self::Overwritten => "overwritten",
            Self::Kept => "kept",
        }
    }
}

/// Each file with what writing it would change in `root`.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn survey<'a>(root: &Path, files: &'a [File]) -> Result<Vec<(&'a File, FileChange)>, AppError> {
    let mut present = BTreeMap::new();
    for file in files {
        match read_bounded(&root.join(&file.path), LARGEST) {
            Ok(bytes) => drop(present.insert(file.path.as_str(), bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(AppError::io(format!("reading {}", file.path))(error)),
        }
    }
    Ok(changes(files, |path| present.get(path).cloned()))
}

/// Writes one file, each in full or not at all; what says something else is replaced only with `overwrite`.
///
/// # Errors
/// When it cannot be written, or came to be there in the meantime.
pub fn write(root: &Path, file: &File, change: &FileChange, overwrite: bool) -> Result<Fate, AppError> {
    let path = root.join(&file.path);
    let mode = if file.executable { PROGRAM } else { PUBLIC };
    let failed = || AppError::io(format!("writing {}", file.path));
    match change {
        FileChange::Same => Ok(Fate::Unchanged),
        FileChange::Differs(_) if !overwrite => Ok(Fate::Kept),
        FileChange::Differs(_) => {
            files::replace(&path, file.text.as_bytes(), mode).map_err(failed())?;
            Ok(Fate::Overwritten)
        }
        FileChange::New => {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory).map_err(failed())?;
            }
            files::create_new(&path, file.text.as_bytes(), mode).map_err(failed())?;
            Ok(Fate::Created)
        }
    }
}

/// Writes `text` to a file that must not be there.
///
/// # Errors
/// When it is there, or cannot be written.
pub fn save(path: &Path, text: &str) -> Result<(), AppError> {
    files::create_new(path, text.as_bytes(), PUBLIC).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => AppError::usage(
            Explanation::new(format!(
                "{} is there already and is not overwritten",
                path.display()
            ))
            .fix("choose another name, or remove it first"),
        ),
        _ => AppError::io(format!("writing {}", path.display()))(error),
    })
}

/// Whether the project in `root` can be loaded now.
///
/// # Errors
/// [`AppError::Configuration`] with every mistake: in files that were kept, or in templates of its own.
pub fn check(root: &Path, shown: &Path) -> Result<(), AppError> {
    let path = root.join(PIPELINE);
    // Shown as a project's files are shown everywhere.
    let path = path.strip_prefix(shown).unwrap_or(&path);
    let loaded = load::load(path);
    let sources = loaded.sources;
    match loaded.outcome {
        Ok(_) => Ok(()),
        Err(problems) => Err(AppError::Configuration(Box::new(Problems { problems, sources }))),
    }
}

impl From<ScaffoldError> for AppError {
    fn from(error: ScaffoldError) -> Self {
        match error {
            ScaffoldError::Contradiction(_)
            | ScaffoldError::Unknown { .. }
            | ScaffoldError::Unread { .. } => Self::usage(Explanation::of(&error).maybe_fix(error.fix())),
            ScaffoldError::Template { .. } => Self::project(Explanation::of(&error).maybe_fix(error.fix())),
        }
    }
}

//! A project's own templates.

use crate::app::error::AppError;
use crate::domain::model::Explanation;
use crate::host::files::read_bounded;
use crate::scaffold::Overrides;
use std::fs;
use std::io;
use std::path::Path;

/// Where they lie, beside greenroom.yaml.
pub const USUAL: &str = "greenroom-templates";
/// The largest template, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// The most templates, so that a directory that is none is not read to its end.
const MOST: usize = 500;

/// Every file in `directory` and below, by its path from there. Hidden ones and links are passed over.
///
/// # Errors
/// When one cannot be read, is larger than 1 MiB or no text, or there are more than 500.
pub fn overrides(directory: &Path) -> Result<Overrides, AppError> {
    let mut found = Overrides::new();
    collect(directory, "", &mut found)?;
    Ok(found)
}

fn collect(directory: &Path, prefix: &str, found: &mut Overrides) -> Result<(), AppError> {
    let doing = |what: &Path| format!("reading the templates in {}", what.display());
    let entries = fs::read_dir(directory).map_err(AppError::io(doing(directory)))?;
    for entry in entries {
        let entry = entry.map_err(AppError::io(doing(directory)))?;
        let path = entry.path();
        let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else {
            continue;
        };
        let kind = entry.file_type().map_err(AppError::io(doing(&path)))?;
        if kind.is_symlink() || entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if kind.is_dir() {
            collect(&path, &format!("{name}/"), found)?;
            continue;
        }
        if found.len() == MOST {
            return Err(AppError::project(
                Explanation::new(format!("{} holds more than {MOST} files", directory.display()))
                    .fix("name the directory of the templates with --templates"),
            ));
        }
        let text = read_bounded(&path, LARGEST)
            .and_then(|bytes| {
                String::from_utf8(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
            })
            .map_err(AppError::io(doing(&path)))?;
        found.insert(name, text);
    }
    Ok(())
}

//! A report that somebody else made.

use super::LARGEST;
use crate::domain::model::{Artifact, ErrorKind, PortError};
use crate::host::files::read_bounded;
use crate::ports::Scanner;
use std::io;
use std::path::PathBuf;

/// A report in a file. Whether it is about the image is for its reader to find out.
pub struct FileScanner {
    file: PathBuf,
}

impl FileScanner {
    /// The report in `file`.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }
}

impl Scanner for FileScanner {
    fn scan(&self, _: &Artifact) -> Result<Vec<u8>, PortError> {
        let doing = || format!("reading the scan report {}", self.file.display());
        read_bounded(&self.file, LARGEST as u64).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => PortError::new(ErrorKind::Missing, doing(), "there is no such file")
                .fix("run the scanner before this step, or name its report"),
            _ => PortError::new(ErrorKind::Invalid, doing(), &error),
        })
    }
}

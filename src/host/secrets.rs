//! Fetching the values of secrets at the moment they are needed.

use super::files;
use crate::domain::model::{Explanation, Secret, SecretSource};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// No secret that a service takes is larger; a longer file is the wrong file.
const LARGEST: u64 = 1 << 20;

/// Why a secret has no value. Names where it was looked for, never what was found.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("secret {name}: {why}")]
    Unset {
        /// The secret.
        name: String,
        /// Which variable, and what to do about it.
        #[source]
        why: Explanation,
    },
    /// The file cannot be read.
    #[error("secret {name}: cannot read the file {}: {source}", path.display())]
    Unreadable {
        /// The secret.
        name: String,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The value cannot be handed to a process.
    #[error("secret {name}: the value of {from} {problem}")]
    Unfit {
        /// The secret.
        name: String,
        /// Where it came from.
        from: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Turns sources of secrets into secrets.
#[derive(Clone)]
pub struct Secrets {
    environment: BTreeMap<String, String>,
    root: PathBuf,
}

impl Secrets {
    /// Looks variables up in `environment` (as captured when the process began) and relative files
    /// below `root`.
    pub fn new(environment: BTreeMap<String, String>, root: PathBuf) -> Self {
        Self { environment, root }
    }

    /// The value of the secret `name`.
    ///
    /// # Errors
    /// When the variable is not set, the file cannot be read, or the value is empty, not text or holds
    /// a NUL byte.
    pub fn resolve(&self, name: &str, source: &SecretSource) -> Result<Secret, SecretError> {
        let unfit = |from: &str, problem| SecretError::Unfit {
            name: name.to_owned(),
            from: from.to_owned(),
            problem,
        };
        let (from, value) = match source {
            SecretSource::Env(variable) => {
                let value = self.environment.get(variable).ok_or_else(|| SecretError::Unset {
                    name: name.to_owned(),
                    why: Explanation::new(format!("the environment variable {variable} is not set"))
                        .fix("set it where greenroom runs (in CI: as a secret handed to the step)"),
                })?;
                (variable, value.clone())
            }
            SecretSource::File(file) => {
                let path = self.root.join(file);
                let bytes =
                    files::read_bounded(&path, LARGEST).map_err(|source| SecretError::Unreadable {
                        name: name.to_owned(),
                        path,
                        source,
                    })?;
                let text = String::from_utf8(bytes).map_err(|_| unfit(file, "is not UTF-8 text"))?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                (file, text.strip_suffix('\r').unwrap_or(text).to_owned())
            }
        };
        if value.is_empty() {
            return Err(unfit(from, "is empty"));
        }
        if value.contains('\0') {
            return Err(unfit(from, "holds a NUL byte, which no process can be given"));
        }
        Ok(Secret::new(value))
    }

    /// The values of all these secrets, by name.
    ///
    /// # Errors
    /// The first one of [`Secrets::resolve`].
    pub fn resolve_all(
        &self,
        sources: &BTreeMap<String, SecretSource>,
    ) -> Result<BTreeMap<String, Secret>, SecretError> {
        sources
            .iter()
            .map(|(name, source)| Ok((name.clone(), self.resolve(name, source)?)))
            .collect()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(root: &std::path::Path) -> Secrets {
        let environment = [
            ("TOKEN".to_owned(), "swordfish".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ];
        Secrets::new(environment.into(), root.to_owned())
    }

    #[test]
    fn a_value_comes_from_a_variable_or_a_file_without_its_last_line_break() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("key"), "line 1\nline 2\r\n").unwrap();
        let secrets = secrets(directory.path());
        let value = |source| secrets.resolve("S", &source).unwrap().expose().to_owned();
        assert_eq!(value(SecretSource::Env("TOKEN".into())), "swordfish");
        assert_eq!(value(SecretSource::File("key".into())), "line 1\nline 2");
    }

    #[test]
    fn an_error_says_where_it_looked() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("nul"), "a\0b").unwrap();
        let secrets = secrets(directory.path());
        let error = |source| secrets.resolve("DB", &source).unwrap_err().to_string();
        insta::assert_snapshot!(error(SecretSource::Env("DB_PASSWORD".into())), @"secret DB: the environment variable DB_PASSWORD is not set; set it where greenroom runs (in CI: as a secret handed to the step)");
        insta::assert_snapshot!(error(SecretSource::Env("EMPTY".into())), @"secret DB: the value of EMPTY is empty");
        insta::assert_snapshot!(error(SecretSource::File("nul".into())), @"secret DB: the value of nul holds a NUL byte, which no process can be given");
        assert!(error(SecretSource::File("absent".into())).contains("absent: No such file"));
    }
}

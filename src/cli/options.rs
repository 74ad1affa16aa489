//! Options that every command understands.

use clap::{ArgAction, Args, ValueEnum};
use std::path::PathBuf;

/// Options that every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The pipeline file; greenroom.yaml here or in a directory above where none is named
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// How results are written
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Say only what went wrong and the result
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Add the step outputs to this file, as NAME=VALUE lines (in GitLab CI to greenroom.env)
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) dotenv: Option<PathBuf>,
}

impl Global {
    /// These, and of `outer`, which stood before them, what they say nothing of.
    pub(super) fn within(self, outer: &Self) -> Self {
        Self {
            config: self.config.or_else(|| outer.config.clone()),
            format: outer.format,
            quiet: outer.quiet && self.verbose == 0,
            verbose: self.verbose.max(outer.verbose),
            dotenv: self.dotenv.or_else(|| outer.dotenv.clone()),
        }
    }
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document on standard output.
    Json,
}

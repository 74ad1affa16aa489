//! Why a use case ends without success, and the exit code that says so.

use crate::config::diagnostic::Diagnostic;
use crate::domain::model::{EnvironmentName, ErrorKind, Explanation, InvalidText, PortError};
use crate::domain::policy::Refusal;
use crate::domain::rollout::PlanError;
use crate::domain::tagging::VersionError;
use crate::engine::DriveError;
use crate::images::CopyError;
use crate::ports::Interrupted;
use crate::report::ReportError;
use thiserror::Error;

/// How greenroom ends. These numbers are public: scripts compare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A bug in greenroom.
    Bug = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The configuration cannot be used.
    Configuration = 3,
    /// Verification failed and the previous version is back: the environment is healthy.
    RolledBack = 4,
    /// Halted: a person is needed.
    Halted = 5,
    /// Refused by a gate, or by permissions.
    Refused = 6,
    /// Another run holds the environment.
    Busy = 7,
    /// There was nothing to do (said only with `--exit-code`).
    Nothing = 8,
    /// A check failed, and nothing was touched: what ran before still runs.
    CheckFailed = 9,
    /// Interrupted by a signal.
    Interrupted = 130,
}

/// Why a use case ends without success.
#[derive(Debug, Error)]
pub enum AppError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(#[source] Explanation),
    /// The configuration cannot be used. Every problem that was found.
    #[error("the configuration has {} problem(s)", .0.problems.len())]
    Configuration(Box<Problems>),
    /// The project (a version file, a source) does not fit the configuration.
    #[error("{0}")]
    Project(#[source] Explanation),
    /// Gates are not met. All of them.
    #[error("refused: {}", .0.iter().map(|refusal| refusal.reason.as_str()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refusal>),
    /// The event does not allow a deployment although one was wanted.
    #[error("refused: {0}")]
    NotAllowed(#[source] Explanation),
    /// Another run holds the environment.
    #[error("{environment} is busy: {holder}")]
    Busy {
        /// Which environment.
        environment: EnvironmentName,
        /// Who holds it, since when, and until when.
        holder: String,
    },
    /// The world does not answer as it should.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A rollout was left where it is.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// A check failed before anything was touched: one before the build, or the image's smoke test.
    #[error("{0}")]
    Validation(#[source] Explanation),
    /// The image could not be scanned, or its scan says nothing about it. Never taken for a pass.
    #[error("{0}")]
    Scan(#[source] Explanation),
    /// A signal came before anything was touched.
    #[error("{0}: nothing was touched")]
    Interrupted(#[from] Interrupted),
    /// A signal ended a copy before its end.
    #[error("{0}")]
    CutOff(#[source] Explanation),
    /// The record and the code do not fit together.
    #[error("{0}")]
    Record(#[source] Explanation),
    /// A file or stream of this machine cannot be used.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// Diagnostics, with the texts that they point into.
#[derive(Debug)]
pub struct Problems {
    /// What is wrong.
    pub problems: Vec<Diagnostic>,
    /// The files as they were read.
    pub sources: crate::config::place::Sources,
}

impl AppError {
    /// The exit code that says so.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            // A scanner, its database or the image's base has to be changed; nothing was touched.
            Self::Configuration(_) | Self::Project(_) | Self::Scan(_) => Exit::Configuration,
            Self::Refused(_) | Self::NotAllowed(_) => Exit::Refused,
            Self::Busy { .. } => Exit::Busy,
            Self::Validation(_) => Exit::CheckFailed,
            Self::Record(_) | Self::Io { .. } => Exit::Halted,
            Self::Interrupted(_) | Self::CutOff(_) | Self::Drive(DriveError::Stopped(_)) => Exit::Interrupted,
            Self::Drive(DriveError::LeaseLost) => Exit::Busy,
            Self::Drive(DriveError::Journal(_)) => Exit::Halted,
            Self::Drive(DriveError::Rejected(_)) => Exit::Bug,
            Self::Port(error) => match error.kind {
                ErrorKind::Denied => Exit::Refused,
                ErrorKind::Conflict => Exit::Busy,
                ErrorKind::Invalid | ErrorKind::Unsupported | ErrorKind::Missing => Exit::Configuration,
                ErrorKind::Transient | ErrorKind::Ambiguous => Exit::Halted,
            },
        }
    }

    /// What happened, what it came from and what to do about it, as texts. Every way to show an error begins
    /// here, so that none forgets a part.
    pub fn explanation(&self) -> Explanation {
        let explanation = Explanation::of(self);
        match self {
            // What the operating system said is what happened, not what it came from.
            Self::Io { doing, source } => Explanation::of(source).while_doing(doing),
            Self::Busy { environment, .. } => explanation.fix(format!(
                "wait for it; if its process is gone, `greenroom resume {environment}` or `greenroom abort \
                 {environment}` takes over when the lease has expired"
            )),
            Self::Drive(DriveError::Stopped(_)) => explanation.fix("take it up with `greenroom resume`"),
            _ => explanation,
        }
    }

    /// The command line makes no sense.
    pub fn usage(why: impl Into<Explanation>) -> Self {
        Self::Usage(why.into())
    }

    /// An image was named where the project has none.
    pub fn no_image() -> Self {
        let why = Explanation::new("an image was named, and the project has none");
        Self::usage(why.fix("add `image:` to greenroom.yaml"))
    }

    /// The project does not fit its configuration.
    pub fn project(why: impl Into<Explanation>) -> Self {
        Self::Project(why.into())
    }

    /// The event, or what runs, allows no such thing.
    pub fn not_allowed(why: impl Into<Explanation>) -> Self {
        Self::NotAllowed(why.into())
    }

    /// A check failed before anything was touched.
    pub fn validation(why: impl Into<Explanation>) -> Self {
        Self::Validation(why.into())
    }

    /// The image's scan says nothing about it.
    pub fn scan(why: impl Into<Explanation>) -> Self {
        Self::Scan(why.into())
    }

    /// A signal ended something before its end.
    pub fn cut_off(why: impl Into<Explanation>) -> Self {
        Self::CutOff(why.into())
    }

    /// The record and the code do not fit together.
    pub fn record(why: impl Into<Explanation>) -> Self {
        Self::Record(why.into())
    }

    /// An error of the file system while `doing`.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

impl From<CopyError> for AppError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Port(error) => Self::Port(error),
            CopyError::Interrupted(_) => Self::cut_off(&error),
        }
    }
}

impl From<PlanError> for AppError {
    fn from(error: PlanError) -> Self {
        Self::project(Explanation::of(&error).fix(error.fix()))
    }
}

impl From<VersionError> for AppError {
    fn from(error: VersionError) -> Self {
        Self::project(Explanation::of(&error).maybe_fix(error.fix()))
    }
}

impl From<InvalidText> for AppError {
    fn from(error: InvalidText) -> Self {
        Self::usage(&error)
    }
}

impl From<ReportError> for AppError {
    fn from(error: ReportError) -> Self {
        Self::record(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::JournalError;

    fn refused() -> PortError {
        PortError::new(ErrorKind::Denied, "storing a record", "the disk is read-only")
            .because(&std::io::Error::other("EROFS"))
            .fix("mount it anew")
    }

    #[test]
    fn the_parts_of_an_error_survive_whatever_it_is_wrapped_in() {
        let why = AppError::from(refused()).explanation();
        assert_eq!(why.message, "storing a record: the disk is read-only");
        assert_eq!(
            (why.causes, why.fix.as_deref()),
            (vec!["EROFS".to_owned()], Some("mount it anew"))
        );

        let journal = JournalError {
            environment: "staging".parse().unwrap(),
            source: refused(),
        };
        let why = AppError::Drive(DriveError::Journal(journal)).explanation();
        assert_eq!(why.message, "the ledger of staging does not take the record");
        assert_eq!(why.causes, ["storing a record: the disk is read-only", "EROFS"]);
        assert_eq!(why.fix.as_deref(), Some("mount it anew"));
    }

    #[test]
    fn one_line_says_all_that_a_record_of_the_ledger_is_to_keep() {
        let error = AppError::not_allowed(&refused());
        assert_eq!(
            error.to_string(),
            "refused: storing a record: the disk is read-only: EROFS; mount it anew"
        );
    }

    #[test]
    fn what_failed_before_anything_was_touched_is_not_called_rolled_back() {
        assert_eq!(AppError::validation("it failed").exit(), Exit::CheckFailed);
        assert_eq!(Exit::CheckFailed as u8, 9);
    }
}

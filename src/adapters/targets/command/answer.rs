//! What a command's end and output say.

use super::record::{Deployed, Record};
use crate::domain::model::{ErrorKind, PortError};
use crate::ports::Finished;

/// "Temporary failure; the user is invited to retry" (sysexits.h).
const EX_TEMPFAIL: i32 = 75;
/// Lines of a failed command's output that go into the error.
const SHOWN: usize = 10;

/// The release that a line of `status` speaks of.
pub(super) fn recognise(record: &Record, line: &str) -> Option<Deployed> {
    let newest = record.attempted.as_ref().or(record.current.as_ref());
    if line.is_empty() {
        // While a deployment is under way nobody knows: it is not said to run.
        return record.current.clone().filter(|_| record.attempted.is_none());
    }
    [newest, record.current.as_ref(), record.before.as_ref()]
        .into_iter()
        .flatten()
        .find(|deployed| deployed.is_called(line))
        .or_else(|| {
            record
                .current
                .as_ref()
                .filter(|_| record.printed.as_deref() == Some(line))
        })
        .cloned()
}

pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// How a command ended, with the end of what it wrote.
pub(super) fn ending(finished: &Finished) -> String {
    let how = match finished.code {
        Some(code) => format!("ended with {code}"),
        None => "was ended by a signal".to_owned(),
    };
    let written = if finished.stderr.trim().is_empty() {
        &finished.stdout
    } else {
        &finished.stderr
    };
    let lines: Vec<&str> = written.trim_end().lines().collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN)..];
    if shown.is_empty() {
        format!("{how} and wrote nothing")
    } else {
        format!("{how}: {}", shown.join("\n"))
    }
}

pub(super) fn succeeded(doing: &str, finished: &Finished) -> Result<(), PortError> {
    if finished.timed_out {
        let message = format!("it took longer than {} and was ended", finished.took);
        return Err(PortError::new(ErrorKind::Ambiguous, doing, message));
    }
    let kind = match finished.code {
        Some(0) => return Ok(()),
        Some(EX_TEMPFAIL) => ErrorKind::Transient,
        _ => ErrorKind::Invalid,
    };
    Err(PortError::new(kind, doing, format!("it {}", ending(finished))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{Period, Timestamp};

    fn deployed(version: &str, release: &str) -> Deployed {
        Deployed {
            release: release.repeat(16).parse().unwrap(),
            version: version.into(),
            image: String::new(),
            digest: String::new(),
            at: Timestamp::from_unix_millis(0),
        }
    }

    #[test]
    fn a_line_of_status_names_a_release_in_one_of_its_ways() {
        let mut record = Record {
            current: Some(deployed("2.0", "b")),
            before: Some(deployed("1.0", "a")),
            attempted: None,
            printed: Some("container 4711".into()),
        };
        let version = |record: &Record, line: &str| recognise(record, line).map(|d| d.version);
        for (line, found) in [
            ("2.0", Some("2.0")),
            ("bbbbbbbbbbbbbbbb", Some("2.0")),
            ("1.0", Some("1.0")),
            ("container 4711", Some("2.0")),
            ("container 1", None),
            ("", Some("2.0")),
            ("3.0", None),
        ] {
            assert_eq!(version(&record, line).as_deref(), found, "{line:?}");
        }
        record.attempted = Some(deployed("3.0", "c"));
        assert_eq!(version(&record, "3.0").as_deref(), Some("3.0"));
        assert_eq!(
            version(&record, ""),
            None,
            "nobody knows how far the attempt came"
        );
    }

    #[test]
    fn how_a_command_ended_decides_what_can_be_done() {
        let kind = |code: Option<i32>, timed_out| {
            let finished = Finished {
                code,
                timed_out,
                stdout: "1\n2\n".into(),
                stderr: " \n".into(),
                took: Period::from_secs(3),
            };
            succeeded("deploying", &finished)
                .err()
                .map(|e| (e.kind, e.why.message))
        };
        assert_eq!(kind(Some(0), false), None);
        assert_eq!(
            kind(Some(75), false),
            Some((ErrorKind::Transient, "it ended with 75: 1\n2".into()))
        );
        assert_eq!(
            kind(Some(1), false),
            Some((ErrorKind::Invalid, "it ended with 1: 1\n2".into()))
        );
        assert_eq!(
            kind(None, true),
            Some((
                ErrorKind::Ambiguous,
                "it took longer than 3s and was ended".into()
            ))
        );
    }
}

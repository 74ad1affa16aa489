//! Objects of a repository, read one after the other from a single `git cat-file --batch`.

use super::process;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// The largest object that is read, in bytes: the directory of a million records.
const LARGEST: u64 = 64 << 20;
/// How long one answer may take. A partial clone may have to fetch the object first.
const PATIENCE: Duration = Duration::from_secs(60);

/// An object: a file's content, a directory, a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its id, in hex digits.
    pub id: String,
    /// `blob`, `tree`, `commit` or `tag`.
    pub kind: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A running `git cat-file --batch`; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Objects {
    child: Child,
    ask: ChildStdin,
    answers: Receiver<io::Result<Option<Object>>>,
}

impl Objects {
    /// Starts it; `command` is git in the repository.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let (Some(ask), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("git has no pipes"));
        };
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let answer = answer(&mut output);
                let last = answer.is_err();
                if sender.send(answer).is_err() || last {
                    return;
                }
            }
        });
        Ok(Self { child, ask, answers })
    }

    /// The object that `name` names (`<id>`, `<commit>:<path>`); `None` when there is none.
    ///
    /// # Errors
    /// After any of them it is of no use any more.
    pub(super) fn get(&mut self, name: &str) -> io::Result<Option<Object>> {
        if name.contains('\n') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a name of two lines"));
        }
        self.ask.write_all(format!("{name}\n").as_bytes())?;
        self.ask.flush()?;
        self.answers.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let message = format!("git did not answer within {} s", PATIENCE.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        })
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let _ = process::end(&mut self.child);
    }
}

/// Reads one answer (git-cat-file(1), "Batch output").
fn answer(output: &mut impl BufRead) -> io::Result<Option<Object>> {
    let mut heading = String::new();
    output.by_ref().take(4096).read_line(&mut heading)?;
    let heading = heading.trim_end_matches('\n');
    let words: Vec<&str> = heading.split(' ').collect();
    if let [_, .., "missing" | "ambiguous"] = words.as_slice() {
        return Ok(None);
    }
    let [id, kind, size] = words.as_slice() else {
        let message = format!("git answered {heading:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    };
    let size: u64 = size
        .parse()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    if size > LARGEST {
        let message = format!("{id} has {size} bytes; at most {LARGEST} are read");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut bytes = Vec::new();
    output.by_ref().take(size + 1).read_to_end(&mut bytes)?;
    if bytes.pop() != Some(b'\n') || bytes.len() as u64 != size {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "git's answer is cut off",
        ));
    }
    Ok(Some(Object {
        id: (*id).to_owned(),
        kind: (*kind).to_owned(),
        bytes,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_and_bounded() {
        let mut output: &[u8] = b"aa blob 3\na\nb\naa:x y missing\nbb tree 0\n\n";
        let blob = answer(&mut output).unwrap().unwrap();
        assert_eq!(
            (blob.id.as_str(), blob.kind.as_str(), blob.bytes.as_slice()),
            ("aa", "blob", b"a\nb".as_slice())
        );
        assert_eq!(answer(&mut output).unwrap(), None);
        assert_eq!(answer(&mut output).unwrap().unwrap().bytes, b"");
        assert!(answer(&mut output).is_err(), "the end");
        for broken in [
            "aa blob 9\nshort\n",
            "nonsense\n",
            "aa blob 99999999999\n",
            "aa blob x\n",
        ] {
            assert!(answer(&mut broken.as_bytes()).is_err(), "{broken}");
        }
    }
}

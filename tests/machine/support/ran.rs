//! How a command ended, and greenroom as a command that knows nothing of whoever runs the tests.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) status: i32,
    /// Standard output, as it was.
    pub(crate) out: String,
    /// Standard error, as it was.
    pub(crate) err: String,
    /// What differs from run to run, each with what stands for it in [`Ran::shown`].
    pub(crate) shapes: Vec<(String, &'static str)>,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            shapes: Vec::new(),
        }
    }

    /// Standard output, which has to be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// Status and both streams, with what differs from run to run replaced.
    pub(crate) fn shown(&self) -> String {
        let mut shown = format!("status {}\n", self.status);
        for (name, text) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !text.is_empty() {
                shown += &format!("-- {name}\n{}", self.steady(text));
            }
        }
        shown
    }

    fn steady(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, placeholder) in &self.shapes {
            text = text.replace(found.as_str(), placeholder);
        }
        for (shape, placeholder) in [
            (&*format!("sha256:{}", "H".repeat(64)), "[DIGEST]"),
            ("DDDDDDDD-DDDDDD-HHHHHHHH", "[ID]"),
            ("-DDDDDDDD-DDDDDD", "-[STAMP]"),
            ("DDDD-DD-DDTDD:DD:DD.DDDZ", "[TIME]"),
            ("DDDD-DD-DD DD:DD:DD UTC", "[TIME]"),
            ("HHHHHHHHHHHH)", "[DIGEST])"),
            ("127.0.0.1:DDDDD", "[INSTANCE]"),
        ] {
            text = replace_shape(&text, shape, placeholder);
        }
        let lines: Vec<String> = text.lines().map(replace_durations).collect();
        lines.join("\n") + "\n"
    }
}

/// `D` stands for a digit, `H` for a hexadecimal one, everything else for itself.
fn replace_shape(text: &str, shape: &str, placeholder: &str) -> String {
    let fits = |at: &[u8]| {
        at.len() >= shape.len()
            && shape.bytes().zip(at).all(|(expected, found)| match expected {
                b'D' => found.is_ascii_digit(),
                b'H' => found.is_ascii_digit() || (b'a'..=b'f').contains(found),
                other => other == *found,
            })
    };
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if fits(rest.as_bytes()) {
            replaced += placeholder;
            rest = &rest[shape.len()..];
        } else {
            replaced.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    replaced
}

/// Measured times (`48ms`, `0.4s`) become `[T]`; a whole number of seconds was configured and stays.
fn replace_durations(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let bare = word.trim_matches(|c: char| "(),;:.".contains(c));
        let measured = match (bare.strip_suffix("ms"), bare.strip_suffix('s')) {
            (Some(number), _) => number.parse::<u64>().is_ok(),
            (None, Some(number)) => number.contains('.') && number.parse::<f64>().is_ok(),
            (None, None) => false,
        };
        if measured {
            // The column of the elapsed time is as wide as it needs to be.
            while words.last().is_some_and(String::is_empty) && words.len() > 1 {
                words.pop();
            }
            words.push(word.replace(bare, "[T]"));
        } else {
            words.push(word.to_owned());
        }
    }
    // What took less than a millisecond is told in other words.
    words.join(" ").replace("under [T]", "[T]")
}

/// greenroom with these words in `directory`, with nothing of this process's environment but the search path.
pub(crate) fn greenroom(directory: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_greenroom"));
    command
        .args(words)
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env!("PATH"))
        .env("USER", "ana")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

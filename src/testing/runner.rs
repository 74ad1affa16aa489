//! The contract of [`Runner`], a fake that answers from a script, and commands made of hooks.

use crate::domain::model::{ErrorKind, Period, PortError};
use crate::engine::PrepareHook;
use crate::ports::{Captured, Command, Finished, Hear, Runner};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

/// Checks everything that [`Runner`] promises, on a machine that has a POSIX shell.
///
/// # Errors
/// When a command cannot be run that has to be.
///
/// # Panics
/// When the contract is broken.
pub fn runner_contract(runner: &dyn Runner) -> Result<(), PortError> {
    let shell = |script: &str| Command {
        argv: ["sh", "-c", script, "name", "$HOME; `two words`"]
            .map(String::from)
            .to_vec(),
        directory: None,
        variables: BTreeMap::from([("GIVEN".to_owned(), "a b".to_owned())]),
        secrets: BTreeMap::new(),
        timeout: Period::from_secs(20),
    };
    let words = runner.run(&shell("printf '%s|%s' \"$1\" \"$GIVEN\""))?;
    assert_eq!(
        (words.code, words.stdout.as_str()),
        (Some(0), "$HOME; `two words`|a b")
    );
    let input = runner.run(&shell("cat; echo error >&2; exit 3"))?;
    assert_eq!(
        (input.code, input.stderr.as_str()),
        (Some(3), "error\n"),
        "standard input is empty"
    );
    let signal = runner.run(&shell("kill -9 $$"))?;
    assert!(signal.code.is_none() && !signal.timed_out);
    let mut slow = shell("sleep 30");
    slow.timeout = Period::from_millis(100);
    let slow = runner.run(&slow)?;
    assert!(slow.timed_out && slow.took < Period::from_secs(10));
    let mut on = |_: Option<&str>| ControlFlow::Continue(());
    let whole = runner.capture(&shell("seq 1 30000; echo error >&2; exit 3"), 1 << 20, &mut on)?;
    assert_eq!(whole.stdout.len(), 168_894, "nothing is cut off");
    assert_eq!(
        (
            whole.finished.code,
            whole.finished.stderr.as_str(),
            whole.overflowed
        ),
        (Some(3), "error\n", false)
    );
    let much = runner.capture(&shell("seq 1 30000; sleep 30"), 10, &mut on)?;
    assert_eq!(
        (much.stdout.as_slice(), much.overflowed),
        (&b"1\n2\n3\n4\n5\n"[..], true)
    );
    assert!(much.finished.took < Period::from_secs(10), "it is ended at once");
    let broken = runner.capture(&shell("sleep 30"), 10, &mut |_| ControlFlow::Break(()))?;
    assert!(
        broken.finished.code.is_none() && !broken.finished.timed_out,
        "it is ended when whoever waits breaks off"
    );
    let mut absent = shell("");
    absent.argv = vec!["greenroom-no-such-program".to_owned()];
    let absent = runner.run(&absent).err().map(|error| error.kind);
    assert_eq!(absent, Some(ErrorKind::Missing));
    Ok(())
}

/// Answers each command from its script, and remembers what it was asked. A command that is not in the
/// script is an error.
#[derive(Default)]
pub struct ScriptedRunner {
    script: Mutex<BTreeMap<Vec<String>, Finished>>,
    asked: Mutex<Vec<Command>>,
}

impl ScriptedRunner {
    /// From now on `argv` ends with `code` and this standard output.
    pub fn answer(&self, argv: &[&str], code: i32, stdout: &str) {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        let finished = Finished {
            code: Some(code),
            timed_out: false,
            stdout: stdout.to_owned(),
            stderr: String::new(),
            took: Period::from_millis(1),
        };
        self.script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(argv, finished);
    }

    /// The commands that were run since the last time this was asked, in order.
    pub fn take(&self) -> Vec<Command> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Runner for ScriptedRunner {
    fn run(&self, command: &Command) -> Result<Finished, PortError> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(command.clone());
        self.script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&command.argv)
            .cloned()
            .ok_or_else(|| {
                let doing = format!("running {:?}", command.argv);
                PortError::new(ErrorKind::Missing, doing, "it is not in the script")
            })
    }

    fn capture(&self, command: &Command, most: usize, _hear: &mut Hear<'_>) -> Result<Captured, PortError> {
        let mut finished = self.run(command)?;
        let mut stdout = std::mem::take(&mut finished.stdout).into_bytes();
        let overflowed = stdout.len() > most;
        stdout.truncate(most);
        Ok(Captured {
            finished,
            stdout,
            overflowed,
        })
    }
}

/// Makes commands of hooks as they are written, with no variables and no secrets.
pub fn hooks_as_written() -> PrepareHook {
    Arc::new(|hook, _| {
        Ok(Command {
            argv: hook.argv.clone(),
            directory: None,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            timeout: hook.timeout,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::runner::LocalRunner;

    #[test]
    fn this_machine_keeps_the_contract() {
        runner_contract(&LocalRunner::new(&BTreeMap::new(), std::env::temp_dir())).unwrap();
    }

    #[test]
    fn the_fake_refuses_what_is_not_in_its_script() {
        let runner = ScriptedRunner::default();
        runner.answer(&["deploy", "1.0"], 0, "done\n");
        let mut command = Command {
            argv: vec!["deploy".into(), "1.0".into()],
            directory: None,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            timeout: Period::ZERO,
        };
        assert_eq!(runner.run(&command).unwrap().stdout, "done\n");
        command.argv.pop();
        assert_eq!(runner.run(&command).unwrap_err().kind, ErrorKind::Missing);
        assert_eq!(runner.take().len(), 2);
    }
}

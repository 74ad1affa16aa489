//! A test of this executable as a process of its own, which another test kills.

use std::process::{Command, Stdio};

/// The ignored test `function` of `module`, which is what `module_path!()` gives. It has to be there: a name
/// that leads nowhere would run nothing, and succeed.
pub(crate) fn own_test(module: &str, function: &str) -> Command {
    let (_, module) = module.split_once("::").unwrap();
    let name = format!("{module}::{function}");
    let words = ["--ignored", "--exact", &name];
    let own = std::env::current_exe().unwrap();
    let listed = Command::new(&own).args(words).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.lines().any(|line| line == format!("{name}: test")),
        "there is no ignored test {name}: {listed}"
    );
    let mut command = Command::new(own);
    command.args(words).stdout(Stdio::null());
    command
}

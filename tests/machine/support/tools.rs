//! The programs from PyPI that `tests/tools.sh` installs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, which has to be there.
pub(crate) fn tool(name: &str) -> PathBuf {
    // Beside the executables that cargo built, wherever that is.
    let target = Path::new(env!("CARGO_BIN_EXE_greenroom"));
    let target = target.parent().and_then(Path::parent).unwrap();
    let path = target.join("tools/venv/bin").join(name);
    assert!(
        path.exists(),
        "{} is not there: run tests/tools.sh, which installs it",
        path.display()
    );
    path
}

/// Runs the tool in `directory`, with no network to ask and no settings of this machine.
pub(crate) fn run(name: &str, directory: &Path, words: &[&str]) -> Output {
    Command::new(tool(name))
        .args(words)
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env!("PATH"))
        .env("HOME", directory)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

/// The same, where it has to be content. What it printed is returned.
pub(crate) fn content(name: &str, directory: &Path, words: &[&str]) -> String {
    let output = run(name, directory, words);
    let shown =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {words:?}\n{shown}");
    shown
}

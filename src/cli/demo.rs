//! `greenroom demo`.

use super::shell::Shell;
use crate::app::{AppError, Exit};
use crate::demo::{Chapter, Teller, proxmox, tell};
use crate::domain::model::Explanation;
use std::path::PathBuf;

/// The service that the demo ships: the source of `examples/hello.rs`, so that `greenroom demo` needs
/// nothing but this executable.
#[path = "../../examples/hello.rs"]
mod hello;

/// See it work: four versions of a small service on this machine, in seconds
///
/// Version 1 goes out; version 2 goes out blue-green while clients count every answer; version 3 fails
/// its health check and is put back; version 4 is healthy but answers errors, and is caught by the
/// canary. Needs no network and leaves nothing running. Exits with 0 only when every count is right.
///
/// With --proxmox the versions go into virtual machines of a Proxmox cluster that greenroom brings along.
///
/// Example: greenroom demo --proxmox
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Be the service that the demo ships
    #[arg(long, hide = true)]
    serve: bool,
    /// Into virtual machines, on a Proxmox cluster that greenroom brings along
    #[arg(long)]
    proxmox: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    if args.serve {
        return match hello::main() {
            Ok(()) => Ok(Exit::Done),
            Err(error) => Err(AppError::project(Explanation::of(error.as_ref()))),
        };
    }
    let parent = shell
        .context
        .environment
        .get("TMPDIR")
        .filter(|path| !path.is_empty());
    let parent = PathBuf::from(parent.unwrap_or("/tmp"));
    let mut out = Out { shell, chapters: 0 };
    let clock = &shell.context.clock;
    let began = clock.monotonic();
    // What the demo deploys is nobody's: a job that shows it must not tell the job's repository.
    let audience = shell.audience(false).silent();
    let (holds, next) = if args.proxmox {
        let holds = proxmox::tell(&shell.context, &parent, &audience, &mut out)?;
        (
            holds,
            "docs/proxmox.md, from an empty cluster to the first deployment",
        )
    } else {
        let holds = tell(&shell.context, &parent, &audience, &mut out)?;
        (holds, "examples/quickstart, the same as files to copy")
    };
    let took = (clock.monotonic() - began).as_secs_f64();
    if holds {
        shell.say(&format!("\nEverything held, in {took:.1} s. Next: {next}."));
        return Ok(Exit::Done);
    }
    shell.warn(&format!(
        "\nerror: not everything held, after {took:.1} s: see the lines with an x above"
    ));
    Ok(Exit::Bug)
}

struct Out<'a> {
    shell: &'a Shell,
    chapters: u32,
}

impl Teller for Out<'_> {
    fn chapter(&mut self, chapter: &Chapter) {
        self.chapters += 1;
        self.shell.say(&format!(
            "\n{}. {}\n   {}",
            self.chapters, chapter.title, chapter.why
        ));
    }

    fn check(&mut self, holds: bool, what: &str) {
        let sign = match (holds, self.shell.style().unicode) {
            (true, true) => "✓",
            (true, false) => "ok",
            (false, _) => "x",
        };
        self.shell.say(&format!("   {sign} {what}"));
    }

    fn text(&mut self, text: &str) {
        for line in text.lines() {
            self.shell.say(&format!("   {line}"));
        }
    }
}

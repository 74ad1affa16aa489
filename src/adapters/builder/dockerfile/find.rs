//! Which of the builders is here, works, and can build this image.

use super::bench::Bench;
use super::{Tool, buildah, docker};
use crate::domain::model::{ErrorKind, PortError};
use crate::ports::Finished;
use serde_json::Value;
use std::fmt;

/// The first buildx that knows `--provenance`.
const OLDEST_BUILDX: (u64, u64) = (0, 10);
/// From here on docker builds with BuildKit only through buildx.
const DOCKER_WITHOUT_BUILDKIT: u64 = 23;

/// A builder that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) tool: Tool,
    /// Whether docker has BuildKit.
    pub(super) buildkit: bool,
    version: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.tool, self.version)?;
        if self.tool == Tool::Docker && !self.buildkit {
            f.write_str(" without BuildKit")?;
        }
        Ok(())
    }
}

/// The wanted one, or the first of all that works and can build this image.
///
/// # Errors
/// When there is none, with what is wrong with each.
pub(super) fn find(bench: &Bench<'_>, wanted: Option<Tool>) -> Result<Found, PortError> {
    let mut reasons = Vec::new();
    let tools = wanted.map_or_else(|| Tool::ALL.to_vec(), |tool| vec![tool]);
    for tool in tools {
        match examine(bench, tool) {
            Ok(found) => return Ok(found),
            Err(reason) => reasons.push(format!("{tool}: {reason}")),
        }
    }
    let advice = match wanted {
        Some(_) => "fix that, or take `builder` out to have another one found",
        None => "install one of them, or start its daemon",
    };
    Err(PortError::new(
        ErrorKind::Unsupported,
        format!("building {}", bench.request.repository),
        format!("no builder can do it here\n  {}", reasons.join("\n  ")),
    )
    .fix(advice))
}

/// Whether it works and can build this image; the error is a sentence.
fn examine(bench: &Bench<'_>, tool: Tool) -> Result<Found, String> {
    let found = match tool {
        Tool::Buildx => buildx(bench)?,
        Tool::Docker => plain_docker(bench)?,
        Tool::Buildah => daemonless(bench, tool, "buildah")?,
        Tool::Podman => daemonless(bench, tool, "podman")?,
    };
    let refusal = match tool {
        Tool::Buildx => None,
        Tool::Docker => docker::refuses(bench.image, found.buildkit, bench.host().is_some()),
        Tool::Buildah | Tool::Podman => buildah::refuses(bench.image),
    };
    refusal.map_or(Ok(found), |refusal| Err(refusal.to_owned()))
}

fn buildx(bench: &Bench<'_>) -> Result<Found, String> {
    let version = buildx_version(bench)?;
    let inspected = answer(bench, &["docker", "buildx", "inspect"])?;
    let driver = field(&inspected.stdout, "Driver:").unwrap_or_default();
    if driver == "docker" {
        return Err("its builder has the driver `docker`, which cannot push by digest; make another one with docker buildx create --use".to_owned());
    }
    Ok(Found {
        tool: Tool::Buildx,
        buildkit: true,
        version,
    })
}

/// `github.com/docker/buildx v0.11.2 9872040`.
fn buildx_version(bench: &Bench<'_>) -> Result<String, String> {
    let said = answer(bench, &["docker", "buildx", "version"])?.stdout;
    let version = said
        .split_whitespace()
        .find(|word| number(word).is_some_and(|(major, minor)| (major, minor) != (0, 0)))
        .filter(|_| said.contains("buildx"))
        .ok_or("it does not say which version it is")?;
    if number(version).is_some_and(|found| found < OLDEST_BUILDX) {
        return Err(format!("{version} is too old; 0.10 or later is needed"));
    }
    Ok(version.trim_start_matches('v').to_owned())
}

fn plain_docker(bench: &Bench<'_>) -> Result<Found, String> {
    let said = answer(bench, &["docker", "version", "--format", "{{json .}}"])?;
    // The client of podman that is called docker: podman is asked by its own name.
    if format!("{}{}", said.stdout, said.stderr)
        .to_lowercase()
        .contains("podman")
    {
        return Err("what is called docker here is podman".to_owned());
    }
    let versions: Value = serde_json::from_str(said.stdout.trim())
        .map_err(|_| "it does not say which version it is".to_owned())?;
    let version = |part: &str| versions[part]["Version"].as_str().map(str::to_owned);
    let client = version("Client").ok_or("it does not say which version it is")?;
    if version("Server").is_none() {
        return Err("its daemon does not answer".to_owned());
    }
    let built_in = number(&client).is_some_and(|(major, _)| major < DOCKER_WITHOUT_BUILDKIT);
    Ok(Found {
        tool: Tool::Docker,
        buildkit: built_in || buildx_version(bench).is_ok(),
        version: client,
    })
}

fn daemonless(bench: &Bench<'_>, tool: Tool, program: &str) -> Result<Found, String> {
    let said = answer(bench, &[program, "--version"])?.stdout;
    let version = said.split_whitespace().find(|word| number(word).is_some());
    let version = version.unwrap_or_default().to_owned();
    // Its storage has to be usable, too.
    answer(bench, &[program, "info"])?;
    Ok(Found {
        tool,
        buildkit: false,
        version,
    })
}

/// What a program says when it succeeds; else why it does not, in one line.
fn answer(bench: &Bench<'_>, argv: &[&str]) -> Result<Finished, String> {
    let finished = bench.ask(argv).map_err(|error| error.why.to_string())?;
    if finished.code == Some(0) {
        return Ok(finished);
    }
    if finished.timed_out {
        return Err("it does not answer".to_owned());
    }
    // A program that goes on about its use says first what is wrong.
    let said = finished.stderr.lines().find(|line| !line.trim().is_empty());
    Err(said.map_or_else(
        || format!("{} fails without a word", argv.join(" ")),
        |line| line.trim().chars().take(300).collect(),
    ))
}

/// What follows `name` in a line of its own.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines()
        .find_map(|line| line.trim().strip_prefix(name))
        .map(str::trim)
}

/// The first two numbers of a version: `v0.11.2`, `20.10.24+dfsg1`.
fn number(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
    Some((major, minor.parse().ok()?))
}

//! What belongs to the project as a whole: configuration, repository, ledger, registry, programs.

use super::check::DoctorCheck;
use crate::app::workspace::{RecordLocation, Workspace};
use crate::config::environment::Environment;
use crate::config::image::{Build, BuilderName};
use crate::config::scan::ScanSource;
use crate::domain::model::{ErrorKind, RepositoryName, Tag};
use crate::host::runner::LocalRunner;
use crate::host::{files, random};

use std::collections::BTreeSet;
use std::path::Path;

/// The tag that is asked for; whether it is there does not matter.
const ASKED: &str = "latest";

/// Looks at everything that belongs to no single environment; at the registries of `environments`.
pub(super) fn examine(workspace: &Workspace, environments: &[&Environment]) -> Vec<DoctorCheck> {
    let mut checks = vec![configuration(workspace), repository(workspace)];
    checks.extend(ledger(workspace));
    checks.extend(registries(workspace, environments));
    checks.push(builder(workspace));
    checks.extend(scanner(workspace));
    checks
}

fn configuration(workspace: &Workspace) -> DoctorCheck {
    let count = workspace.project.environments.len();
    let found = format!(
        "{} with {count} environment(s)",
        workspace.root.join(crate::app::PIPELINE).display()
    );
    match workspace.project.unsupported.first() {
        None => DoctorCheck::ok("configuration", found),
        Some(unsupported) => DoctorCheck::warning(
            "configuration",
            format!("{found}; {} cannot be used in this version", unsupported.what),
        )
        .fix("greenroom check"),
    }
}

fn repository(workspace: &Workspace) -> DoctorCheck {
    match workspace.repository().head() {
        Ok(Some(commit)) => DoctorCheck::ok("git repository", format!("at {}", commit.short())),
        Ok(None) => DoctorCheck::skipped("git repository", "there is none, or it has no commit yet"),
        Err(error) => DoctorCheck::setup("git repository", error.to_string())
            .fix("apt-get install git, or run greenroom inside the clone"),
    }
}

fn ledger(workspace: &Workspace) -> Vec<DoctorCheck> {
    let written = match workspace.record() {
        Ok(RecordLocation::Directory(directory)) => in_directory(directory),
        Ok(RecordLocation::Branch(branch, _)) => match branch.try_push() {
            Ok(()) => DoctorCheck::ok("ledger", format!("{} takes pushes", branch.place())),
            Err(error) => DoctorCheck::access("ledger", error.to_string())
                .fix("`permissions: contents: write` for the job, or another `ledger:` (docs/ledger.md)"),
        },
        Err(error) => return vec![DoctorCheck::setup("ledger", error.to_string()).fix("greenroom check")],
    };
    vec![written, chains(workspace)]
}

fn in_directory(directory: &Path) -> DoctorCheck {
    let shown = directory.display();
    match try_to_write(directory) {
        Ok(()) => DoctorCheck::ok("ledger", format!("{shown} can be written")),
        Err(error) => DoctorCheck::setup("ledger", format!("{shown} cannot be written: {error}")).fix(
            format!("chown -R \"$(id -u)\" '{shown}', or name another one under `ledger:`"),
        ),
    }
}

/// Writes a file and removes it, in the directory or the nearest one above that is there.
fn try_to_write(directory: &Path) -> std::io::Result<()> {
    // Something that is no directory cannot have records in it.
    let there = directory.ancestors().find(|above| above.exists());
    let file = there
        .unwrap_or(directory)
        .join(format!(".greenroom-{}", random::hex(8)?));
    files::create_new(&file, b"", files::PRIVATE)?;
    std::fs::remove_file(file)
}

fn chains(workspace: &Workspace) -> DoctorCheck {
    let what = "ledger's heads";
    let ledger = match workspace.ledger() {
        Ok(ledger) => ledger,
        Err(error) => return DoctorCheck::setup(what, error.to_string()).fix("greenroom check"),
    };
    let names = match ledger.environments() {
        Ok(names) => names,
        Err(error) => return DoctorCheck::access(what, error.to_string()).fix("greenroom audit verify"),
    };
    if names.is_empty() {
        return DoctorCheck::skipped(what, "nothing was ever recorded");
    }
    for name in &names {
        if let Err(error) = ledger.head(name) {
            return DoctorCheck::access(what, format!("{name}: {error}"))
                .fix(format!("greenroom audit verify {name}"));
        }
    }
    DoctorCheck::ok(
        what,
        format!("those of {} chain(s) are where they should be", names.len()),
    )
}

fn registries(workspace: &Workspace, environments: &[&Environment]) -> Vec<DoctorCheck> {
    let own = workspace.project.image.as_ref();
    let own = own.map(|image| image.repository.as_str());
    let repositories: BTreeSet<&str> = environments
        .iter()
        .filter_map(|environment| workspace.images_of(environment))
        .chain(own)
        .collect();
    if repositories.is_empty() {
        return vec![DoctorCheck::skipped("registry", "the project has no image")];
    }
    repositories
        .into_iter()
        .map(|repository| registry(workspace, repository))
        .collect()
}

/// Asks for a tag: this needs the way there, and credentials where it is not public.
fn registry(workspace: &Workspace, repository: &str) -> DoctorCheck {
    let what = format!("registry of {repository}");
    let host = repository.parse::<RepositoryName>().ok();
    let host = host
        .as_ref()
        .and_then(RepositoryName::registry)
        .map(str::to_owned);
    let asked = workspace.registry().resolve(repository, &Tag::nearest(ASKED));
    match (asked, host) {
        (Ok(_), None) => DoctorCheck::ok(what, "the project's own store"),
        (Ok(Some(_)), Some(host)) => DoctorCheck::ok(what, format!("{host} answers, and has images")),
        (Ok(None), Some(host)) => DoctorCheck::ok(what, format!("{host} answers; there is no {ASKED} yet")),
        (Err(error), None) => DoctorCheck::setup(what, error.to_string()).fix("ls -la .greenroom/images"),
        (Err(error), Some(host)) => {
            let check = DoctorCheck::access(what, error.to_string());
            match error.kind {
                ErrorKind::Denied => check.fix(format!(
                    "docker login {host}, or set GREENROOM_REGISTRY_USERNAME and GREENROOM_REGISTRY_PASSWORD"
                )),
                _ => check.fix(format!("curl -I https://{host}/v2/")),
            }
        }
    }
}

/// The programs that can build a Containerfile.
const TOOLS: [&str; 3] = ["docker", "buildah", "podman"];

fn builder(workspace: &Workspace) -> DoctorCheck {
    let what = "builder";
    let Some(image) = &workspace.project.image else {
        return DoctorCheck::skipped(what, "the project has no image");
    };
    match &image.build {
        Build::None => DoctorCheck::skipped(what, "the image is built elsewhere"),
        Build::Files(_) => DoctorCheck::ok(what, "greenroom packs the image itself"),
        Build::Command(command) => {
            let first = command.run.first().map_or("", String::as_str);
            program(workspace, what, &[first])
        }
        Build::Dockerfile(dockerfile) => match dockerfile.builder {
            None => program(workspace, what, &TOOLS),
            Some(BuilderName::Buildx | BuilderName::Docker) => program(workspace, what, &["docker"]),
            Some(BuilderName::Buildah) => program(workspace, what, &["buildah"]),
            Some(BuilderName::Podman) => program(workspace, what, &["podman"]),
        },
    }
}

fn scanner(workspace: &Workspace) -> Option<DoctorCheck> {
    let scan = workspace.project.scan.as_ref()?;
    Some(match &scan.source {
        ScanSource::Command { argv, .. } => {
            let first = argv.first().map_or("", String::as_str);
            program(workspace, "scanner", &[first])
        }
        ScanSource::Report(file) => {
            DoctorCheck::skipped("scanner", format!("the report {} is read", file.display()))
        }
    })
}

/// Whether one of these programs is there.
pub(super) fn program(workspace: &Workspace, what: &str, names: &[&str]) -> DoctorCheck {
    let runner = LocalRunner::new(workspace.context.environment.variables(), workspace.root.clone());
    let mut missing = Vec::new();
    for name in names {
        match runner.locate(name) {
            Ok(path) => return DoctorCheck::ok(what, path.display().to_string()),
            Err(why) => missing.push(why.to_string()),
        }
    }
    DoctorCheck::setup(what, missing.join("; ")).fix(match names {
        [only] if only.contains('/') => format!("chmod +x '{only}'"),
        _ => format!("apt-get install {}", names.join(", or ")),
    })
}

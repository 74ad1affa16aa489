//! The image and how it is built.

use super::super::diagnostic::Diagnostic;
use super::super::image::{Build, BuildCommand, Dockerfile, Files, Image, Layer};
use super::super::place::Located;
use super::super::raw::{RawBuild, RawDockerfile, RawFiles, RawImage};
use super::super::scalar::plain;
use super::super::unsupported::{Part, Unsupported};
use super::pipeline::later;

pub(super) fn resolve(
    raw: Located<RawImage>,
    unsupported: &mut Vec<Unsupported>,
    problems: &mut Vec<Diagnostic>,
) -> Image {
    let Located { value: raw, place } = raw;
    check_repository(&raw.repository, problems);
    let build_place = raw
        .build
        .as_ref()
        .map_or(raw.repository.place, |build| build.place);
    let build = match raw.build.map(|build| build.value) {
        None => Build::Dockerfile(dockerfile(RawDockerfile::default(), problems)),
        Some(RawBuild::Dockerfile(raw)) => Build::Dockerfile(dockerfile(raw, problems)),
        Some(RawBuild::Files(raw)) => Build::Files(files(raw, problems)),
        Some(RawBuild::Command(raw)) => Build::Command(BuildCommand {
            run: raw.run.0,
            digest_file: raw.digest_file,
        }),
        Some(RawBuild::None) => Build::None,
    };
    match &build {
        Build::Dockerfile(_) => {
            unsupported.push(later(Part::Build, "building from a Containerfile", build_place));
        }
        Build::Command(_) => {
            unsupported.push(later(Part::Build, "building by a command", build_place));
        }
        Build::Files(_) | Build::None => {}
    }
    Image {
        repository: raw.repository.value,
        build,
        place,
    }
}

/// Reports a name that is no repository's.
pub(super) fn check_repository(repository: &Located<String>, problems: &mut Vec<Diagnostic>) {
    let after_slash = repository.rsplit('/').next().unwrap_or("");
    if repository.is_empty() || after_slash.contains([':', '@']) || repository.contains([' ', '{']) {
        problems.push(
            Diagnostic::error(repository.place, "not a repository")
                .help("write it without tag and digest, like ghcr.io/acme/nextcloud"),
        );
    }
}

fn dockerfile(raw: RawDockerfile, problems: &mut Vec<Diagnostic>) -> Dockerfile {
    Dockerfile {
        file: raw.file,
        context: raw.context.unwrap_or_else(|| ".".into()),
        target: raw.target,
        platforms: platforms(raw.platforms, problems),
        args: plain(raw.args),
        provenance: raw.provenance,
        sbom: raw.sbom,
    }
}

fn files(raw: RawFiles, problems: &mut Vec<Diagnostic>) -> Files {
    if raw.layers.is_empty() {
        problems.push(
            Diagnostic::error(raw.layers.place, "an image needs at least one layer")
                .help("write [{ from: dist/, to: /app }]"),
        );
    }
    let absolute: Vec<&Located<String>> = raw
        .layers
        .iter()
        .map(|layer| &layer.to)
        .chain(&raw.working_directory)
        .collect();
    for path in absolute {
        if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
            problems.push(
                Diagnostic::error(path.place, "a path in the image is absolute and holds no `..`")
                    .help(format!("write /{}", path.trim_start_matches(['.', '/']))),
            );
        }
    }
    Files {
        base: raw.base.filter(|base| base != "scratch"),
        layers: raw
            .layers
            .value
            .into_iter()
            .map(|layer| Layer {
                from: layer.from,
                to: layer.to.value,
            })
            .collect(),
        entrypoint: raw.entrypoint.0,
        command: raw.command.map(|command| command.0).unwrap_or_default(),
        env: plain(raw.env),
        working_directory: raw.working_directory.map(|path| path.value),
        ports: raw.ports.into_iter().map(|port| port.0).collect(),
        user: raw.user,
        platforms: platforms(raw.platforms, problems),
    }
}

fn platforms(raw: Vec<Located<String>>, problems: &mut Vec<Diagnostic>) -> Vec<String> {
    for platform in &raw {
        let parts: Vec<&str> = platform.split('/').collect();
        if !matches!(parts.len(), 2 | 3) || parts.iter().any(|part| part.is_empty()) {
            problems.push(
                Diagnostic::error(platform.place, "not a platform")
                    .help("write system and architecture, like linux/amd64"),
            );
        }
    }
    raw.into_iter().map(|platform| platform.value).collect()
}

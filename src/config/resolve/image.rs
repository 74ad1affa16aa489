//! The image and how it is built.

use super::super::diagnostic::Diagnostic;
use super::super::image::{Build, BuildCommand, Dockerfile, Files, Image, Layer, Smoke};
use super::super::place::{Located, Span};
use super::super::raw::{RawBuild, RawBuildCommand, RawDockerfile, RawFiles, RawImage, RawSmoke};
use super::super::scalar::plain;
use super::suite::check_path;
use crate::domain::model::{Period, SecretSource};
use std::collections::BTreeMap;

/// After this a build is ended.
const BUILD_TIMEOUT: Period = Period::from_secs(30 * 60);
/// Until this a built image has to answer.
const STARTUP: Period = Period::from_secs(30);
/// After this the command of a smoke test is ended.
const SMOKE_TIMEOUT: Period = Period::from_secs(60);
/// How the names begin by which builders read their own settings.
const RESERVED: &[&str] = &[
    "LD_",
    "DOCKER_",
    "BUILDX_",
    "BUILDKIT_",
    "BUILDAH_",
    "CONTAINER",
    "STORAGE_",
    "REGISTR",
    "XDG_",
    "GREENROOM_",
];

pub(super) fn resolve(raw: Located<RawImage>, problems: &mut Vec<Diagnostic>) -> Image {
    let Located { value: raw, place } = raw;
    check_repository(&raw.repository, problems);
    let build_place = raw
        .build
        .as_ref()
        .map_or(raw.repository.place, |build| build.place);
    let build = match raw.build.map(|build| build.value) {
        None => Build::Dockerfile(dockerfile(RawDockerfile::default(), build_place, problems)),
        Some(RawBuild::Dockerfile(raw)) => Build::Dockerfile(dockerfile(raw, build_place, problems)),
        Some(RawBuild::Files(raw)) => Build::Files(files(raw, problems)),
        Some(RawBuild::Command(raw)) => Build::Command(command(raw)),
        Some(RawBuild::None) => Build::None,
    };
    Image {
        repository: raw.repository.value,
        build,
        smoke: raw.smoke.map(|smoke| self::smoke(smoke, problems)),
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

fn dockerfile(raw: RawDockerfile, place: Span, problems: &mut Vec<Diagnostic>) -> Dockerfile {
    check_secrets(&raw.secrets, problems);
    let args: BTreeMap<String, String> = raw
        .args
        .into_iter()
        .map(|(name, value)| (name.0, value.0))
        .collect();
    for name in args.keys() {
        let own = ["PATH", "HOME", "LANG", "TMPDIR"].contains(&name.as_str());
        if own || RESERVED.iter().any(|start| name.starts_with(start)) {
            problems.push(
                Diagnostic::error(
                    place,
                    format!("`{name}` is a setting of the builder itself and no build argument"),
                )
                .help("give the argument another name, in the Containerfile too"),
            );
        }
    }
    Dockerfile {
        file: raw.file,
        context: raw.context.unwrap_or_else(|| ".".into()),
        target: raw.target,
        platforms: platforms(raw.platforms, problems),
        args,
        secrets: raw.secrets,
        builder: raw.builder,
        timeout: raw.timeout.unwrap_or(BUILD_TIMEOUT),
        provenance: raw.provenance,
        sbom: raw.sbom,
    }
}

fn check_secrets(secrets: &BTreeMap<String, Located<SecretSource>>, problems: &mut Vec<Diagnostic>) {
    for (id, source) in secrets {
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
            problems.push(
                Diagnostic::error(source.place, format!("{id:?} cannot be the id of a secret"))
                    .help("use letters, digits, `_`, `.` and `-`"),
            );
        }
    }
}

fn command(raw: RawBuildCommand) -> BuildCommand {
    BuildCommand {
        run: raw.run.0,
        digest_file: raw.digest_file,
        secrets: raw
            .secrets
            .into_iter()
            .map(|(name, source)| (name.0, source))
            .collect(),
        timeout: raw.timeout.unwrap_or(BUILD_TIMEOUT),
    }
}

fn smoke(raw: RawSmoke, problems: &mut Vec<Diagnostic>) -> Smoke {
    if let Some(path) = &raw.path {
        check_path(path, problems);
    }
    if let Some(startup) = &raw.startup
        && startup.is_zero()
    {
        problems.push(
            Diagnostic::error(startup.place, "nothing starts in no time").help("give it some, like 20s"),
        );
    }
    Smoke {
        port: raw.port.0,
        path: raw.path.map_or_else(|| "/health".to_owned(), |path| path.value),
        startup: raw.startup.map_or(STARTUP, |startup| startup.value),
        variables: plain(raw.variables),
        command: raw.command.map(|command| command.0),
        timeout: raw.timeout.unwrap_or(SMOKE_TIMEOUT),
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

//! buildah, and what podman has in common with it: no daemon. The image is written into a layout
//! directory and stored from there, because neither pushes to a registry without a tag.

use super::super::index::index;
use super::super::stored;
use super::bench::Bench;
use super::buildx::common;
use super::layout;
use super::{DockerfileImage, ProvenanceMode};
use crate::domain::model::{Digest, Explanation, PortError};
use crate::domain::oci::{Descriptor, PlatformOf, media};
use crate::host::files::read_bounded;
use crate::host::platform::Platform;

use std::collections::BTreeMap;

/// A digest and a line break.
const LARGEST: u64 = 256;

/// Why it cannot build this image; `None` when it can.
pub(super) fn refuses(image: &DockerfileImage) -> Option<&'static str> {
    (image.provenance != ProvenanceMode::None || image.sbom)
        .then_some("it makes no attestations (provenance, sbom); docker buildx does")
}

pub(super) fn perform(bench: &Bench<'_>) -> Result<Digest, PortError> {
    perform_by(bench, "buildah")
}

/// The same by `program`, which has the same commands.
pub(super) fn perform_by(bench: &Bench<'_>, program: &str) -> Result<Digest, PortError> {
    let platforms = &bench.image.platforms;
    if let [] | [_] = platforms.as_slice() {
        return one(bench, program, platforms.first().map(String::as_str), 0);
    }
    // One after the other, and the index by greenroom: theirs lists the images in the order in which
    // they were done, and so has another digest each time.
    let mut images = Vec::new();
    for (place, platform) in platforms.iter().enumerate() {
        let digest = one(bench, program, Some(platform), place)?;
        let manifest = stored(bench.registry, &bench.request.repository, &digest)?;
        images.push(Descriptor {
            media_type: media::MANIFEST.to_owned(),
            digest,
            size: manifest.len() as u64,
            platform: Some(platform_of(platform).map_err(|cause| bench.error(cause))?),
            annotations: BTreeMap::new(),
            artifact_type: None,
            urls: Vec::new(),
        });
    }
    let index = serde_json::to_vec(&index(bench.request, &images)).map_err(|cause| bench.error(&cause))?;
    bench
        .registry
        .push_manifest(&bench.request.repository, &index, &[])
}

fn platform_of(platform: &str) -> Result<PlatformOf, String> {
    let platform: Platform = platform.parse()?;
    Ok(PlatformOf {
        os: platform.os,
        architecture: platform.architecture,
        variant: platform.variant,
    })
}

/// Builds and stores the image for one platform.
fn one(bench: &Bench<'_>, program: &str, platform: Option<&str>, place: usize) -> Result<Digest, PortError> {
    let name = format!("localhost/{}-{place}", bench.mark);
    let stored = store(bench, program, platform, &name);
    // By name: an image of the same content that somebody else named stays.
    bench.tidy(&[program, "rmi", &name]);
    stored
}

fn store(bench: &Bench<'_>, program: &str, platform: Option<&str>, name: &str) -> Result<Digest, PortError> {
    let (directory, digest_file) = (bench.path("oci"), bench.path("digest"));
    bench.build(words(bench, program, platform, name), &[])?;
    let push = [
        program,
        "push",
        "--digestfile",
        &digest_file.display().to_string(),
        name,
        &format!("oci:{}", directory.display()),
    ];
    bench.run(push.map(String::from).to_vec())?;
    let digest = read_bounded(&digest_file, LARGEST)
        .map_err(|e| Explanation::from(&e))
        .and_then(|bytes| String::from_utf8(bytes).map_err(|e| Explanation::from(&e)))
        .and_then(|text| text.trim().parse::<Digest>().map_err(|e| Explanation::from(&e)))
        .map_err(|cause| {
            let message = format!("the digest that {program} wrote cannot be read");
            bench.error(Explanation::new(message).because(&cause))
        })?;
    layout::store(bench, &directory, &digest)?;
    Ok(digest)
}

fn words(bench: &Bench<'_>, program: &str, platform: Option<&str>, name: &str) -> Vec<String> {
    let mut words: Vec<String> = [program, "build", "--format", "oci"].map(String::from).to_vec();
    words.extend(common(bench.image, bench.request));
    // All times are those of the commit: the same commit gives the same digest.
    words.extend(["--timestamp".to_owned(), bench.epoch()]);
    if let Some(platform) = platform {
        words.extend(["--platform".to_owned(), platform.to_owned()]);
    }
    words.extend(["--tag".to_owned(), name.to_owned()]);
    words.push(bench.image.context.display().to_string());
    words
}

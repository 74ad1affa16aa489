//! buildah, and what podman has in common with it: no daemon. The image is written into a layout
//! directory and stored from there, because neither pushes to a registry without a tag.

use super::bench::Bench;
use super::buildx::common;
use super::layout;
use super::{DockerfileImage, Provenance};
use crate::host::files::read_bounded;
use crate::model::Digest;
use crate::ports::PortError;

/// A digest and a line break.
const LARGEST: u64 = 256;

/// Why it cannot build this image; `None` when it can.
pub(super) fn refuses(image: &DockerfileImage) -> Option<&'static str> {
    (image.provenance != Provenance::None || image.sbom)
        .then_some("it makes no attestations (provenance, sbom); docker buildx does")
}

pub(super) fn perform(bench: &Bench<'_>) -> Result<Digest, PortError> {
    perform_by(bench, "buildah")
}

/// The same by `program`, which has the same commands.
pub(super) fn perform_by(bench: &Bench<'_>, program: &str) -> Result<Digest, PortError> {
    let name = format!("localhost/{}", bench.mark);
    let several = bench.image.platforms.len() > 1;
    let stored = store(bench, program, &name, several);
    // By name: an image of the same content that somebody else named stays.
    if several {
        bench.tidy(&[program, "manifest", "rm", &name]);
    } else {
        bench.tidy(&[program, "rmi", &name]);
    }
    stored
}

fn store(bench: &Bench<'_>, program: &str, name: &str, several: bool) -> Result<Digest, PortError> {
    let (directory, digest_file) = (bench.path("oci"), bench.path("digest"));
    bench.build(words(bench, program, name, several), &[])?;
    let destination = format!("oci:{}", directory.display());
    let mut words: Vec<String> = vec![program.to_owned()];
    if several {
        words.extend(["manifest", "push", "--all"].map(String::from));
    } else {
        words.push("push".to_owned());
    }
    words.extend(["--digestfile".to_owned(), digest_file.display().to_string()]);
    words.extend([name.to_owned(), destination]);
    bench.run(words)?;
    let digest = read_bounded(&digest_file, LARGEST)
        .map_err(|e| e.to_string())
        .and_then(|bytes| String::from_utf8(bytes).map_err(|e| e.to_string()))
        .and_then(|text| text.trim().parse::<Digest>().map_err(|e| e.to_string()))
        .map_err(|cause| bench.error(format!("the digest that {program} wrote cannot be read: {cause}")))?;
    layout::store(bench, &directory, &digest)?;
    Ok(digest)
}

fn words(bench: &Bench<'_>, program: &str, name: &str, several: bool) -> Vec<String> {
    let image = bench.image;
    let mut words: Vec<String> = [program, "build", "--format", "oci"].map(String::from).to_vec();
    words.extend(common(image, bench.request));
    // All times are those of the commit: the same commit gives the same digest.
    words.extend(["--timestamp".to_owned(), bench.epoch()]);
    if !image.platforms.is_empty() {
        words.extend(["--platform".to_owned(), image.platforms.join(",")]);
    }
    words.extend([if several { "--manifest" } else { "--tag" }.to_owned(), name.to_owned()]);
    words.push(image.context.display().to_string());
    words
}

//! docker buildx: pushes by digest, and writes down which.

use super::bench::{Bench, secret_variable};
use super::layout;
use super::{DockerfileImage, ProvenanceMode};
use crate::domain::model::{Digest, Explanation, PortError};
use crate::host::files::read_bounded;

use serde_json::Value;
use std::path::Path;

/// The metadata of a build with attestations for many platforms is some ten kilobytes.
const LARGEST: u64 = 4 << 20;

pub(super) fn perform(bench: &Bench<'_>) -> Result<Digest, PortError> {
    let (metadata, directory) = (bench.path("metadata.json"), bench.path("oci"));
    let output = match bench.host() {
        Some(_) => pushed(&bench.request.repository),
        None => format!(
            "type=oci,tar=false,dest={},rewrite-timestamp=true",
            directory.display()
        ),
    };
    bench.build(words(bench.image, bench, &output, &metadata), &[])?;
    let digest = digest(&metadata).map_err(|cause| bench.error(cause))?;
    if bench.host().is_none() {
        layout::store(bench, &directory, &digest)?;
    }
    Ok(digest)
}

/// Where the image goes: to the repository, by digest alone. Times in its layers are those of the
/// commit, so that the same commit gives the same digest.
fn pushed(repository: &str) -> String {
    format!(
        "type=image,name={repository},push=true,push-by-digest=true,name-canonical=true,oci-mediatypes=true,rewrite-timestamp=true"
    )
}

fn words(image: &DockerfileImage, bench: &Bench<'_>, output: &str, metadata: &Path) -> Vec<String> {
    let mut words: Vec<String> = ["docker", "buildx", "build", "--progress=plain"]
        .map(String::from)
        .to_vec();
    words.extend(common(image, bench.request));
    // What is not asked for is refused by name: buildx adds provenance by itself otherwise.
    words.push(format!(
        "--provenance={}",
        match image.provenance {
            ProvenanceMode::None => "false",
            ProvenanceMode::Min => "mode=min",
            ProvenanceMode::Max => "mode=max",
        }
    ));
    words.push(format!("--sbom={}", image.sbom));
    words.extend(["--output".to_owned(), output.to_owned()]);
    words.extend(["--metadata-file".to_owned(), metadata.display().to_string()]);
    if !image.platforms.is_empty() {
        words.extend(["--platform".to_owned(), image.platforms.join(",")]);
    }
    words.push(image.context.display().to_string());
    words
}

/// The words that mean the same to all builders.
pub(super) fn common(image: &DockerfileImage, request: &crate::ports::BuildRequest) -> Vec<String> {
    let mut words = vec!["--file".to_owned(), image.file.display().to_string()];
    if let Some(target) = &image.target {
        words.extend(["--target".to_owned(), target.clone()]);
    }
    for name in image.args.keys() {
        words.extend(["--build-arg".to_owned(), name.clone()]);
    }
    for (place, id) in image.secrets.keys().enumerate() {
        words.extend([
            "--secret".to_owned(),
            format!("id={id},env={}", secret_variable(place)),
        ]);
    }
    for (name, value) in &request.labels {
        words.extend(["--label".to_owned(), format!("{name}={value}")]);
    }
    words
}

/// `containerimage.digest` of the metadata file: that of the index where there is one.
fn digest(metadata: &Path) -> Result<Digest, Explanation> {
    let unreadable =
        |cause: Explanation| Explanation::new("what buildx wrote about it cannot be read").because(&cause);
    let bytes = read_bounded(metadata, LARGEST).map_err(|e| unreadable((&e).into()))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| unreadable((&e).into()))?;
    value["containerimage.digest"]
        .as_str()
        .and_then(|digest| digest.parse().ok())
        .ok_or_else(|| unreadable("it names no containerimage.digest".into()))
}

//! docker without buildx: pushes only what has a tag, so that it gets one that nobody wants.

use super::DockerfileImage;
use super::ProvenanceMode;
use super::bench::Bench;
use super::buildx::common;
use crate::domain::model::{Digest, PortError};

/// Why it cannot build this image; `None` when it can.
pub(super) fn refuses(image: &DockerfileImage, buildkit: bool, to_registry: bool) -> Option<&'static str> {
    if image.provenance != ProvenanceMode::None || image.sbom {
        Some("it makes no attestations (provenance, sbom); docker buildx does")
    } else if image.platforms.len() > 1 {
        Some("it builds one platform at a time; docker buildx, buildah and podman build several")
    } else if !buildkit && !image.secrets.is_empty() {
        Some("it passes on no secrets without BuildKit; install its buildx plugin")
    } else if !buildkit && !image.platforms.is_empty() {
        Some("it builds for no named platform without BuildKit; install its buildx plugin")
    } else if !to_registry {
        Some("it stores in a registry only: write its host into image.repository, or install buildah")
    } else {
        None
    }
}

/// Builds and pushes; and what is worth knowing about it.
pub(super) fn perform(bench: &Bench<'_>, buildkit: bool) -> Result<(Digest, Option<String>), PortError> {
    let reference = format!("{}:{}", bench.request.repository, bench.mark);
    let pushed = push(bench, buildkit, &reference);
    // Its layers stay as a cache.
    bench.tidy(&["docker", "rmi", "--no-prune", &reference]);
    pushed
}

fn push(bench: &Bench<'_>, buildkit: bool, reference: &str) -> Result<(Digest, Option<String>), PortError> {
    let switch = if buildkit { "1" } else { "0" };
    bench.build(words(bench, buildkit, reference), &[("DOCKER_BUILDKIT", switch)])?;
    let pushed = bench.run(["docker", "push", reference].map(String::from).to_vec())?;
    let note = bench.untag(&bench.mark);
    match digest(&pushed.stdout) {
        Some(digest) => Ok((digest, note)),
        None => Err(bench.error(format!("docker push did not say which digest {reference} has"))),
    }
}

fn words(bench: &Bench<'_>, buildkit: bool, reference: &str) -> Vec<String> {
    let mut words: Vec<String> = ["docker", "build"].map(String::from).to_vec();
    if buildkit {
        words.push("--progress=plain".to_owned());
    }
    words.extend(common(bench.image, bench.request));
    for platform in &bench.image.platforms {
        words.extend(["--platform".to_owned(), platform.clone()]);
    }
    words.extend(["--tag".to_owned(), reference.to_owned()]);
    words.push(bench.image.context.display().to_string());
    words
}

/// The digest in the last line of a push: `TAG: digest: sha256:… size: 735`.
fn digest(said: &str) -> Option<Digest> {
    said.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once(": digest: ")?;
        rest.split_whitespace().next()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_push_is_in_its_last_line() {
        let hex = "80284b9508a81a3a0341475da70f6cb2bb25fd0ef70f939a5aa1f5d4007c73ff";
        let said = format!(
            "The push refers to repository [a/b]\n64eb1ea91ab5: Pushed\ntmp: digest: sha256:{hex} size: 735\n"
        );
        assert_eq!(digest(&said).unwrap().hex(), hex);
        assert_eq!(digest("tmp: digest: sha256:12 size: 1\n"), None);
        assert_eq!(digest("denied\n"), None);
    }
}

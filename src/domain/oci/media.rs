//! Media types (OCI image spec 1.1, "Media Types"; Docker image manifest, version 2, schema 2).

/// An index: one image per platform, or the referrers of an image.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An image.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Docker's word for an index.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's word for an image.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// An image's configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Docker's word for a configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// The configuration of what is no image.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// A compressed layer.
pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// Docker's word for a compressed layer.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// All that a manifest can be. Whoever asks a registry for less may be given a converted manifest, whose
/// digest is another, or none at all.
pub const MANIFESTS: [&str; 4] = [INDEX, DOCKER_LIST, MANIFEST, DOCKER_MANIFEST];

/// Whether content of this type is a manifest or an index, and not a blob.
pub fn is_manifest(media_type: &str) -> bool {
    MANIFESTS.contains(&media_type)
}

/// Whether content of this type lists other manifests.
pub fn is_index(media_type: &str) -> bool {
    [INDEX, DOCKER_LIST].contains(&media_type)
}

//! Files on a base image.

use super::yard::Yard;
use serde_json::Value;

const BASE: &str = "FROM scratch\nCOPY busybox /bin/busybox\nENV LEVEL=debug KEEP=yes\nEXPOSE 9090\nUSER 1000\n\
    WORKDIR /base\nLABEL team=green\nENTRYPOINT [\"/bin/busybox\"]\nCMD [\"sh\"]\n";

fn pipeline(repository: &str, build: &str) -> String {
    format!(
        "service: app\nversion: {{ value: 1.2.3 }}\nimage:\n  repository: {repository}\n  build: {build}\nenvironments: [staging.yaml]\n"
    )
}

/// A store with a base for two platforms, in docker's words where asked.
fn yard(docker: bool) -> Yard {
    let yard = Yard::new(
        "repository: acme/base\nbuild: { dockerfile: { platforms: [linux/amd64, linux/arm64] } }",
        &["buildah"],
    );
    yard.write("Containerfile", BASE);
    let built = yard.must();
    let from = yard.store("acme/base", built["tags"][0].as_str().unwrap());
    let to = yard.store("acme/base", "1");
    let format = if docker { "v2s2" } else { "oci" };
    if docker {
        // An OCI layout keeps docker's words only where they are put into it byte for byte.
        let directory = format!("dir:{}", yard.root("converted").display());
        yard.skopeo(&[
            "copy",
            "--override-arch",
            "amd64",
            "--format",
            format,
            &from,
            &directory,
        ]);
        yard.adopt("converted", "acme/base", "1");
    } else {
        yard.skopeo(&["copy", "--all", &from, &to]);
    }
    yard
}

impl Yard {
    /// Takes what skopeo wrote into a directory into the project's own store, byte for byte.
    fn adopt(&self, directory: &str, repository: &str, tag: &str) {
        use greenroom::adapters::registry::layout::LayoutRegistry;
        use greenroom::domain::model::Digest;
        use greenroom::ports::{Blob, Registry, in_memory};
        let registry = LayoutRegistry::open(self.path(".greenroom/images"));
        let read = |name: &str| std::fs::read(self.root(directory).join(name)).unwrap();
        let bytes = read("manifest.json");
        let manifest: Value = serde_json::from_slice(&bytes).unwrap();
        let layers = manifest["layers"].as_array().unwrap().clone();
        for part in layers.iter().chain([&manifest["config"]]) {
            let digest: Digest = part["digest"].as_str().unwrap().parse().unwrap();
            let content = read(digest.hex());
            let blob = Blob {
                digest: &digest,
                size: content.len() as u64,
                from: None,
                open: &in_memory(&content),
            };
            registry.push_blob(repository, &blob).unwrap();
        }
        registry
            .push_manifest(repository, &bytes, &[tag.parse().unwrap()])
            .unwrap();
    }
}

const FILES: &str = "{ files: { base: \"acme/base:1\", layers: [{ from: staging.yaml, to: /app/ }], entrypoint: [/app/run], env: { LEVEL: info }, ports: [8080], platforms: [PLATFORMS] } }";

#[test]
fn files_on_a_base_take_over_its_settings_and_layers() {
    let yard = yard(false);
    yard.write(
        "greenroom.yaml",
        pipeline("acme/app", &FILES.replace("PLATFORMS", "linux/arm64")),
    );
    let built = yard.must();
    let reference = yard.store("acme/app", built["tags"][0].as_str().unwrap());
    let config = yard.skopeo(&["inspect", "--config", "--override-arch", "arm64", &reference]);
    assert_eq!(config["architecture"], "arm64");
    let run = &config["config"];
    assert_eq!(run["Env"].as_array().unwrap().last().unwrap(), "LEVEL=info");
    assert!(
        run["Env"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line == "KEEP=yes")
    );
    assert!(
        !run["Env"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line == "LEVEL=debug")
    );
    assert_eq!(run["Entrypoint"], serde_json::json!(["/app/run"]));
    assert_eq!(
        run["Cmd"],
        Value::Null,
        "the base's arguments belong to the base's entry point"
    );
    assert_eq!(run["User"], "1000");
    assert_eq!(run["WorkingDir"], "/base");
    assert_eq!(
        run["ExposedPorts"],
        serde_json::json!({ "8080/tcp": {}, "9090/tcp": {} })
    );
    assert_eq!(run["Labels"]["team"], "green");
    assert_eq!(run["Labels"]["org.opencontainers.image.version"], "1.2.3");
    let manifest = yard.skopeo(&["inspect", "--raw", &reference]);
    let (layers, diffs) = (&manifest["layers"], &config["rootfs"]["diff_ids"]);
    assert_eq!(layers.as_array().unwrap().len(), diffs.as_array().unwrap().len());
    assert_eq!(
        manifest["annotations"]["org.opencontainers.image.base.name"],
        "acme/base:1"
    );
    // A second implementation checks every digest, diff ids among them.
    let storage = "containers-storage:localhost/check:1";
    yard.skopeo(&["copy", "--override-arch", "arm64", &reference, storage]);
    // Once more: the same digest.
    assert_eq!(yard.must()["image"]["digest"], built["image"]["digest"]);
}

#[test]
fn several_platforms_on_a_base_make_an_index() {
    let yard = yard(false);
    yard.write(
        "greenroom.yaml",
        pipeline(
            "acme/app",
            &FILES.replace("PLATFORMS", "linux/amd64, linux/arm64"),
        ),
    );
    let built = yard.must();
    let reference = yard.store("acme/app", built["tags"][0].as_str().unwrap());
    let index = yard.skopeo(&["inspect", "--raw", &reference]);
    let children = index["manifests"].as_array().unwrap();
    let architectures: Vec<&str> = children
        .iter()
        .filter_map(|child| child["platform"]["architecture"].as_str())
        .collect();
    assert_eq!(architectures, ["amd64", "arm64"]);
    let copy = yard.root("copy");
    yard.skopeo(&["copy", "--all", &reference, &format!("dir:{}", copy.display())]);

    yard.write(
        "greenroom.yaml",
        pipeline("acme/app", &FILES.replace("PLATFORMS", "linux/s390x")),
    );
    let done = yard.build(&[]);
    assert_eq!(done.status, 3);
    assert!(
        done.err
            .contains("no image for linux/s390x, only for linux/amd64, linux/arm64"),
        "{}",
        done.err
    );
    yard.write(
        "greenroom.yaml",
        pipeline(
            "acme/app",
            &FILES
                .replace("base:1", "base:nope")
                .replace("PLATFORMS", "linux/amd64"),
        ),
    );
    let done = yard.build(&[]);
    assert!(done.err.contains("there is no acme/base:nope"), "{}", done.err);
}

#[test]
fn a_base_in_dockers_words_stays_in_them() {
    let yard = yard(true);
    yard.write(
        "greenroom.yaml",
        pipeline("acme/app", &FILES.replace("PLATFORMS", "linux/amd64")),
    );
    let built = yard.must();
    // skopeo reads no layout with docker's words in it; the bytes are looked at as they are.
    let digest = built["image"]["digest"].as_str().unwrap().replace("sha256:", "");
    let blob = yard.path(".greenroom/images/acme/app/blobs/sha256").join(digest);
    let manifest: Value = serde_json::from_slice(&std::fs::read(blob).unwrap()).unwrap();
    let docker = |kind: &str| format!("application/vnd.docker.{kind}");
    assert_eq!(manifest["mediaType"], docker("distribution.manifest.v2+json"));
    assert_eq!(manifest["config"]["mediaType"], docker("container.image.v1+json"));
    assert_eq!(manifest["annotations"], Value::Null);
    for layer in manifest["layers"].as_array().unwrap() {
        assert_eq!(layer["mediaType"], docker("image.rootfs.diff.tar.gzip"));
    }
}

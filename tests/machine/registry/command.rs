//! `greenroom build` into a registry.

use crate::support::daemon::{Daemon, PASSWORD, run};
use crate::support::ran;
use std::fs;
use std::path::Path;
use std::process::Output;

fn greenroom(project: &Path, variables: &[(&str, &str)]) -> Output {
    ran::greenroom(project, &["build", "-e", "staging"])
        .env("HOME", project)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn an_image_whose_repository_names_a_registry_goes_there() {
    let daemon = Daemon::with_tokens(300);
    let project = tempfile::tempdir().unwrap();
    let repository = daemon.repository("acme/hello");
    let pipeline = format!(
        "service: hello\nversion: {{ file: VERSION }}\nimage:\n  repository: \"{repository}\"\n  build:\n    files:\n      \
         layers: [{{ from: app, to: /app }}]\n      entrypoint: [/app/hello]\nenvironments: [staging.yaml]\n"
    );
    fs::write(project.path().join("greenroom.yaml"), pipeline).unwrap();
    fs::write(project.path().join("VERSION"), "1.2.3\n").unwrap();
    fs::write(
        project.path().join("staging.yaml"),
        "name: staging\ntype: staging\nlocal: { instances: 1 }\n",
    )
    .unwrap();
    fs::create_dir(project.path().join("app")).unwrap();
    fs::write(project.path().join("app/hello"), "#!/bin/sh\n").unwrap();

    let refused = greenroom(project.path(), &[]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(message.contains("no credentials were found"), "{message}");

    let user = ("GREENROOM_REGISTRY_USERNAME", "ci");
    let wrong = greenroom(
        project.path(),
        &[user, ("GREENROOM_REGISTRY_PASSWORD", "swordfish")],
    );
    let message = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(
        message.contains("GREENROOM_REGISTRY_PASSWORD") && !message.contains("swordfish"),
        "{message}"
    );

    let built = greenroom(project.path(), &[user, ("GREENROOM_REGISTRY_PASSWORD", PASSWORD)]);
    let (out, message) = (
        String::from_utf8_lossy(&built.stdout),
        String::from_utf8_lossy(&built.stderr),
    );
    assert!(built.status.success(), "{out}{message}");
    let tag = out
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("staging-v"))
        .unwrap();
    let tag = format!("docker://{repository}:{tag}");
    let digest = run(
        "skopeo",
        &["inspect", "--tls-verify=false", "--format", "{{.Digest}}", &tag],
    );
    let digest = String::from_utf8(digest).unwrap();
    assert!(out.contains(&format!("{repository}@{}", digest.trim())), "{out}");
    assert!(
        !project.path().join(".greenroom/images").exists(),
        "nothing is kept here"
    );
}

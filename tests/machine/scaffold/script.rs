//! `deploy/compose.sh`, run with programs that stand in for docker and ssh.

use crate::scaffold::combinations::{render, usual};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Tells its words and the number of lines that it reads, and says what runs.
const DOCKER: &str = "#!/bin/sh\n\
    echo \"docker IMAGE=$IMAGE VERSION=$VERSION: $*\" >>\"$LOG\"\n\
    case $1 in ps) cat \"$LOG.running\" 2>/dev/null || true ;; *) echo \"$(cat | grep -c services:) compose file\" >>\"$LOG\" ;; esac\n";
/// Runs the last word as a shell on the host does. The key has to be private.
const SSH: &str = "#!/bin/sh\n\
    while [ $# -gt 1 ]; do [ \"$1\" != -i ] || stat -c 'key %a' \"$2\" >>\"$LOG\"; host=$word; word=$1; shift; done\n\
    echo \"ssh $word\" >>\"$LOG\"\n\
    [ ! -e \"$LOG.down\" ] || exit 255\n\
    exec sh -c \"$1\"\n";

struct Stage(TempDir);

impl Stage {
    fn new() -> Self {
        let stage = Self(tempfile::tempdir().unwrap());
        for file in render(&usual()) {
            let path = stage.path(&file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &file.text).unwrap();
            if file.executable {
                make_executable(&path);
            }
        }
        fs::create_dir(stage.path("bin")).unwrap();
        for (name, text) in [("docker", DOCKER), ("ssh", SSH)] {
            let path = stage.path("bin").join(name);
            fs::write(&path, text).unwrap();
            make_executable(&path);
        }
        stage
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.0.path().join(file)
    }

    fn run(&self, action: &str, more: &[(&str, &str)]) -> Output {
        let path = format!("{}:{}", self.path("bin").display(), std::env!("PATH"));
        Command::new(self.path("deploy/compose.sh"))
            .env_clear()
            .env("PATH", path)
            .env("LOG", self.path("log"))
            .env("TMPDIR", self.0.path())
            .env("GREENROOM_ACTION", action)
            .env("GREENROOM_SERVICE", "shop")
            .env("GREENROOM_ENVIRONMENT", "staging")
            .env("GREENROOM_IMAGE", "ghcr.io/acme/shop@sha256:00")
            .env("GREENROOM_VERSION", "1.0.0; touch owned")
            .envs(more.iter().copied())
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let _ = fs::remove_file(self.path("log"));
        log
    }
}

fn make_executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

const HOST: [(&str, &str); 3] = [
    ("DEPLOY_HOST", "deploy@staging.example"),
    ("DEPLOY_KEY", "a key"),
    ("DEPLOY_KNOWN_HOSTS", "a host"),
];

#[test]
fn the_script_deploys_here_or_on_a_host_and_no_value_becomes_a_command() {
    let stage = Stage::new();
    let words = "docker IMAGE=ghcr.io/acme/shop@sha256:00 VERSION=1.0.0; touch owned: compose --project-name \
                 shop-staging --file - up --detach --wait --remove-orphans\n1 compose file\n";
    let output = stage.run("deploy", &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(stage.log(), words);
    let output = stage.run("rollback", &HOST);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        stage.log(),
        format!("key 600\nssh deploy@staging.example\n{words}")
    );
    assert!(!stage.path("owned").exists());
    let left: Vec<_> = fs::read_dir(stage.0.path())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("tmp."))
        .collect();
    assert!(left.is_empty(), "the key is left behind: {left:?}");
}

#[test]
fn the_script_says_what_runs_and_that_a_host_out_of_reach_may_come_back() {
    let stage = Stage::new();
    assert_eq!(stage.run("status", &HOST).status.code(), Some(1));
    fs::write(stage.path("log.running"), "ghcr.io/acme/shop@sha256:00\nother\n").unwrap();
    let output = stage.run("status", &HOST);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"ghcr.io/acme/shop@sha256:00\n");
    fs::write(stage.path("log.down"), "").unwrap();
    assert_eq!(stage.run("deploy", &HOST).status.code(), Some(75));
    assert_eq!(stage.run("status", &HOST).status.code(), Some(75));
    assert_eq!(stage.run("dance", &[]).status.code(), Some(64));
}

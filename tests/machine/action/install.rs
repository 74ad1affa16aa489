//! `install.sh`, run as the step of the action runs it.

use crate::support::address::free_address;
use crate::support::files::repository;
use crate::support::ran::Ran;
use crate::support::server::Server;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const TARGET: &str = "x86_64-unknown-linux-musl";

/// A checkout of the action, and the directory of a job's own files.
struct Job {
    directory: TempDir,
}

impl Job {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let job = Self { directory };
        for made in ["action/scripts", "temp", "bin", "assets"] {
            fs::create_dir_all(job.path(made)).unwrap();
        }
        for file in ["install.sh", "scripts/checksums.sh", "Cargo.toml"] {
            fs::copy(repository(file), job.path("action").join(file)).unwrap();
        }
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn installed(&self) -> PathBuf {
        self.path("temp/greenroom/bin/greenroom")
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The programs of the machine, without cargo and whatever else lies beside it; `bin` comes first.
    fn search_path(&self) -> String {
        format!("{}:/usr/bin:/bin", self.path("bin").display())
    }

    fn install(&self, variables: &[(&str, &str)]) -> Ran {
        let output = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .arg(self.path("action/install.sh"))
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", self.search_path())
            .env("RUNNER_TEMP", self.path("temp"))
            .env("GREENROOM_PLATFORM_OF_TEST", "Linux x86_64")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Ran::of(output)
    }

    /// What the installed executable says.
    fn said(&self) -> String {
        let output = Command::new(self.installed()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A release whose executable says `text`, its checksum in the script.
    fn release(&self, text: &str) -> PathBuf {
        let version = env!("CARGO_PKG_VERSION");
        self.script("assets/greenroom", &format!("#!/bin/sh\necho {text}\n"));
        let asset = self.path(&format!("assets/greenroom-{version}-{TARGET}.tar.gz"));
        let packed = Command::new("tar")
            .arg("-czf")
            .arg(&asset)
            .arg("-C")
            .arg(self.path("assets"))
            .arg("greenroom")
            .status()
            .unwrap();
        assert!(packed.success());
        let written = Command::new(self.path("action/scripts/checksums.sh"))
            .arg(self.path("assets"))
            .output()
            .unwrap();
        assert!(written.status.success(), "{written:?}");
        asset
    }
}

/// A server on this machine that answers requests for the file at its place in the release, and no other.
fn serve(file: &Path) -> Server {
    let file = file.to_path_buf();
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let wanted = format!("/v{}/{name}", env!("CARGO_PKG_VERSION"));
    Server::of(move |method, path| match (method, path == wanted) {
        ("GET", true) => (200, fs::read(&file).unwrap()),
        _ => (404, Vec::new()),
    })
}

#[test]
fn an_executable_that_is_named_is_linked() {
    let job = Job::new();
    let binary = job.script("my greenroom", "#!/bin/sh\necho mine\n");
    let ran = job.install(&[
        ("GREENROOM_BIN", "my greenroom"),
        ("GREENROOM_RELEASES", "http://127.0.0.1:9"),
    ]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert_eq!(ran.out, "greenroom from GREENROOM_BIN\n");
    assert_eq!(
        fs::read_link(job.installed()).unwrap(),
        fs::canonicalize(binary).unwrap()
    );
    assert_eq!(job.said(), "mine");
    // And again in the next step of the job.
    job.script("other", "#!/bin/sh\necho other\n");
    assert_eq!(
        job.install(&[("GREENROOM_BIN", job.path("other").to_str().unwrap())])
            .status,
        0
    );
    assert_eq!(job.said(), "other");
}

#[test]
fn what_is_named_and_is_no_executable_is_refused() {
    let job = Job::new();
    fs::write(job.path("data"), "x").unwrap();
    for (path, reason) in [
        ("gone", "names no file"),
        (".", "names no file"),
        ("data", "may not be executed"),
    ] {
        let ran = job.install(&[("GREENROOM_BIN", path), ("GITHUB_ACTIONS", "true")]);
        assert_eq!(ran.status, 3, "{path}");
        assert!(
            ran.err.starts_with("error: installing greenroom: GREENROOM_BIN ") && ran.err.contains(reason)
        );
        assert!(
            ran.err
                .contains("\n::error title=greenroom::installing greenroom: "),
            "{}",
            ran.err
        );
        assert!(!job.installed().exists());
    }
}

#[test]
fn a_release_is_verified_before_it_is_unpacked_and_downloaded_once_a_job() {
    let job = Job::new();
    let asset = job.release("released");
    let server = serve(&asset);
    let base = server.url();
    for _ in 0..2 {
        let ran = job.install(&[("GREENROOM_RELEASES", &base)]);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
        assert!(ran.out.contains("verified by its sha256"), "{}", ran.out);
        assert_eq!(job.said(), "released");
    }
    assert_eq!(server.requests().len(), 1);
    // One that somebody exchanged meanwhile is not believed.
    fs::write(job.path("temp/greenroom").join(asset.file_name().unwrap()), "x").unwrap();
    assert_eq!(job.install(&[("GREENROOM_RELEASES", &base)]).status, 0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn something_else_than_was_released_is_not_unpacked() {
    let job = Job::new();
    let asset = job.release("released");
    let mut bytes = fs::read(&asset).unwrap();
    bytes.push(0);
    fs::write(&asset, bytes).unwrap();
    // Cargo would be there: what is wrong is not passed over.
    job.script("bin/cargo", "#!/bin/sh\nexit 0\n");
    let server = serve(&asset);
    let base = server.url();
    let ran = job.install(&[("GREENROOM_RELEASES", &base)]);
    assert_eq!(ran.status, 3, "{}", ran.out);
    assert!(ran.err.contains("is not what was released"), "{}", ran.err);
    assert!(!job.installed().exists());
    let left: Vec<_> = fs::read_dir(job.path("temp/greenroom")).unwrap().collect();
    assert_eq!(left.len(), 0, "{left:?}");

    fs::remove_file(&asset).unwrap();
    let nobody = free_address();
    let ran = job.install(&[("GREENROOM_RELEASES", &format!("http://{nobody}"))]);
    assert_eq!(ran.status, 3, "{}", ran.out);
    assert!(
        ran.err.contains("cannot be downloaded") && ran.err.contains("GREENROOM_BIN"),
        "{}",
        ran.err
    );
}

#[test]
fn the_place_of_releases_is_this_machine_or_the_one_in_the_script() {
    let job = Job::new();
    job.release("released");
    // In place of curl: what it was told.
    job.script("bin/curl", "#!/bin/sh\necho \"$*\" >&2\nexit 7\n");
    for elsewhere in [
        "https://evil.example",
        "http://127.0.0.1.evil.example:80",
        "http://10.0.0.1:80",
        "",
    ] {
        let ran = job.install(&[("GREENROOM_RELEASES", elsewhere)]);
        let asked = ran.err.lines().next().unwrap();
        assert!(asked.starts_with("--proto =https --tlsv1.2 --fail "), "{asked}");
        let url = asked.rsplit(' ').next().unwrap();
        assert!(
            url.starts_with("https://github.com/luminosita/greenroom/releases/download/v"),
            "{url}"
        );
    }
}

#[test]
fn without_a_checksum_it_is_built_from_the_checkout() {
    let job = Job::new();
    job.script(
        "bin/cargo",
        "#!/bin/sh\necho \"cargo $* in $PWD\"\nmkdir -p \"$CARGO_TARGET_DIR/dist\"\nprintf '#!/bin/sh\\necho built\\n' > \
         \"$CARGO_TARGET_DIR/dist/greenroom\"\nchmod +x \"$CARGO_TARGET_DIR/dist/greenroom\"\n",
    );
    let ran = job.install(&[]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    let checkout = job.path("action");
    let words = format!(
        "cargo build --profile dist --locked --bin greenroom in {}\n",
        checkout.display()
    );
    assert!(
        ran.out.contains("has no checksum of greenroom") && ran.out.contains(&words),
        "{}",
        ran.out
    );
    assert_eq!(job.said(), "built");

    job.script("bin/cargo", "#!/bin/sh\nexit 101\n");
    let ran = job.install(&[]);
    assert_eq!(ran.status, 3);
    assert!(ran.err.contains("the build failed"), "{}", ran.err);
}

#[test]
fn where_neither_is_possible_it_says_what_would_be() {
    let job = Job::new();
    for (platform, reason) in [
        ("Linux x86_64", "no cargo to build it with"),
        ("Linux riscv64", "no greenroom for this platform"),
        (
            "Darwin arm64",
            "this runner is aarch64-apple-darwin: use a runner with Linux",
        ),
        (
            "MINGW64_NT-10.0-20348 x86_64",
            "this runner is x86_64-pc-windows-msvc",
        ),
    ] {
        let ran = job.install(&[("GREENROOM_PLATFORM_OF_TEST", platform)]);
        assert_eq!((ran.status, ran.out.as_str()), (3, ""), "{platform}");
        assert!(ran.err.contains(reason), "{platform}: {}", ran.err);
    }
    let outside = Command::new("bash")
        .arg(repository("install.sh"))
        .env_remove("RUNNER_TEMP")
        .output()
        .unwrap();
    assert!(!outside.status.success());
    assert!(String::from_utf8_lossy(&outside.stderr).contains("RUNNER_TEMP: is not set"));
}

#[test]
fn what_a_job_left_for_every_shell_does_not_reach_the_build() {
    let job = Job::new();
    job.script(
        "bin/cargo",
        "#!/bin/bash\necho \"left: ${BASH_ENV:-nothing}\"\nexit 1\n",
    );
    let evil = job.script("evil", "echo EVIL\n");
    let ran = job.install(&[
        ("BASH_ENV", evil.to_str().unwrap()),
        ("BASH_FUNC_curl%%", "() { echo EVIL; }"),
        ("BASH_FUNC_command%%", "() { echo EVIL; }"),
    ]);
    assert!(ran.out.contains("left: nothing"), "{}{}", ran.out, ran.err);
    // The script's own shell has read it before its first line: the step must not set it.
    assert_eq!(ran.out.matches("EVIL").count(), 1, "{}", ran.out);
}

#[test]
fn the_script_is_of_this_version() {
    let script = fs::read_to_string(repository("install.sh")).unwrap();
    let line = format!("readonly version={}", env!("CARGO_PKG_VERSION"));
    assert!(script.lines().any(|found| found == line), "{line}");
}

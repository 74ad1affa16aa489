//! A project with a Containerfile, and greenroom run in it with exactly the builders that a test wants.

use crate::support::git::git;
use crate::support::ran::{Ran, greenroom};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use tempfile::TempDir;

/// Where Debian's programs lie.
pub(crate) const SYSTEM: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A web server of one file, and nothing that has to be downloaded.
pub(crate) const CONTAINERFILE: &str = r#"FROM scratch
COPY busybox /bin/busybox
ARG GREETING=none
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox mkdir /www && /bin/busybox echo $GREETING > /www/health"]
EXPOSE 8080
CMD ["/bin/busybox", "sh", "-c", "/bin/busybox echo started; exec /bin/busybox httpd -f -p ${PORT:-8080} -h ${ROOT:-/www}"]
"#;

/// A project below a directory that vanishes, with a search path, a log of what was run, and a storage
/// for images of its own.
pub(crate) struct Yard {
    directory: TempDir,
    /// Further variables of greenroom's process.
    pub(crate) variables: Vec<(String, String)>,
}

impl Yard {
    /// A project whose image is `image` (lines below `image:`), with `programs` of Debian's on its path.
    pub(crate) fn new(image: &str, programs: &[&str]) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("grb.")
            .tempdir_in("/tmp")
            .unwrap();
        let yard = Self {
            directory,
            variables: Vec::new(),
        };
        for folder in ["project", "bin"] {
            fs::create_dir(yard.root(folder)).unwrap();
        }
        symlink("/usr/bin/git", yard.root("bin/git")).expect("git is needed: apt-get install git");
        for program in programs {
            yard.wrap(program);
        }
        yard.storage();
        let image: String = image.lines().map(|line| format!("  {line}\n")).collect();
        yard.write(
            "greenroom.yaml",
            format!(
                "service: app\nversion: {{ value: 1.2.3 }}\nimage:\n{image}environments: [staging.yaml]\n"
            ),
        );
        yard.write("staging.yaml", "name: staging\ntype: staging\nlocal: {}\n");
        yard.write(".gitignore", ".greenroom/\nout/\n");
        yard.write("Containerfile", CONTAINERFILE);
        let busybox = fs::read("/bin/busybox").or_else(|_| fs::read("/usr/bin/busybox"));
        yard.program(
            "project/busybox",
            busybox.expect("busybox is needed: apt-get install busybox-static"),
        );
        yard
    }

    /// A path beside the project.
    pub(crate) fn root(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// A path in the project.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root("project").join(path)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A file that can be run.
    pub(crate) fn program(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root(path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts Debian's `name` on the path, so that its words are logged.
    fn wrap(&self, name: &str) {
        let real = SYSTEM
            .split(':')
            .map(|folder| Path::new(folder).join(name))
            .find(|file| file.is_file())
            .unwrap_or_else(|| panic!("{name} is needed: see ./test for its Debian package"));
        let log = self.root("words");
        self.program(
            &format!("bin/{name}"),
            format!(
                "#!/bin/sh\n{{ printf '%s' {name}; for word; do printf ' <%s>' \"$word\"; done; echo; }} >> {}\n\
                 PATH={SYSTEM} exec {} \"$@\"\n",
                log.display(),
                real.display()
            ),
        );
    }

    /// Images of buildah and podman stay in this directory, and need neither overlays nor namespaces.
    fn storage(&self) {
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/graph\"\nrunroot = \"{0}/run\"\n",
            self.directory.path().display()
        );
        fs::write(self.root("storage.conf"), storage).unwrap();
    }

    /// Every command line of the builders so far.
    pub(crate) fn words(&self) -> String {
        fs::read_to_string(self.root("words")).unwrap_or_default()
    }

    /// Makes the project a repository with one commit, made at a fixed time.
    pub(crate) fn commit(&self) {
        for words in [
            &["init", "-q", "."][..],
            &["add", "-A"],
            &["commit", "-qm", "one"],
        ] {
            let done = git(&self.path(""))
                .args(words)
                .env("GIT_COMMITTER_DATE", "2026-11-20T23:50:19Z")
                .env("GIT_AUTHOR_DATE", "2026-11-20T23:50:19Z")
                .output()
                .unwrap();
            assert!(done.status.success(), "git {words:?}");
        }
    }

    /// The variables under which buildah and podman work in this directory alone.
    pub(crate) fn builder_variables(&self) -> [(&'static str, String); 2] {
        let storage = self.root("storage.conf").display().to_string();
        [
            ("CONTAINERS_STORAGE_CONF", storage),
            ("BUILDAH_ISOLATION", "chroot".to_owned()),
        ]
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = greenroom(&self.path(""), words);
        command
            .env("PATH", self.root("bin"))
            .env("HOME", self.root(""))
            .envs(self.builder_variables())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// `greenroom build -e staging` with more words.
    pub(crate) fn build(&self, more: &[&str]) -> Ran {
        let words = [&["build", "-e", "staging"], more].concat();
        Ran::of(self.command(&words).output().unwrap())
    }

    /// The same as JSON, where it has to succeed.
    pub(crate) fn must(&self) -> Value {
        let done = self.build(&["--format", "json"]);
        assert_eq!(done.status, 0, "{}\n{}", done.out, done.err);
        done.json()
    }

    /// Another program with the builders' variables.
    pub(crate) fn run(&self, program: &str, words: &[&str]) -> Ran {
        let output = Command::new(program)
            .args(words)
            .current_dir(self.path(""))
            .env("PATH", SYSTEM)
            .envs(self.builder_variables())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        Ran::of(output)
    }

    /// The project's own store of a repository, as skopeo is given it.
    pub(crate) fn store(&self, repository: &str, tag: &str) -> String {
        format!(
            "oci:{}:{tag}",
            self.path(".greenroom/images").join(repository).display()
        )
    }

    /// What skopeo says, which checks digests.
    pub(crate) fn skopeo(&self, words: &[&str]) -> Value {
        let said = self.run("skopeo", words);
        assert_eq!(said.status, 0, "skopeo {words:?}: {}", said.err);
        serde_json::from_str(&said.out).unwrap_or_default()
    }

    /// The tags in the project's own store.
    pub(crate) fn tags(&self, repository: &str) -> Vec<String> {
        let index = self.path(".greenroom/images").join(repository).join("index.json");
        let index: Value = fs::read(index)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let manifests = index["manifests"].as_array().cloned().unwrap_or_default();
        manifests
            .iter()
            .filter_map(|each| each["annotations"]["org.opencontainers.image.ref.name"].as_str())
            .map(str::to_owned)
            .collect()
    }

    /// Nothing of a build is left: no private files, no process, no image of buildah's.
    pub(crate) fn is_clean(&self) {
        let staging = fs::read_dir(self.path(".greenroom/staging")).unwrap();
        let left: Vec<_> = staging.flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        let smoke = fs::read_dir(self.path(".greenroom/smoke")).into_iter().flatten();
        assert_eq!(smoke.count(), 0, "the smoke test left files behind");
        assert_eq!(self.processes(), Vec::<String>::new());
    }

    /// The names of images in the storage of buildah and podman.
    pub(crate) fn images(&self) -> String {
        let said = self.run(
            "buildah",
            &["images", "--format", "{{.Name}}:{{.Tag}}", "--noheading"],
        );
        assert_eq!(said.status, 0, "{}", said.err);
        said.out
    }

    /// The command lines of processes that run below this directory or name it.
    pub(crate) fn processes(&self) -> Vec<String> {
        let named = self.directory.path().to_string_lossy().into_owned();
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|id| *id != std::process::id())
            .filter_map(|id| {
                let process = Path::new("/proc").join(id.to_string());
                let words =
                    String::from_utf8_lossy(&fs::read(process.join("cmdline")).ok()?).replace('\0', " ");
                let inside = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&named));
                (inside || words.contains(&named)).then_some(words)
            })
            .filter(|words| !words.is_empty())
            .collect()
    }
}

/// Sends SIGINT, as Ctrl-C does.
pub(crate) fn interrupt(child: &Child) {
    let id = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
}

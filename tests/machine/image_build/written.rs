//! What `greenroom init` writes for containers, built by buildah on bases of one program: busybox stands in
//! for Alpine, and a script for the compilers and for nginx. It shows that the instructions work, who the
//! service runs as, what gets into an image, and that the health check tells. `scripts/containers.sh` does
//! the same with real languages, by hand.

use super::yard::Yard;
use crate::support::address::free_port;
use serde_json::Value;

/// What no image may hold.
const SECRET: &str = "swordfish-in-a-file";

/// Alpine's programs are links to busybox, too; Debian's busybox has no `adduser`.
const ALPINE: &str = r#"FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "cd / && b=/bin/busybox && $b mkdir -p sbin etc home usr/bin usr/sbin usr/local/bin usr/share/nginx/html etc/nginx/conf.d && $b mkdir -m 1777 tmp && $b --install -s"]
RUN echo root:x:0:0:root:/:/bin/sh >/etc/passwd && echo root:x:0: >/etc/group && \
  printf '#!/bin/sh\n[ "$1 $2 $3" = "-D -H -u" ] && echo "$5:x:$4:$4::/home/$5:/bin/sh" >>/etc/passwd && echo "$5:x:$4:" >>/etc/group\n' >/usr/sbin/adduser && \
  chmod +x /usr/sbin/adduser
"#;

/// The service: it says that it is healthy, and runs until it is ended.
const SERVER: &str =
    "#!/bin/sh\nmkdir /tmp/www && echo ok >/tmp/www/health && exec httpd -f -p $PORT -h /tmp/www\n";

/// A compiler that puts the service where it is asked to, if it was given what it needs.
const COMPILER: &str = r#"COPY server /opt/server
RUN printf '#!/bin/sh\ntest -f main.go || exit 0; while [ "$1" != -o ]; do shift; done; cp /opt/server "$2"\n' >/usr/bin/go && \
  printf '#!/bin/sh\ntest -f Cargo.lock && mkdir -p target/release && cp /opt/server target/release/shop\n' >/usr/bin/cargo && \
  printf '#!/bin/sh\n' >/sbin/apk && chmod +x /usr/bin/go /usr/bin/cargo /sbin/apk /opt/server
"#;

/// A project that `init` began, beside files that belong to this machine alone.
fn project(ecosystem: &str, files: &[(&str, &str)]) -> Yard {
    let yard = Yard::new("repository: acme/app", &["buildah"]);
    let secrets = [
        ".env",
        "public/.env.local",
        "public/deep/tls.key",
        ".git/a",
        ".greenroom/a",
        "node_modules/a",
        "target/a",
    ];
    for file in secrets {
        yard.write(file, SECRET);
    }
    for (file, text) in files {
        yard.write(file, text);
    }
    let words = [
        "init",
        "--yes",
        "--force",
        "--service",
        "shop",
        "--target",
        "command",
        "--registry",
        "ghcr.io/acme/shop",
        "--ecosystem",
        ecosystem,
    ];
    let done = crate::support::ran::Ran::of(yard.command(&words).output().unwrap());
    assert_eq!(done.status, 0, "{}{}", done.out, done.err);
    yard
}

impl Yard {
    fn buildah(&self, words: &[&str]) -> String {
        let ran = self.run("buildah", words);
        assert_eq!(ran.status, 0, "buildah {words:?}\n{}{}", ran.out, ran.err);
        ran.out
    }

    /// Every base that the Containerfile names, made of busybox; then its image, as buildah describes it.
    fn candidate(&self) -> Value {
        std::fs::create_dir_all(self.root("bases")).unwrap();
        self.program("bases/busybox", std::fs::read(self.path("busybox")).unwrap());
        self.program("bases/server", SERVER);
        let context = self.root("bases").display().to_string();
        self.write("../bases/Containerfile", format!("{ALPINE}{COMPILER}"));
        self.buildah(&["build", "--quiet", "--tag", "standin", &context]);
        let text = std::fs::read_to_string(self.path("Containerfile")).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("FROM ")) {
            let (base, _) = line.split_once(" AS ").unwrap();
            self.buildah(&["tag", "standin", base]);
        }
        // The words for a health check are docker's; OCI has none.
        let words = [
            "build",
            "--pull-never",
            "--format",
            "docker",
            "--tag",
            "candidate",
            ".",
        ];
        self.buildah(&words);
        let said = self.buildah(&["inspect", "--type", "image", "candidate"]);
        serde_json::from_str::<Value>(&said).unwrap()["Docker"]["config"].take()
    }

    /// Runs a script in the image as its user, on this machine's network, with the variable PORT.
    fn inside(&self, port: u16, script: &str) -> String {
        let container = self.buildah(&["from", "--pull-never", "candidate"]);
        let port = format!("PORT={port}");
        self.buildah(&["run", "--env", &port, container.trim(), "--", "sh", "-c", script])
    }
}

/// The script of the image's health check, as a shell takes it.
fn health(config: &Value) -> String {
    let words = config["Healthcheck"]["Test"].as_array().unwrap();
    assert_eq!(words[0], "CMD-SHELL", "{words:?}");
    words[1].as_str().unwrap().to_owned()
}

/// A file with the secret in it, anywhere in the image.
const LOOK: &str = "find / -xdev -type f -exec grep -ls swordfish {} +";

/// Starts the service in its image, as its user, and asks the health check before, while and after it runs.
fn runs_as_nobody_and_tells(yard: &Yard) {
    let config = yard.candidate();
    assert_eq!(config["User"], "10001:10001");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/usr/local/bin/server"]));
    let port = free_port();
    let health = health(&config);
    let script = format!(
        "id -u; check() {{ ( {health} ) 2>/dev/null; }}; check || echo down\n\
         /usr/local/bin/server & n=0; until check || [ $n -eq 100 ]; do n=$((n + 1)); sleep 0.1; done\n\
         check && echo up; kill $!; wait; check || echo down"
    );
    assert_eq!(yard.inside(port, &script), "10001\ndown\nup\ndown\n", "{health}");
}

#[test]
fn a_service_in_go_runs_as_nobody_and_tells_whether_it_is_healthy() {
    // No go.sum: nothing is needed but the language.
    let files = [("go.mod", "module shop\n"), ("main.go", "package main\n")];
    runs_as_nobody_and_tells(&project("go", &files));
}

#[test]
fn a_service_in_rust_runs_as_nobody_and_tells_whether_it_is_healthy() {
    runs_as_nobody_and_tells(&project("rust", &[("Cargo.toml", ""), ("Cargo.lock", "")]));
}

#[test]
fn a_site_is_compressed_and_holds_nothing_that_is_not_published() {
    let page = ("public/index.html", "<p>hello</p>\n");
    let yard = project("static", &[page, ("public/deep/a.css", "p { color: green }\n")]);
    let config = yard.candidate();
    assert_eq!(config["User"], "101:101");
    assert!(health(&config).contains("http://127.0.0.1:8080/"), "{config}");
    let script = "cd /usr/share/nginx/html; find . -type f | sort; gzip -dc index.html.gz; \
        cat /etc/nginx/conf.d/compressed.conf";
    let expected =
        "./deep/a.css\n./deep/a.css.gz\n./index.html\n./index.html.gz\n<p>hello</p>\ngzip_static on;\n";
    assert_eq!(yard.inside(8080, script), expected);
    assert_eq!(yard.inside(8080, &format!("{LOOK}; true")), "");
}

#[test]
fn a_builder_is_given_none_of_this_machines_files() {
    let yard = project("python", &[("app/.env", SECRET), ("app/server.py", "print()\n")]);
    yard.write("app/__pycache__/a.pyc", SECRET);
    yard.write("Containerfile", "FROM standin AS all\nCOPY . /everything/\n");
    yard.candidate();
    let script = format!("test -f /everything/app/server.py && {LOOK}; true");
    assert_eq!(yard.inside(8080, &script), "");
    // It would be found.
    yard.write("app/settings.py", SECRET);
    yard.candidate();
    assert_eq!(
        yard.inside(8080, &format!("{LOOK}; true")),
        "/everything/app/settings.py\n"
    );
}

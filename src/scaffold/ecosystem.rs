//! What a service is written in: how it is checked, built and started.

use super::word::words;
use serde::Serialize;

words! {
    /// What the service is written in.
    Ecosystem, "ecosystem", {
        /// Python 3, `app/server.py`.
        Python = "python",
        /// Node.js, `src/server.js`.
        Node = "node",
        /// Rust, an executable named after the service.
        Rust = "rust",
        /// Go, the package at the root.
        Go = "go",
        /// Files in `public/`.
        Static = "static",
    }
}

/// A check that CI makes: a name, and the lines of its script.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Check {
    name: &'static str,
    run: &'static [&'static str],
}

/// What an ecosystem's templates need to know.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Habits {
    /// Before the checks of CI: what they need.
    prepare: &'static [&'static str],
    /// What lies in the project after its checks or a start, and belongs to this machine: lines for git.
    ignored: &'static [&'static str],
    /// The checks of CI; one job each.
    lint: Check,
    types: Check,
    tests: Check,
    /// Quick checks before a build, as argument lists. They need nothing but the language itself.
    validate: &'static [(&'static str, &'static [&'static str])],
    /// Where it says that it is healthy.
    pub(super) health: &'static str,
    /// How it is put together without a container: directory, place in the image, and how it starts.
    /// `None` where only a compiler can.
    files: Option<Files>,
}

/// Files that start without a build.
#[derive(Debug, Clone, Copy, Serialize)]
struct Files {
    from: &'static str,
    to: &'static str,
    entrypoint: &'static [&'static str],
}

impl Habits {
    /// Whether it starts from files, without a build.
    pub(super) fn starts_from_files(&self) -> bool {
        self.files.is_some()
    }
}

impl Ecosystem {
    pub(super) fn habits(self) -> &'static Habits {
        match self {
            Self::Python => &PYTHON,
            Self::Node => &NODE,
            Self::Rust => &RUST,
            Self::Go => &GO,
            Self::Static => &STATIC,
        }
    }
}

const PYTHON: Habits = Habits {
    prepare: &[
        "python3 -m venv .venv",
        // As the Containerfile does: what requirements.txt says, or else what pyproject.toml does.
        "if [ -f requirements.txt ]; then",
        "  .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt",
        "elif [ -f pyproject.toml ]; then",
        "  .venv/bin/python -c 'import tomllib; print(*tomllib.load(open(\"pyproject.toml\", \"rb\")).get(\"project\", {}).get(\"dependencies\", []), sep=\"\\n\")' >.venv/requirements.txt",
        "  .venv/bin/pip install --quiet --disable-pip-version-check --requirement .venv/requirements.txt",
        "fi",
        ".venv/bin/pip install --quiet --disable-pip-version-check ruff==0.14.5 mypy==1.18.2 pytest==8.4.2",
    ],
    ignored: &["/.venv/", "__pycache__/"],
    lint: Check {
        name: "Lint and format",
        run: &[".venv/bin/ruff check .", ".venv/bin/ruff format --check ."],
    },
    types: Check {
        name: "Types",
        // Many packages have no types; that is no mistake of the service's.
        run: &[".venv/bin/mypy --ignore-missing-imports app"],
    },
    tests: Check {
        name: "Tests",
        run: &[
            "# 5 says that there are no tests yet. As a module it finds what tests import from here.",
            ".venv/bin/python -m pytest -q || [ $? -eq 5 ]",
        ],
    },
    validate: &[("compiles", &["python3", "-m", "compileall", "-q", "app"])],
    health: "/health",
    files: Some(Files {
        from: "app",
        to: "/app",
        entrypoint: &["python3", "server.py"],
    }),
};

const NODE: Habits = Habits {
    prepare: &[
        "if [ -f package-lock.json ]; then npm ci --no-fund --no-audit; else npm install --no-package-lock --no-fund --no-audit; fi",
    ],
    ignored: &["node_modules/"],
    lint: Check {
        name: "Lint and format",
        run: &["npm run lint --if-present"],
    },
    types: Check {
        name: "Types",
        run: &["npm run typecheck --if-present"],
    },
    tests: Check {
        name: "Tests",
        run: &["npm test --if-present"],
    },
    validate: &[("parses", &["node", "--check", "src/server.js"])],
    health: "/health",
    files: Some(Files {
        from: "src",
        to: "/app",
        entrypoint: &["node", "server.js"],
    }),
};

const RUST: Habits = Habits {
    prepare: &[],
    ignored: &["/target/"],
    lint: Check {
        name: "Lint and format",
        run: &[
            "cargo fmt --check",
            "cargo clippy --locked --all-targets -- -D warnings",
        ],
    },
    types: Check {
        name: "Types",
        run: &["cargo check --locked --all-targets"],
    },
    tests: Check {
        name: "Tests",
        run: &["cargo test --locked"],
    },
    validate: &[("compiles", &["cargo", "check", "--locked"])],
    health: "/health",
    files: None,
};

const GO: Habits = Habits {
    prepare: &[],
    ignored: &[],
    lint: Check {
        name: "Lint and format",
        run: &["gofmt -d .", "test -z \"$(gofmt -l .)\"", "go vet ./..."],
    },
    types: Check {
        name: "Types",
        run: &["go build ./..."],
    },
    tests: Check {
        name: "Tests",
        run: &["go test ./..."],
    },
    validate: &[("compiles", &["go", "vet", "./..."])],
    health: "/health",
    files: None,
};

const STATIC: Habits = Habits {
    prepare: &[],
    ignored: &[],
    lint: Check {
        name: "Lint and format",
        run: &["test -f public/index.html"],
    },
    types: Check {
        name: "Links",
        run: &[
            "# Every file that a page names is there; \"//\" begins the name of another host.",
            "{ grep -rhoE '(href|src)=\"/([^/\"#?][^\"#?]*)?\"' public --include='*.html' || true; } | cut -d '\"' -f 2 | sort -u |",
            "  while read -r path; do test -e \"public$path\" || { echo \"missing: $path\"; exit 1; }; done",
        ],
    },
    tests: Check {
        name: "Tests",
        run: &["! find public -type f -size +10M | grep ."],
    },
    validate: &[("has a start page", &["test", "-f", "public/index.html"])],
    health: "/",
    files: Some(Files {
        from: "public",
        to: "/site",
        entrypoint: &[
            "sh",
            "-c",
            "exec python3 -m http.server --bind 127.0.0.1 \\\"$PORT\\\"",
        ],
    }),
};

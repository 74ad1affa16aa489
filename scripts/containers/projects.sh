# shellcheck shell=bash
# The smallest services that a newcomer may have, each a function that writes one into the working
# directory. Sourced by ../containers.sh.

readonly projects=(
  python-bare python-requirements python-pyproject
  node-bare node-locked
  go-bare go-module
  rust-bare
  static-bare
)

python-bare() {
  mkdir -p app
  cat >app/server.py <<'END'
"""The least that is a service."""

import http.server
import os


class Handler(http.server.BaseHTTPRequestHandler):
    """Says hello, at every path."""

    def do_GET(self) -> None:
        """Answers."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\n")


if __name__ == "__main__":
    address = ("0.0.0.0", int(os.environ.get("PORT", "8080")))
    http.server.ThreadingHTTPServer(address, Handler).serve_forever()
END
}

# With a package, one that mypy has no types of, and an end when it is asked for one.
python-requirements() {
  python-bare
  sed -i -e 's/^import os$/import os\nimport signal\nimport sys\n\nimport bottle/' \
    -e 's/^if __name__.*/&\n    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))/' \
    -e 's/b"hello\\n"/f"hello {bottle.__version__}\\n".encode()/' app/server.py
  echo 'bottle==0.13.4' >requirements.txt
  mkdir tests
  printf 'from app import server\n\n\ndef test_there_is_a_handler() -> None:\n    assert server.Handler\n' >tests/test_server.py
}

python-pyproject() {
  python-requirements
  rm requirements.txt
  cat >pyproject.toml <<'END'
[project]
name = "shop"
version = "0.1.0"
dependencies = ["bottle>=0.13; python_version >= '3.8'"]
END
}

# No package, no lock, no script.
node-bare() {
  mkdir src
  cat >src/server.js <<'END'
const http = require("node:http");

const port = process.env.PORT || 8080;
http.createServer((_, answer) => answer.end("hello\n")).listen(port, "0.0.0.0");
END
  echo '{ "name": "shop", "version": "0.1.0", "private": true }' >package.json
}

# With packages, one of them for the build alone, a lock, and a build whose files the service needs.
node-locked() {
  mkdir src
  cat >src/server.js <<'END'
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const inherits = require("inherits");

const page = fs.readFileSync(path.join(__dirname, "../dist/page.html"));
const port = process.env.PORT || 8080;
const server = http.createServer((_, answer) => answer.end(typeof inherits === "function" ? page : ""));
server.listen(port, "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
END
  cat >build.js <<'END'
require("is-number");
const fs = require("node:fs");
fs.mkdirSync("dist", { recursive: true });
fs.writeFileSync("dist/page.html", "hello\n");
END
  cat >package.json <<'END'
{
  "name": "shop",
  "version": "0.1.0",
  "private": true,
  "scripts": { "build": "node build.js", "test": "node --test" },
  "dependencies": { "inherits": "2.0.4" },
  "devDependencies": { "is-number": "7.0.0" }
}
END
  npm install --silent --package-lock-only
}

go-bare() {
  printf 'module example.org/shop\n\ngo 1.21\n' >go.mod
  cat >main.go <<'END'
// Package main says hello.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	log.Fatal(http.ListenAndServe(":"+port, nil))
}
END
}

go-module() {
  go-bare
  sed -i -e 's|^	"os"$|	"os"\n\n	"example.org/greeting"|' -e 's|"hello")|greeting.Hello())|' main.go
  echo 'require example.org/greeting v1.0.0' >>go.mod
  docker run --rm --volume "$PWD:/project" --workdir /project "$(base_of go builder)" go mod tidy >/dev/null 2>&1
}

rust-bare() {
  mkdir src
  printf '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
  cat >src/main.rs <<'END'
//! The least that is a service.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}"))?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        let lines = BufReader::new(stream.try_clone()?).lines();
        let _ = lines.map_while(Result::ok).find(|line| line.is_empty());
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello\n")?;
    }
    Ok(())
}
END
  cargo generate-lockfile --offline --quiet
}

static-bare() {
  mkdir -p public/docs
  printf '<!doctype html>\n<link rel="stylesheet" href="/style.css">\n<a href="/docs/">hello</a>\n<script src="//cdn.example/a.js"></script>\n' >public/index.html
  printf 'hello\n' >public/docs/index.html
  printf 'body { color: green }\n' >public/style.css
}

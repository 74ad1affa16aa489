# shellcheck shell=bash
# What has to hold of a project that `greenroom init` began. Each works in the project's directory. Sourced
# by ../containers.sh.

# In every file that must get into no image.
readonly canary=a-secret-that-no-image-holds

# The scripts of a job of ci.yml, one after the other, as a runner starts them.
script_of() { # JOB
  "$root/target/tools/venv/bin/python" - "$1" <<'END'
import sys
from ruamel.yaml import YAML
job = YAML(typ="safe").load(open(".github/workflows/ci.yml"))["jobs"][sys.argv[1]]
for step in job["steps"]:
    if "run" in step:
        print(f"( set -e\n{step['run']}\n) || exit 1")
END
}

# Runs a script in a fresh clone: here, or for Go in the image that has Go.
in_clone() { # PROJECT SCRIPT
  rm -rf "$short/clone"
  git clone --quiet . "$short/clone"
  if [ "${1%%-*}" = go ]; then
    quietly docker run --rm --volume "$short/clone:/clone" --volume "$2:$2:ro" --volume "$greenroom:/usr/bin/greenroom:ro" \
      --workdir /clone "$(base_of go builder)" bash -e "$2"
  else
    (cd "$short/clone" && PATH=$(dirname "$greenroom"):$PATH quietly bash -e "$2")
  fi
}

checks_of_ci() { # PROJECT
  local job
  for job in lint types tests; do
    script_of "$job" >"$short/script"
    in_clone "$1" "$short/script"
  done
  echo "greenroom validate" >"$short/script"
  in_clone "$1" "$short/script"
}

# An image put together from files, whose process this machine starts; compilers need a container.
from_files() { # PROJECT
  case $1 in
    python-bare | node-bare | static-bare) quietly "$greenroom" build -e staging ;;
  esac
}

# Files that belong to this machine stay here: none is in what a builder gets.
secrets_stay_out() {
  local file code
  for code in app src public .; do
    [ ! -d "$code" ] || break
  done
  for file in .env .env.production "$code/.env" "$code/server.pem" "$code/deep/server.key" "$code/__pycache__/a.pyc" \
    .venv/a venv/a node_modules/a "$code/node_modules/a" target/a .greenroom/a .git/a image.tar environments/a deploy/a; do
    mkdir -p "$(dirname "$file")"
    echo "$canary" >"$file"
  done
  printf 'FROM scratch\nCOPY . /\n' >"$short/everything"
  docker build --quiet --file "$short/everything" --output type=tar,dest="$short/everything.tar" . >/dev/null
  tar -tf "$short/everything.tar" >"$work/said"
  [ -s "$work/said" ] || fail "there is nothing in the context"
  ! grep -aq "$canary" "$short/everything.tar" || {
    cat "$work/said" >&2
    fail "one of the files above is a secret and gets into the context of the build"
  }
}

# The image, by docker (BuildKit) and by podman.
builds() { # PROJECT
  local ecosystem=${1%%-*} base
  quietly docker build --network host --tag candidate --file Containerfile .
  while read -r base; do
    # Each has its own idea of which registry a short name means.
    podman image exists "$base" ||
      podman tag "$(docker save "$base" | podman load --quiet | sed 's/^Loaded image: //')" "$base"
  done < <(sed -n 's/^FROM \(.*\) AS .*$/\1/p' Containerfile | sort -u)
  quietly podman build --pull-never --format docker --network host --tag candidate --file Containerfile .
  podman inspect --format '{{.HealthCheck}}' candidate | grep -q CMD || fail "$ecosystem: podman's image has no health check"
}

# The words of the image's health check, as its container would run them.
health_check() { # CONTAINER
  local words
  mapfile -t words < <(docker image inspect --format '{{range .Config.Healthcheck.Test}}{{println .}}{{end}}' candidate | sed '/^$/d')
  case ${words[0]} in
    CMD) docker exec "$1" "${words[@]:1}" ;;
    CMD-SHELL) docker exec "$1" /bin/sh -c "${words[1]}" ;;
    *) fail "no health check: ${words[*]}" ;;
  esac
}

# Waits until the container says that it is healthy.
healthy() { # PROJECT CONTAINER
  wait_for "$1 to be healthy" health_check "$2" || {
    docker logs "$2" >&2
    return 1
  }
}

# It runs as nobody with a file system that nobody writes to, answers, and says so; where nothing answers,
# its check says that.
runs() { # PROJECT
  local id user
  id=$(docker run --detach --init --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges candidate)
  healthy "$1" "$id"
  user=$(docker exec "$id" sh -c 'sed -n "s/^Uid:[^0-9]*\([0-9]*\).*/\1/p" /proc/1/status')
  [ "$user" -gt 0 ] || fail "$1 runs as root"
  ! docker exec "$id" sh -c 'echo a >/a' 2>/dev/null || fail "$1 writes to its root"
  [ "$(docker inspect --format '{{.State.Health.Status}}' "$id")" != unhealthy ]
  docker rm --force "$id" >/dev/null
  id=$(docker run --detach --init --entrypoint sleep candidate 60)
  ! health_check "$id" 2>/dev/null || fail "$1 is healthy where nothing answers"
  docker rm --force "$id" >/dev/null
}

# It ends soon after SIGTERM: as the first process where it sees to that, and else below an init.
stops() { # PROJECT
  local id began code words=()
  case $1 in
    python-bare | node-bare | rust-bare) words=(--init) ;;
  esac
  id=$(docker run --detach "${words[@]}" candidate)
  healthy "$1" "$id"
  began=$SECONDS
  docker stop --time 20 "$id" >/dev/null
  code=$(docker inspect --format '{{.State.ExitCode}}' "$id")
  [ $((SECONDS - began)) -le 5 ] || fail "$1 takes $((SECONDS - began)) s to stop"
  [ "$code" != 137 ] || fail "$1 had to be killed"
  docker rm --force "$id" >/dev/null
}

# Both compose files on this port of the machine, in place of one that may be taken.
elsewhere() { # PORT
  sed -i "s/127.0.0.1:8080:/127.0.0.1:$1:/" compose.yaml compose.production.yaml
}

composes() {
  local port
  port=$(free_port)
  elsewhere "$port"
  printf 'services: { app: { build: { network: host } } }\n' >"$short/network.yaml"
  quietly docker compose --file compose.yaml --file "$short/network.yaml" up --detach --build --wait
  curl -sf "http://127.0.0.1:$port/" | grep -q hello || fail "compose.yaml: no answer"
  [ ! -d public ] || curl -s --head -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port/index.html" |
    grep -qi '^content-encoding: gzip' || fail "what was compressed is not what is given out"
  quietly docker compose --file compose.yaml down --timeout 20
  git checkout --quiet compose.yaml compose.production.yaml
}

# deploy/compose.sh on this machine, with an image by its digest from a registry.
deploys() {
  local port digest image began
  port=$(free_port)
  elsewhere "$port"
  docker tag candidate "$registry/acme/shop:0.1.0"
  quietly docker push "$registry/acme/shop:0.1.0"
  digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$registry/acme/shop:0.1.0")
  export GREENROOM_SERVICE=shop GREENROOM_ENVIRONMENT=staging GREENROOM_VERSION=0.1.0 GREENROOM_IMAGE=$digest
  if GREENROOM_ACTION=status ./deploy/compose.sh; then fail "something is deployed before anything is"; fi
  GREENROOM_ACTION=deploy quietly ./deploy/compose.sh
  curl -sf "http://127.0.0.1:$port/" | grep -q hello || fail "compose.production.yaml: no answer"
  image=$(GREENROOM_ACTION=status ./deploy/compose.sh)
  [ "$image" = "$digest" ] || fail "status says $image, and $digest was deployed"
  began=$SECONDS
  GREENROOM_ACTION=remove quietly ./deploy/compose.sh
  [ $((SECONDS - began)) -le 8 ] || fail "removing takes $((SECONDS - began)) s"
  ! curl -s "http://127.0.0.1:$port/" >/dev/null || fail "it is removed and answers"
  git checkout --quiet compose.yaml compose.production.yaml
}

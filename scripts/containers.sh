#!/bin/bash
# Builds and runs what `greenroom init` writes for containers, for the smallest services of every
# ecosystem: Containerfile, .dockerignore, both compose files, deploy/compose.sh, the checks of ci.yml and
# of `greenroom validate`. By hand, as root, on Debian with cargo and npm; the first run takes about ten
# minutes and 6 GB below target/containers, later ones a few minutes. Words choose projects:
#
#   scripts/containers.sh                    all of them
#   scripts/containers.sh python-pyproject   one (scripts/containers/projects.sh names them)
#
# Base images come from registries that cannot be reached everywhere. In their place stand images of the
# same names; scripts/containers/standins.sh says what that proves and what it does not. FRESH=1 makes them
# again. Every daemon, network and container here is the script's own and ends with it.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_INCREMENTAL=0 DOCKER_BUILDKIT=1 DOCKER_CLI_HINTS=false

root=$PWD
work=$(realpath -m "${CARGO_TARGET_DIR:-target}")/containers
greenroom=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/greenroom
readonly root work greenroom

# shellcheck source=scripts/containers/standins.sh
source scripts/containers/standins.sh
# shellcheck source=scripts/containers/projects.sh
source scripts/containers/projects.sh
# shellcheck source=scripts/containers/daemon.sh
source scripts/containers/daemon.sh
# shellcheck source=scripts/containers/checks.sh
source scripts/containers/checks.sh

say() {
  printf '%4d s  %s\n' "$SECONDS" "$*"
}

fail() {
  echo "containers.sh: $*" >&2
  exit 1
}

# Runs words, and shows what they said only where they fail.
quietly() {
  "$@" >"$work/said" 2>&1 || {
    cat "$work/said" >&2
    fail "failed: $*"
  }
}

programs() {
  local missing=() name
  for name in mmdebstrap dockerd podman buildah busybox npm python3 ip git curl; do
    command -v "$name" >/dev/null || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] || fail "install ${missing[*]} first (on Debian: apt-get install mmdebstrap docker.io podman buildah busybox-static iproute2)"
  tests/tools.sh
  cargo build --quiet --locked --bin greenroom
}

# Writes a project, far from the settings of this repository, and runs `init` in it, as a newcomer does. What init wrote is committed; then come the
# files that must get nowhere.
begin() { # PROJECT TARGET
  local words=(--yes --service shop --target "$2")
  rm -rf "$short/project"
  mkdir -p "$short/project"
  cd "$short/project"
  git init --quiet --initial-branch develop .
  "$1"
  [ "$2" = local ] || words+=(--registry "$registry/acme/shop")
  quietly "$greenroom" init "${words[@]}" --ecosystem "${1%%-*}"
  printf '.env\n.venv/\nnode_modules/\ntarget/\n__pycache__/\n' >>.gitignore
  git add --all
  git -c user.name=ana -c user.email=ana@acme.test commit --quiet --message 'The service'
  git tag v0.1.0
}

one() { # PROJECT
  say "$1"
  begin "$1" local
  from_files "$1"
  begin "$1" command
  checks_of_ci "$1"
  secrets_stay_out
  builds "$1"
  runs "$1"
  stops "$1"
  composes
  deploys
  cd "$root"
}

main() {
  local chosen=("$@") project
  [ ${#chosen[@]} -gt 0 ] || chosen=("${projects[@]}")
  mkdir -p "$work/context"
  programs
  start_daemon
  standins
  start_registry
  for project in "${chosen[@]}"; do
    declare -F "$project" >/dev/null || fail "there is no project $project: ${projects[*]}"
    one "$project"
  done
  say "${#chosen[@]} passed, 0 failed"
}

main "$@"

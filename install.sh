#!/bin/bash
# Puts greenroom where the action runs it: "$RUNNER_TEMP/greenroom/bin/greenroom". In this order:
#
# 1. GREENROOM_BIN names an executable: it is linked, and nothing is downloaded.
# 2. The table below has a checksum for this platform: the asset of the release is downloaded, verified,
#    and unpacked.
# 3. On Linux with cargo: it is built from this very checkout, which takes minutes.
set -euo pipefail
# What a job may have left for every bash that starts.
unset BASH_ENV ENV
while read -r name; do unset -f "$name"; done < <(compgen -A function)

# scripts/checksums.sh writes the version and the table, in the commit that the release's tag points at.
readonly version=0.1.0
checksums() {
  cat <<'TABLE'
TABLE
}

readonly releases=https://github.com/luminosita/greenroom/releases/download

# One line for people, and for the run's list of annotations.
refuse() {
  printf 'error: installing greenroom: %s\n' "$1" >&2
  if [ "${GITHUB_ACTIONS:-}" = true ]; then
    printf '::error title=greenroom::installing greenroom: %s\n' "$1" >&2
  fi
  exit 3
}

# The name of a platform as Rust has it.
target() {
  local system machine
  system=${GREENROOM_PLATFORM_OF_TEST:-$(uname -sm)}
  machine=${system##* }
  case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) machine=unknown ;;
  esac
  case $system in
    Linux*) echo "$machine-unknown-linux-musl" ;;
    Darwin*) echo "$machine-apple-darwin" ;;
    MINGW* | MSYS* | CYGWIN*) echo "$machine-pc-windows-msvc" ;;
    *) echo unknown ;;
  esac
}

# What the table says of a platform; nothing where it says nothing.
expected() {
  local sum of name
  while read -r sum of name; do
    if [ "$of" = "$version" ] && [ "$name" = "$1" ]; then
      echo "$sum"
      return
    fi
  done < <(checksums)
}

# The sha256 of a file, in hexadecimal.
sum_of() {
  local line
  if command -v sha256sum >/dev/null; then
    line=$(sha256sum "$1")
  else
    line=$(shasum -a 256 "$1")
  fi
  # A backslash stands before the sum of a file with an odd name.
  line=${line#\\}
  echo "${line%% *}"
}

# Takes over in one step: nobody meets half a file.
install() {
  mkdir -p "$home/bin"
  mv -f "$1" "$home/bin/greenroom"
}

from_path() {
  local path=$1 directory
  [ -f "$path" ] || refuse "GREENROOM_BIN names no file: give the path of a greenroom executable"
  [ -x "$path" ] || refuse "GREENROOM_BIN names a file that may not be executed: chmod +x it"
  directory=$(cd "$(dirname "$path")" && pwd)
  # A link: a router that it starts outlives this job and its directory.
  ln -sf "$directory/$(basename "$path")" "$home/new"
  install "$home/new"
  echo "greenroom from GREENROOM_BIN"
}

from_release() {
  local target=$1 wanted=$2 base=$releases protocol='=https' archive url
  archive="$home/greenroom-$version-$target.tar.gz"
  # A server of a test. What it gives is verified all the same.
  case ${GREENROOM_RELEASES:-} in
    http://127.0.0.1:*) base=$GREENROOM_RELEASES protocol='=http' ;;
  esac
  url="$base/v$version/${archive##*/}"
  # An earlier step of the job may have brought it.
  if [ ! -f "$archive" ] || [ "$(sum_of "$archive")" != "$wanted" ]; then
    rm -f "$archive"
    curl --proto "$protocol" --tlsv1.2 --fail --silent --show-error --location --retry 3 \
      --connect-timeout 20 --max-time 300 --max-filesize 200000000 --output "$archive.part" "$url" ||
      refuse "$url cannot be downloaded: try again, or set GREENROOM_BIN to an executable that is there"
    if [ "$(sum_of "$archive.part")" != "$wanted" ]; then
      rm -f "$archive.part"
      refuse "$url is not what was released (its sha256 is another than the one in install.sh): do not use it, and report it"
    fi
    mv "$archive.part" "$archive"
  fi
  mkdir -p "$home/unpacked"
  tar -xzf "$archive" -C "$home/unpacked" greenroom
  install "$home/unpacked/greenroom"
  echo "greenroom $version for $target, verified by its sha256"
}

from_source() {
  local source
  source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  echo "install.sh has no checksum of greenroom $version for $1: building it from $source"
  # In its own directory, where rust-toolchain.toml says which Rust builds it.
  (cd "$source" && CARGO_TARGET_DIR="$home/target" cargo build --profile dist --locked --bin greenroom) ||
    refuse "the build failed (its output is above): set GREENROOM_BIN to an executable that is there, or use a release of the action"
  cp "$home/target/dist/greenroom" "$home/new"
  install "$home/new"
}

main() {
  local target wanted
  mkdir -p "$home"
  if [ -n "${GREENROOM_BIN:-}" ]; then
    from_path "$GREENROOM_BIN"
    return
  fi
  target=$(target)
  wanted=$(expected "$target")
  if [ -n "$wanted" ]; then
    from_release "$target" "$wanted"
    return
  fi
  case $target in
    unknown*) refuse "there is no greenroom for this platform ($(uname -sm)): use a runner with Linux on x86-64 or arm64" ;;
    *-linux-musl) ;;
    *) refuse "greenroom runs on Linux, and this runner is $target: use a runner with Linux (runs-on: ubuntu-24.04)" ;;
  esac
  command -v cargo >/dev/null ||
    refuse "there is no release of greenroom $version for $target, and no cargo to build it with: use a release of the action, set GREENROOM_BIN to an executable, or install Rust before this step"
  from_source "$target"
}

home=${RUNNER_TEMP:?is not set: this script runs in a step of GitHub Actions}/greenroom
# Absolute: the build runs in another directory.
case $home in /*) ;; *) home=$PWD/$home ;; esac
readonly home
main

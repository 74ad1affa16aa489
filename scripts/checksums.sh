#!/bin/bash
# Writes the version of Cargo.toml and the sha256 of its release assets into install.sh:
#
#   scripts/checksums.sh DIRECTORY [INSTALL_SH]
#
# DIRECTORY holds greenroom-VERSION-TARGET.tar.gz, one for each platform.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
readonly root directory=${1:?names no directory with release assets} script=${2:-$root/install.sh}

version=$(sed -n 's/^version = "\([0-9A-Za-z.+-]*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
table=$(mktemp)
trap 'rm -f "$table" "$table.new"' EXIT
for asset in "$directory/greenroom-$version-"*.tar.gz; do
  [ -f "$asset" ] || {
    echo "error: $directory holds no greenroom-$version-TARGET.tar.gz: build the assets of this version first" >&2
    exit 1
  }
  target=${asset##*/greenroom-"$version"-}
  sum=$(sha256sum <"$asset")
  echo "${sum%% *} $version ${target%.tar.gz}" >>"$table"
done

awk -v table="$table" -v version="$version" '
  /^readonly version=/ { print "readonly version=" version; next }
  /^TABLE$/ { within = 0 }
  !within { print }
  /<<.TABLE.$/ { within = 1; while ((getline line < table) > 0) print line }
' "$script" >"$table.new"
# In place, so that it stays executable.
cat "$table.new" >"$script"
cat "$table"

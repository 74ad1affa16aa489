#!/bin/bash
# Prints what CHANGELOG.md says of a version, without its heading:
#
#   scripts/changelog.sh VERSION [CHANGELOG_MD]
set -euo pipefail
readonly version=${1:?names no version} file=${2:-$(dirname "$0")/../CHANGELOG.md}

section=$(awk -v heading="## [$version]" '
  /^## / { within = index($0, heading) == 1; next }
  within { print }
' "$file")
if [ -z "${section//[[:space:]]/}" ]; then
  echo "error: $file says nothing of $version: give it a heading \"## [$version] - DATE\" with text" >&2
  exit 1
fi
printf '%s\n' "$section" | sed '/./,$!d'

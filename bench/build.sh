#!/bin/bash
# Clean builds from nothing with both profiles, and the size of what they make: `release`, which a newcomer waits
# for, and `dist`, which people get (at most 20 MB).
. "$(dirname "$0")/setup.sh"
cd "$root"
echo "load before: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"
for profile in release dist; do
  export TIMEFORMAT="clean build, profile $profile: %R s, CPU %U s user, %S s system"
  time CARGO_TARGET_DIR=$work/$profile cargo build --profile "$profile" --locked --quiet --bin greenroom
  stat --format '%s' "$work/$profile/$profile/greenroom" | awk '{printf "binary: %.1f MB\n", $1 / 1e6}'
done

# Sourced by the measurements beside it: where the binary is that people get (profile dist), a directory of its own for each
# measurement, and an end that stops every process it began.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
greenroom=${GREENROOM:-$target/dist/greenroom}
runs=${RUNS:-31}
PATH=$PATH:/usr/sbin

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { echo "$0: $tool is not installed" >&2; exit 1; }
  done
}

if [ -z "${GREENROOM:-}" ]; then
  echo "building greenroom with the profile dist (LTO, one unit: minutes, the first time)"
  (cd "$root" && cargo build --profile dist --locked --quiet --bin greenroom)
fi
echo "measured: $greenroom"

work=$(mktemp -d /tmp/greenroom-bench.XXXXXX)
pids=()
clean_up() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# What a CI sets would change what the commands do.
unset GITHUB_ACTIONS GITHUB_EVENT_NAME GITHUB_EVENT_PATH GITHUB_OUTPUT GITHUB_STEP_SUMMARY GITHUB_REF GITHUB_SHA CI

# compare NAME COMMAND [NAME COMMAND]...: whole processes without a shell, side by side.
compare() {
  local arguments=()
  while [ $# -gt 0 ]; do
    arguments+=(--command-name "$1" "$2")
    shift 2
  done
  hyperfine -N --warmup 3 --runs "$runs" --style none --export-json "$work/hyperfine.json" "${arguments[@]}" >/dev/null
  python3 - "$work/hyperfine.json" <<'P'
import json, sys
print(f"{'whole process':<34} {'median':>10} {'fastest':>10} {'slowest':>10}")
for result in json.load(open(sys.argv[1]))["results"]:
    median, low, high = (1000 * result[key] for key in ("median", "min", "max"))
    print(f"{result['command']:<34} {median:>7.2f} ms {low:>7.2f} ms {high:>7.2f} ms")
P
}

# memory COMMAND...: the largest resident set of one run.
memory() {
  /usr/bin/time -f '%M' -o "$work/memory" "$@" >/dev/null
  awk '{printf "memory at its peak: %.1f MB\n", $1 * 1024 / 1e6}' "$work/memory"
}

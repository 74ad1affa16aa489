#!/bin/bash
# 1,000 units of a command target whose deploy takes 50 ms, 8 and 16 at a time: `greenroom deploy`, and
# `xargs -P` over the very same commands beside it. At most 1.3 of the ideal (1,000 x 50 ms / at a time).
. "$(dirname "$0")/setup.sh"
need python3 xargs strace
count=${COUNT:-1000}
rounds=${ROUNDS:-3}

mkdir "$work/project"
cd "$work/project"
# one NAME: seconds that the rest of the arguments took.
seconds() { python3 -c '
import subprocess, sys, time
began = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
if code: sys.exit(code)
print(f"{time.monotonic() - began:.2f}")' "$@"; }

printf '%-12s %8s %8s %10s %16s\n' 'at a time' ideal 'xargs' greenroom 'greenroom/ideal'
for parallelism in 8 16; do
  ideal=$(awk -v n="$count" -v p="$parallelism" 'BEGIN { printf "%.2f", n * .05 / p }')
  for _ in $(seq "$rounds"); do
    rm -rf .greenroom
    cat >greenroom.yaml <<Y
service: fleet
version: { value: 1.0.0 }
environments:
  - name: fleet
    type: staging
    command: { deploy: [sleep, "0.05"], status: ["true"], count: $count, parallelism: $parallelism }
    protection: { allowOverwrite: true, requireTests: false }
    deployment: { strategy: direct, rollback: { enabled: false } }
Y
    theirs=$(seconds sh -c "seq $count | xargs -P $parallelism -I{} sleep 0.05")
    ours=$(seconds "$greenroom" deploy -e fleet)
    awk -v p="$parallelism" -v i="$ideal" -v x="$theirs" -v g="$ours" \
      'BEGIN { printf "%-12d %6.2f s %6.2f s %8.2f s %16.2f\n", p, i, x, g, g / i }'
  done
done
rm -rf .greenroom
strace -f -qq -e trace=execve -e status=successful -o "$work/execs" "$greenroom" deploy -e fleet >/dev/null
echo "processes started for $count units: $(($(grep -c execve "$work/execs") - 1))"

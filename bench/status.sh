#!/bin/bash
# `greenroom status` on a history of 100 and of 100,000 records: at most 20 ms, and as many reads.
. "$(dirname "$0")/setup.sh"
need hyperfine strace

# One file per record: not where memory stands in for a disk.
cd "$target"
rm -rf "$work"
work=$(mktemp -d "$target/greenroom-bench.XXXXXX")
bench=$(cd "$root" && cargo bench --locked --bench ledger --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p')
case $bench in /*) ;; *) bench=$root/$bench ;; esac
commands=()
for records in 100 100000; do
  project=$work/$records
  mkdir "$project"
  cat >"$project/greenroom.yaml" <<'Y'
service: shop
version: { value: 1.0.0 }
ledger: { directory: ledger }
environments:
  - name: production
    type: production
    local: {}
Y
  "$bench" write "$project/ledger" "$records"
  commands+=("greenroom status, $records records" "$greenroom --config $project/greenroom.yaml status")
  strace -f -qq -e trace=openat,open,read,pread64,stat,statx,access,faccessat2,getdents64 -o "$work/calls" \
    "$greenroom" --config "$project/greenroom.yaml" status >/dev/null
  printf '%7d records: %3d files of the ledger opened, %d directories listed, %d lookups\n' "$records" \
    "$(grep -c "open.*$project/ledger" "$work/calls")" \
    "$(grep -c getdents "$work/calls" || true)" \
    "$(grep -cE "(stat|access).*$project/ledger" "$work/calls" || true)"
done
compare "${commands[@]}"
memory "$greenroom" --config "$work/100000/greenroom.yaml" status

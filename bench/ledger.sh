#!/bin/bash
# The ledgers by themselves: status, a durable append, an audit; a directory with 100,000 records, a git branch
# with 100 and 5,000.
. "$(dirname "$0")/setup.sh"
cd "$root"
cargo bench --locked --quiet --bench ledger -- "${RECORDS:-100000}"
for records in 100 5000; do
  cargo bench --locked --quiet --bench ledger -- branch "$records"
done

#!/bin/bash
# The directory ledger by itself: status, a durable append, an audit of 100,000 records.
. "$(dirname "$0")/setup.sh"
cd "$root"
cargo bench --locked --quiet --bench ledger -- "${RECORDS:-100000}"

#!/bin/bash
# Measures what docs/performance.md tells of, with the binary that people get: each measurement builds the profile
# `dist` first, or takes the executable that GREENROOM names, and prints which one it measured.
#
#   bench/run.sh            everything, in this order
#   bench/run.sh NAME...    tag | tags | action | verify | plan | status | ledger | units | router |
#                           registry | build
#
# Everything runs on this machine and on 127.0.0.1, in directories of its own that are removed again;
# what takes longer than 15 minutes is ended.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- tag tags action verify plan status ledger units router registry build
for name in "$@"; do
  case $name in
    router | registry) script=$here/$name/run.sh ;;
    tag | tags | action | verify | plan | status | ledger | units | build) script=$here/$name.sh ;;
    *)
      echo "run.sh: there is no measurement $name" >&2
      exit 2
      ;;
  esac
  echo "== $name ($(uptime | sed 's/.*load/load/'))"
  timeout --kill-after 10 900 "$script"
done

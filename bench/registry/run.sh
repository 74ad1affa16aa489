#!/bin/bash
# Images copied, tagged and listed with greenroom and with skopeo, side by side against docker-registry on
# this machine, near and 20 ms away; what is there already with crane and regctl too, where they are installed.
# ROWS="big many" measures some of the rows, RUNS=7 more often.
. "$(dirname "$0")/../setup.sh"
need docker-registry skopeo python3
# shellcheck disable=SC2086 # a list of rows
python3 "$(dirname "${BASH_SOURCE[0]}")/bench.py" "$greenroom" "$work" ${ROWS:-}

#!/bin/bash
# The tags of a build as a step of a job: `greenroom tag` beside docker/metadata-action under node, side by
# side in one run. At least 40 times faster.
#
# METADATA_ACTION names the bundle of metadata-action to run; without it there is nothing to compare with, and
# greenroom is measured alone. It is made from the source of docker/metadata-action: its `src/`, the
# dependencies in its package.json (@actions/core, @actions/github, @docker/actions-toolkit,
# @renovate/pep440, csv-parse, handlebars, moment, moment-timezone, semver) and esbuild, with
#
#   esbuild src/main.ts --bundle --platform=node --format=cjs --minify --keep-names --outfile=dist/index.cjs \
#     --define:import.meta.url=here "--banner:js=const here = require('url').pathToFileURL(__filename).href;"
#
# Both make the same of the same push: a tag of version, time and commit and one that is fixed, of one image,
# written to the step's outputs. metadata-action asks GitHub for the repository; this machine answers.
. "$(dirname "$0")/setup.sh"
need hyperfine git python3

project=$work/project
cp -r "$root/examples/quickstart" "$project"
cd "$project"
sed -i 's|^  repository: hello|  repository: ghcr.io/acme/widgets|' greenroom.yaml
git init -q
git add .
git -c user.name=bench -c user.email=bench@localhost commit -qm one
sha=$(git rev-parse HEAD)

cat >"$work/event.json" <<J
{"ref": "refs/heads/develop", "after": "$sha", "deleted": false,
 "head_commit": {"id": "$sha", "message": "one", "timestamp": "2026-11-28T10:00:00Z"},
 "repository": {"id": 1001, "full_name": "acme/widgets", "default_branch": "main"}, "pusher": {"name": "ada"}}
J
# As the runner gives it to a step.
export GITHUB_ACTIONS=true CI=true GITHUB_EVENT_NAME=push GITHUB_EVENT_PATH=$work/event.json \
  GITHUB_REF=refs/heads/develop GITHUB_SHA=$sha GITHUB_REPOSITORY=acme/widgets \
  GITHUB_OUTPUT=$work/output GITHUB_ENV=$work/env GITHUB_STEP_SUMMARY=$work/summary RUNNER_TEMP=$work

# tags NAME COMMAND...: what the step gives as its tags, one a line, without the image and the time of day.
tags() {
  : >"$GITHUB_OUTPUT"
  : >"$GITHUB_ENV"
  "${@:2}" >/dev/null
  python3 - "$GITHUB_OUTPUT" <<'P' | sort >"$work/$1"
import re, sys
value = re.search(r"^tags<<(\S+)\n(.*?)\n\1$", open(sys.argv[1]).read(), re.M | re.S).group(2)
print("\n".join(re.sub(r"-\d{8}-\d{6}-", "-TIME-", line.rsplit(":", 1)[-1]) for line in value.splitlines()))
P
}

tags greenroom "$greenroom" tag -e staging
echo "tags: $(paste -sd ' ' "$work/greenroom")"
if [ -z "${METADATA_ACTION:-}" ]; then
  echo "METADATA_ACTION is not set: nothing to compare with (bench/tags.sh says how to make it)"
  compare "greenroom tag" "$greenroom tag -e staging"
  memory "$greenroom" tag -e staging
  exit
fi

need node
cat >"$work/github.py" <<'P'
import http.server, json
BODY = json.dumps({
    "id": 1001, "name": "widgets", "full_name": "acme/widgets", "description": "Widgets",
    "html_url": "https://github.com/acme/widgets", "default_branch": "main", "license": {"spdx_id": "MIT"},
}).encode()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
P
mkfifo "$work/port"
python3 "$work/github.py" >"$work/port" &
pids+=($!)
read -r port <"$work/port"
export GITHUB_API_URL=http://127.0.0.1:$port
# Names with a hyphen are for `env`: bash takes none.
step=(env "INPUT_CONTEXT=workflow" "INPUT_GITHUB-TOKEN=none" "INPUT_IMAGES=ghcr.io/acme/widgets"
  "INPUT_FLAVOR=latest=false"
  "INPUT_TAGS=type=raw,value=staging-v$(cat VERSION)-{{date 'YYYYMMDD-HHmmss'}}-{{sha}}
type=raw,value=staging-latest")
tags metadata-action "${step[@]}" node "$METADATA_ACTION"
cmp "$work/greenroom" "$work/metadata-action" || {
  echo "$0: the tags differ: $(paste -sd ' ' "$work/metadata-action")" >&2
  exit 1
}

# As hyperfine takes a command apart.
quoted() { python3 -c 'import shlex, sys; print(shlex.join(sys.argv[1:]))' "$@"; }
compare "metadata-action, node $(node --version)" "$(quoted "${step[@]}" node "$METADATA_ACTION")" \
  "greenroom tag" "$greenroom tag -e staging" \
  "node -e 0" "node -e 0"
python3 - "$work/hyperfine.json" <<'P'
import json, sys
other, own, _ = (result["median"] for result in json.load(open(sys.argv[1]))["results"])
print(f"metadata-action takes {other / own:.0f} times as long")
P
memory "$greenroom" tag -e staging

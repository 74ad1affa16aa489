#!/bin/bash
# What the action's step costs over the binary: both steps of action.yml, exactly as the runner runs them (bash
# by name with the runner's options, a file for each step, the inputs in the environment), beside the binary
# alone in the same environment. At most 150 ms more. Then the dry run of a whole pipeline for an event:
# trigger, version, tags, gates and plan. At most 40 ms.
. "$(dirname "$0")/setup.sh"
need hyperfine git python3

project=$work/project
mkdir "$project"
cd "$project"
cp -r "$root"/examples/quickstart/{VERSION,app,environments,greenroom.yaml} .
echo .greenroom >.gitignore
git init -q --initial-branch=develop
git init -q --bare "$work/remote.git"
git remote add origin "file://$work/remote.git"
git add .
git -c user.name=bench -c user.email=bench@localhost commit -qm one
git push -q origin develop
sha=$(git rev-parse HEAD)

cat >"$work/event.json" <<J
{"ref": "refs/heads/develop", "before": "$sha", "after": "$sha", "created": false, "deleted": false,
 "forced": false, "base_ref": null, "head_commit": {"id": "$sha", "message": "one"},
 "repository": {"id": 1001, "full_name": "acme/widgets", "default_branch": "main"}, "pusher": {"name": "ada"}}
J
# As the runner gives it to a step. No token: GitHub is not told, which would take the network's time.
export GITHUB_ACTIONS=true CI=true GITHUB_EVENT_NAME=push GITHUB_EVENT_PATH=$work/event.json \
  GITHUB_REF=refs/heads/develop GITHUB_SHA=$sha GITHUB_REPOSITORY=acme/widgets GITHUB_ACTOR=ada \
  GITHUB_OUTPUT=$work/output GITHUB_STEP_SUMMARY=$work/summary GITHUB_ACTION_PATH=$root \
  RUNNER_TEMP=$work/temp GREENROOM_BIN=$greenroom
mkdir "$RUNNER_TEMP"

# The `run` of each step of action.yml, into a file of its own, as the runner does it.
python3 - "$root/action.yml" "$work" <<'P'
import re, sys
text = open(sys.argv[1]).read()
steps = re.findall(r"^      run: (?:\|\n((?:        .*\n)+)|(.+)\n)", text, re.M)
assert len(steps) == 2, steps
for number, (block, line) in enumerate(steps):
    script = re.sub(r"^        ", "", block, flags=re.M) if block else line + "\n"
    assert "${{" not in script, script
    open(f"{sys.argv[2]}/step{number}.sh", "w").write(script)
P
bash="bash --noprofile --norc -e -o pipefail"
printf '%s\n' "set -e" "$bash $work/step0.sh" "$bash $work/step1.sh" >"$work/steps.sh"

# compared COMMAND WHAT: the binary alone, and both steps, for one command of the action.
compared() {
  export GREENROOM_INPUT_COMMAND=$1
  compare "greenroom $1" "$greenroom $1" \
    "both steps of the action" "$bash $work/steps.sh" \
    "  of which the installation" "$bash $work/step0.sh"
  python3 - "$work/hyperfine.json" "$2" <<'P'
import json, sys
alone, both = (result["median"] for result in json.load(open(sys.argv[1]))["results"][:2])
print(f"{sys.argv[2]}: the action adds {1000 * (both - alone):.1f} ms")
P
}

# planned: a dry run shows a plan, or there is nothing to measure.
planned() {
  "$greenroom" run --dry-run | grep -q "start 1.0.0 in the blue slot" || { echo "$0: no plan" >&2; exit 1; }
}

compared trigger "a decision"
compared tag "tags"
# The pipeline, with the ledger on its branch; GREENROOM_INPUT_DRY_RUN is an input that only some commands take.
planned
export GREENROOM_INPUT_DRY_RUN=true GREENROOM_INPUT_COMMAND=run
compare "greenroom run --dry-run" "$greenroom run --dry-run" \
  "both steps of the action" "$bash $work/steps.sh"
memory "$greenroom" run --dry-run
# Without what git takes: the ledger in a directory, as on a machine of one's own.
unset GREENROOM_INPUT_DRY_RUN GREENROOM_INPUT_COMMAND
echo 'ledger: { directory: .greenroom/ledger }' >>greenroom.yaml
planned
compare "the same, its ledger in a directory" "$greenroom run --dry-run"

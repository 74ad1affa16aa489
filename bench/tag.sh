#!/bin/bash
# The tags of a build: `greenroom tag` in a repository of one commit. At most 5 ms and 12 MB.
. "$(dirname "$0")/setup.sh"
need hyperfine git

project=$work/project
cp -r "$root/examples/quickstart" "$project"
cd "$project"
git init -q
git add .
git -c user.name=bench -c user.email=bench@localhost commit -qm one
compare "greenroom tag" "$greenroom tag -e staging" \
  "greenroom --version" "$greenroom --version" \
  "git rev-parse HEAD" "git rev-parse HEAD"
memory "$greenroom" tag -e staging

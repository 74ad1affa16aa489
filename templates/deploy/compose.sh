#!/usr/bin/env bash
# greenroom calls this to deploy, to ask what runs, and to remove (GREENROOM_ACTION). It brings
# compose.production.yaml to DEPLOY_HOST over SSH, or to this machine where DEPLOY_HOST is empty. The host
# has docker with compose, and is logged in to the registry where that is private.
set -euo pipefail
cd "$(dirname "$0")/.."

project=$GREENROOM_SERVICE-$GREENROOM_ENVIRONMENT

# Runs words on the host; each is quoted for the shell there.
on_host() {
  if [ -z "${DEPLOY_HOST:-}" ]; then
    env "$@"
    return
  fi
  # 255 is ssh's own failure, not the command's: 75 asks greenroom to try again.
  local status=0
  ssh -o BatchMode=yes -o ConnectTimeout=10 -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes \
    -o "UserKnownHostsFile=$keys/known_hosts" -i "$keys/key" -- "$DEPLOY_HOST" "env $(printf '%q ' "$@")" || status=$?
  [ "$status" -ne 255 ] || exit 75
  return "$status"
}

if [ -n "${DEPLOY_HOST:-}" ]; then
  umask 077
  keys=$(mktemp -d)
  trap 'rm -rf -- "$keys"' EXIT
  printf '%s\n' "$DEPLOY_KEY" >"$keys/key"
  printf '%s\n' "$DEPLOY_KNOWN_HOSTS" >"$keys/known_hosts"
fi

case $GREENROOM_ACTION in
  deploy | rollback)
    on_host "IMAGE=$GREENROOM_IMAGE" "VERSION=$GREENROOM_VERSION" \
      docker compose --project-name "$project" --file - up --detach --wait --remove-orphans <compose.production.yaml
    ;;
  status)
    running=$(on_host docker ps --no-trunc --filter "label=com.docker.compose.project=$project" \
      --filter status=running --format '{{.Image}}' </dev/null)
    # Nothing runs: an end other than 0 says so.
    [ -n "$running" ] || exit 1
    printf '%s\n' "${running%%$'\n'*}"
    ;;
  remove)
    on_host IMAGE=none VERSION=none docker compose --project-name "$project" --file - down <compose.production.yaml
    ;;
  *)
    echo "deploy/compose.sh: unknown action $GREENROOM_ACTION" >&2
    exit 64
    ;;
esac

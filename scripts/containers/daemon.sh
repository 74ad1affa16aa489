# shellcheck shell=bash
# A docker daemon with a bridge, data and socket of its own, docker compose, a registry, and the storage of
# buildah and podman. All of it ends with the script. Sourced by ../containers.sh.

start_daemon() {
  [ -z "${FRESH:-}" ] || rm -rf "$work/docker" "$work/podman" "$work/debian.tar"
  # A socket's path has at most 107 bytes.
  short=$(mktemp -d /tmp/grc.XXXXXX)
  bridge=grc$$
  export DOCKER_HOST=unix://$short/d.sock DOCKER_CONFIG=$work/config
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  ip link add "$bridge" type bridge
  trap end EXIT
  ip addr add "172.30.$(($$ % 250)).1/24" dev "$bridge"
  ip link set "$bridge" up
  dockerd --data-root "$work/docker" --exec-root "$short/x" --pidfile "$short/pid" -H "$DOCKER_HOST" \
    --bridge "$bridge" --iptables=false --ip6tables=false --ip-masq=false --default-ulimit nofile=1024:1024 \
    --shutdown-timeout 1 --log-level warn >"$work/dockerd.log" 2>&1 </dev/null &
  daemon=$!
  wait_for "dockerd ($work/dockerd.log)" docker version
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/podman"\nrunroot = "%s/run"\n' "$work" "$short" >"$work/storage.conf"
  export CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_ISOLATION=chroot
}

# Debian's docker.io of this suite has neither of these, its next suite has both.
plugins() {
  [ -x "$DOCKER_CONFIG/cli-plugins/docker-compose" ] || {
    say "docker compose"
    # shellcheck disable=SC2016 # a script for the container's shell
    quietly docker run --rm --network host --volume "$DOCKER_CONFIG/cli-plugins:/plugins" "standin/debian:$suite" sh -euc '
      cd /tmp
      apt-get update -qq
      apt-get download -qq docker-compose docker-buildx
      for package in *.deb; do dpkg-deb -x "$package" all; done
      cp all/usr/libexec/docker/cli-plugins/docker-* /plugins/'
  }
}

start_registry() {
  registry=127.0.0.1:$(free_port)
  printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s/registry}}\nhttp: {addr: "%s", secret: x}\n' \
    "$short" "$registry" >"$short/registry.yml"
  docker-registry serve "$short/registry.yml" >"$work/registry.log" 2>&1 </dev/null &
  store=$!
  wait_for docker-registry curl -sf "http://$registry/v2/"
}

end() {
  local status=$? ids mount
  trap - EXIT
  mapfile -t ids < <(docker ps --all --quiet 2>/dev/null)
  [ ${#ids[@]} -eq 0 ] || docker rm --force --volumes "${ids[@]}" >/dev/null
  [ -z "${store:-}" ] || kill "$store"
  kill "$daemon"
  wait "$daemon" || true
  while read -r mount; do
    umount "$mount"
  done < <(awk -v a="$short/" -v b="$work/" 'index($2, a) == 1 || index($2, b) == 1 { print $2 }' /proc/mounts | sort -r)
  ip link del "$bridge"
  rm -rf "$short"
  exit "$status"
}

wait_for() { # WHAT WORDS...
  local left=300 what=$1
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || {
      echo "containers.sh: waited in vain for $what" >&2
      return 1
    }
    sleep 0.1
  done
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

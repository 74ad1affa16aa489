#!/bin/bash
# Throughput of the builtin router and of HAProxy, side by side on this machine.
#
#   bench/router/run.sh [ROUNDS] [SECONDS]
#
# Two nginx backends answer a fixed text; wrk drives 32 keep-alive connections through each proxy in
# turn, ROUNDS times (default 7), after a round that is not counted. Prints requests per second and
# the ratio of each round, the medians, and each proxy's CPU time per request.
# Needs wrk, haproxy and nginx (Debian packages).
set -euo pipefail

rounds=${1:-7}
seconds=${2:-3}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
greenroom=${GREENROOM:-$target/dist/greenroom}
if [ -z "${GREENROOM:-}" ]; then
  echo "building greenroom with the profile dist (LTO, one unit: minutes, the first time)"
  (cd "$root" && cargo build --profile dist --locked --quiet --bin greenroom)
fi
echo "measured: $greenroom"
for tool in wrk haproxy nginx; do
  PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || { echo "run.sh: $tool is not installed" >&2; exit 1; }
done
PATH=$PATH:/usr/sbin

work=$(mktemp -d /tmp/grb.XXXXXX)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

mapfile -t ports < <(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
for s in held: print(s.getsockname()[1])')
blue=${ports[0]} green=${ports[1]} ours=${ports[2]} theirs=${ports[3]}

cat >"$work/nginx.conf" <<C
daemon off; pid $work/nginx.pid; worker_processes 2; error_log $work/nginx.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000; default_type text/plain;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server { listen 127.0.0.1:$blue;  location / { return 200 "hello from blue\n"; } }
  server { listen 127.0.0.1:$green; location / { return 200 "hello from green\n"; } }
}
C
cat >"$work/haproxy.cfg" <<C
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout queue 5s
  option redispatch
  option forwardfor
  retries 3
frontend fe
  bind 127.0.0.1:$theirs
  default_backend app
backend app
  balance roundrobin
  default-server maxconn 500 weight 100
  server blue 127.0.0.1:$blue
  server green 127.0.0.1:$green
C
nginx -p "$work" -c "$work/nginx.conf" & pids+=($!)
haproxy -db -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 & haproxy_pid=$!; pids+=("$haproxy_pid")
"$greenroom" router --listen "127.0.0.1:$ours" --state "$work/state" & router_pid=$!; pids+=("$router_pid")

await() { for _ in $(seq 500); do curl -fs -o /dev/null "$1" && return; sleep .02; done; echo "no answer from $1" >&2; exit 1; }
await "http://127.0.0.1:$blue/"
await "http://127.0.0.1:$theirs/"
python3 - "$work/state/control.sock" "$blue" "$green" <<'P'
import json, socket, sys, time
path, blue, green = sys.argv[1], sys.argv[2], sys.argv[3]
for _ in range(500):
    try:
        s = socket.socket(socket.AF_UNIX); s.connect(path); break
    except OSError:
        time.sleep(.02)
routes = [{"unit": "web-1", "slot": slot, "address": f"http://127.0.0.1:{port}", "weight": 50}
          for slot, port in (("blue", blue), ("green", green))]
s.sendall(json.dumps({"shift": routes}).encode() + b"\n")
reply = s.makefile().readline().strip()
assert reply == '"done"', reply
P
await "http://127.0.0.1:$ours/"

# Ticks of CPU time (user and system) that a process has used.
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
hertz=$(getconf CLK_TCK)
# drive NAME PORT PID: one run of wrk; appends "rps cpu-microseconds-per-request" to NAME.
drive() {
  local before after out requests
  before=$(ticks "$3")
  out=$(wrk -t2 -c32 -d"${seconds}s" "http://127.0.0.1:$2/")
  after=$(ticks "$3")
  if grep -qE 'Socket errors|Non-2xx' <<<"$out"; then echo "$1: $out" >&2; exit 1; fi
  requests=$(awk '/requests in/{print $1}' <<<"$out")
  awk -v n="$requests" -v t=$((after - before)) -v hz="$hertz" \
    '/Requests\/sec/{printf "%.0f %.1f\n", $2, t / hz * 1e6 / n}' <<<"$out" >>"$work/$1"
}
wrk -t2 -c32 -d1s "http://127.0.0.1:$ours/" >/dev/null
wrk -t2 -c32 -d1s "http://127.0.0.1:$theirs/" >/dev/null
for _ in $(seq "$rounds"); do
  drive haproxy "$theirs" "$haproxy_pid"
  drive builtin "$ours" "$router_pid"
  drive direct "$blue" "$$"
done

paste -d' ' "$work/haproxy" "$work/builtin" "$work/direct" | awk '
  function median(a, n,  i, j, t) {
    for (i = 2; i <= n; i++) for (j = i; j > 1 && a[j-1] > a[j]; j--) { t = a[j]; a[j] = a[j-1]; a[j-1] = t }
    return n % 2 ? a[(n+1)/2] : (a[n/2] + a[n/2+1]) / 2
  }
  BEGIN { printf "%5s %12s %12s %12s %7s %14s %14s\n", "round", "haproxy/s", "builtin/s", "no proxy/s", "ratio", "haproxy µs/req", "builtin µs/req" }
  { printf "%5d %12d %12d %12d %7.2f %14.1f %14.1f\n", NR, $1, $3, $5, $3/$1, $2, $4
    h[NR] = $1; b[NR] = $3; d[NR] = $5; r[NR] = $3/$1; hc[NR] = $2; bc[NR] = $4 }
  END { printf "%5s %12d %12d %12d %7.2f %14.1f %14.1f\n", "med.", median(h,NR), median(b,NR), median(d,NR), median(r,NR), median(hc,NR), median(bc,NR) }'

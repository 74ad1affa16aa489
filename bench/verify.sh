#!/bin/bash
# Twenty smoke requests with assertions: `greenroom verify`, and a loop over curl and grep beside it.
# At most 8 ms.
. "$(dirname "$0")/setup.sh"
need hyperfine curl python3

[ -x "$target/dist/examples/hello" ] || (cd "$root" && cargo build --profile dist --locked --example hello)
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
PORT=$port VERSION=1.0.0 "$target/dist/examples/hello" & pids+=($!)
url=http://127.0.0.1:$port
curl -sf --retry 50 --retry-connrefused --retry-delay 0 -o /dev/null "$url/health"

mkdir "$work/project"
cd "$work/project"
cat >greenroom.yaml <<Y
service: hello
version: { value: 1.0.0 }
environments:
  - name: staging
    type: staging
    url: $url
    suites: [smoke]
suites:
  smoke:
Y
for n in $(seq 20); do
  echo "    - { name: answers $n, type: functional, http: { path: '/health?detailed=true&n=$n', status: 200, expectHeaders: { content-type: application/json }, json: { status: ok, database.status: connected } } }" >>greenroom.yaml
done
cat >curl.sh <<S
for n in \$(seq 20); do
  curl -sf "$url/health?detailed=true&n=\$n" | grep -q '"status":"ok"' || exit 1
done
S
"$greenroom" verify staging | tail -n 3
commands=("greenroom verify" "$greenroom verify staging" "a loop over curl and grep" "sh curl.sh")
if command -v hurl >/dev/null; then
  for n in $(seq 20); do
    printf 'GET %s/health?detailed=true&n=%s\nHTTP 200\n[Asserts]\nheader "Content-Type" contains "application/json"\njsonpath "$.status" == "ok"\njsonpath "$.database.status" == "connected"\n\n' "$url" "$n"
  done >smoke.hurl
  commands+=("hurl" "hurl --test smoke.hurl")
fi
compare "${commands[@]}"
memory "$greenroom" verify staging

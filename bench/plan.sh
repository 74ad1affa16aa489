#!/bin/bash
# Plans for 200 environments, each in a file of its own: `greenroom plan --all`. At most 50 ms. First the
# environment of the quickstart 200 times; then long ones, of which half are command targets, for each of
# which a plan runs the status command; then long ones without those.
. "$(dirname "$0")/setup.sh"
need hyperfine python3
export DATABASE_URL=postgres://localhost/shop API_TOKEN=not-a-secret

for kind in mixed local; do
  mkdir "$work/$kind"
  cd "$work/$kind"
  python3 "$root/bench/plan.py" 200 "$kind"
  plans=$("$greenroom" plan --all | grep -c '^Deploy ')
  [ "$plans" = 200 ] || { echo "$0: $plans plans instead of 200" >&2; exit 1; }
done
mkdir -p "$work/quickstart/environments"
cd "$work/quickstart"
cp -r "$root"/examples/quickstart/{VERSION,app} .
sed 's/environment: staging/environment: staging-1/' "$root/examples/quickstart/greenroom.yaml" >greenroom.yaml
for number in $(seq 200); do
  sed "s/name: staging/name: staging-$number/; s/18080/$((20000 + number))/" \
    "$root/examples/quickstart/environments/staging.yaml" >"environments/$number.yaml"
done
echo "200 environments, $(cat "$work/quickstart"/environments/* | wc -l) lines; long ones, $(cat "$work/mixed"/environments/* | wc -l) lines"
compare "greenroom plan --all, quickstart" "$greenroom plan --all --config $work/quickstart/greenroom.yaml" \
  "long ones, half of them commands" "$greenroom plan --all --config $work/mixed/greenroom.yaml" \
  "long ones, local targets only" "$greenroom plan --all --config $work/local/greenroom.yaml" \
  "greenroom check" "$greenroom check --config $work/mixed/greenroom.yaml"
memory "$greenroom" plan --all --config "$work/mixed/greenroom.yaml"

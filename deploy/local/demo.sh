#!/bin/sh
# A city day from partner to voucher, on a fresh data folder, and the proof that it balances.
# Leaves the services up; `make down` stops them.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
bin=.build/release
data=$root/data-demo
city=$data/city
events=${EVENTS:-25000}
residents=${RESIDENTS:-2000}
seed=${SEED:-20260810}

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
ctl() { "$bin/greenctl" --data "$data" "$@"; }
began=$(date +%s)

if [ -d "$data" ]; then
    [ ! -d "$data/run" ] || ctl stop >/dev/null
    rm -rf "$data"
fi
mkdir -p "$data"

say "Four services, each with its own store, joined by ZeroMQ"
# A past day needs a clock that can be set; the edge takes the first port that is free.
GREENSEASON_DATA=$data GREENSEASON_INGESTION_CLOCK=manual GREENSEASON_INGESTION_EDGE_PORT=0 \
    deploy/local/up.sh
started=$(date +%s)

say "A city day: $events events of $residents residents (seed $seed)"
ctl generate-day "$city" --seed "$seed" --events "$events" --residents "$residents"
ctl city load "$city"
generated=$(date +%s)

say "Partners publish it: CURVE, credit, a receipt for each event"
ctl publish "$city"
ctl wait --settled
published=$(date +%s)

resident=$(ctl resident show resident-0000042 --id)

say "One resident's carbon ledger"
ctl ledger show "$resident" --limit 10

say "The newest entry, explained"
ctl ledger show "$resident" --limit 1 --explain

say "Points, a reward and its voucher"
ctl catalogue load deploy/catalogue/beijing.json
ctl rewards list
ctl redeem "$resident" reusable-bag
ctl points show "$resident"

say "The green-credit profile, by consent"
ctl profile consent "$resident" --grant --history
ctl profile show "$resident"

say "The proof: from partner receipt to voucher"
ctl wait --settled
ctl audit --full
ended=$(date +%s)

say "Where the time went"
printf '  %-34s %4d s\n' "services started" $((started - began)) \
    "city made and loaded" $((generated - started)) \
    "day published and settled" $((published - generated)) \
    "ledger, voucher, profile, audit" $((ended - published))
say "The services stay up on $data"
echo "  greenctl --data data-demo …   ask them anything ($bin/greenctl --help)"
echo "  make down                     stop them"

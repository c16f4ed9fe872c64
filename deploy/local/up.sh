#!/bin/sh
# Starts the four services in the background on GREENSEASON_DATA and waits until they answer.
set -eu

bin=$(cd "$(dirname "$0")/../.." && pwd)/.build/release
data=${GREENSEASON_DATA:?is the folder to run on}
mkdir -p "$data/log"

for service in ingestion scoring rewards credit-profile; do
    if "$bin/greenctl" --data "$data" status --service "$service" >/dev/null 2>&1; then
        echo "$service is up already"
        continue
    fi
    nohup "$bin/$service" --data "$data" >>"$data/log/$service.log" 2>&1 </dev/null &
done
exec "$bin/greenctl" --data "$data" wait --up

#!/bin/sh
# Stops the services of GREENSEASON_DATA and of the demo, each in order and only if it is the one
# that its run file tells.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
for data in "${GREENSEASON_DATA:-$root/data}" "$root/data-demo"; do
    [ -d "$data/run" ] || continue
    "$root/.build/release/greenctl" --data "$data" stop
done

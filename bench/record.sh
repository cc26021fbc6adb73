#!/bin/sh
# record.sh: see record.c.
set -eu
cd "$(dirname "$0")/.."
echo "commit $(git rev-parse --short HEAD)"
exec build/bench/bench-record "$@"

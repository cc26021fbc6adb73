#!/bin/sh
# bench.sh: see bench.py. Needs pgbouncer and postgresql-15-pgaudit (scripts/deps.sh test).
exec /usr/bin/python3 -W ignore "$(dirname "$0")/bench.py" "$@"

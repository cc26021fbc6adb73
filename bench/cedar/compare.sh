#!/bin/sh
# compare.sh [SECONDS]: bytes a policy, what a decision takes by the shape of scopes, then decisions a second beside cedar-wasm 4.10.0 (prepared policies, sliced entities:
# its best case).
set -eu
cd "$(dirname "$0")/../.."
folder=build/cedar-wasm
[ -d $folder/node_modules ] || { mkdir -p $folder; (cd $folder && npm install --silent --no-fund --no-audit --prefix . @cedar-policy/cedar-wasm@4.10.0 >/dev/null); }
${CC:-cc} -O2 -Isrc -o build/cedar-memory bench/cedar/memory.c build/libsekisho-cedar.a
build/cedar-memory
${CC:-cc} -O2 -Isrc -o build/cedar-scope bench/cedar/scope.c build/libsekisho-cedar.a
build/cedar-scope
echo "commit $(git rev-parse --short HEAD)"
CEDAR_WASM=$PWD/$folder exec node --no-opt bench/cedar/compare.mjs build/sekisho "${1:-3}"

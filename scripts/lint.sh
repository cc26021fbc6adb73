#!/bin/sh
# lint.sh: what a reader would rather not find by hand: cppcheck and GCC's analyzer over src, and how the house stands.
set -eu
cd "$(dirname "$0")/.."
command -v cppcheck >/dev/null && cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr \
	--suppress=nullPointerArithmetic --error-exitcode=0 -Isrc src
[ -e build-analyze/build.ninja ] || meson setup build-analyze -Dc_args=-fanalyzer -Dwerror=false >/dev/null
ninja -C build-analyze 2>&1 | grep -E 'warning: .*\[-W' | sort -u || true
[ ! -x ../shared/tools/shape ] || ../shared/tools/shape | tail -40

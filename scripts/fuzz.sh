#!/bin/sh
# fuzz.sh [SECONDS [NAME…]]: runs each libFuzzer target for a while (60 s), in a copy of its corpus; findings stay in build-fuzz.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ -e build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz -Dfuzz=true -Db_lundef=false >/dev/null
ninja -C build-fuzz --quiet
for target in build-fuzz/fuzz/fuzz-*; do
	name=$(basename "$target" | sed 's/^fuzz-//')
	[ -x "$target" ] && [ -f "$target" ] || continue
	case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
	seeds=fuzz/corpus/$name
	case $name in cedar-*) seeds=fuzz/cedar/corpus/${name#cedar-} ;; esac
	work=build-fuzz/work-$name
	mkdir -p "$work"
	echo "--- $name, $seconds s"
	(cd build-fuzz && "../$target" -max_total_time="$seconds" -artifact_prefix="found-$name-" -print_final_stats=1 \
		"work-$name" "../$seeds" 2>&1 | tail -4)
done

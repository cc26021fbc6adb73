# The two commands are `make run` and `make test`; everything else is here because they need it.
.PHONY: all deps deps-test build run test check bench soak fuzz lint fresh package clean measures licences

BUILD = build
MESON_QUIET = >/dev/null

all: build

deps:
	@scripts/deps.sh run

deps-test:
	@scripts/deps.sh test

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) $(MESON_QUIET)

build: deps $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet
	@scripts/leave.sh $(BUILD)

run: build
	@exec $(BUILD)/sekisho demo $(if $(DIR),--dir $(DIR))

test: deps-test
	@scripts/test.py

# One room's unit tests, in under a minute: make check ROOM=ledger
check: deps-test build
	@meson test -C $(BUILD) --suite unit --print-errorlogs $$(cd test/unit && ls $(ROOM)-*.c | sed 's/\.c$$//')

bench: deps-test build
	@for b in bench/*.sh bench/*/*.sh; do [ -x "$$b" ] && "$$b"; done; true

soak: deps-test build
	@scripts/test.py --soak

fuzz: deps-test
	@scripts/fuzz.sh

lint: deps-test
	@scripts/lint.sh

fresh:
	@scripts/fresh.sh

# A .deb in build/.
package: build
	@scripts/package.sh

clean:
	rm -rf build build-*

# The licences of what the program links, from the packages.
licences: build
	@scripts/licences.py

# Each measure: code, checks, tests. Fails while a check has no test that breaks it.
measures:
	@scripts/measures.py

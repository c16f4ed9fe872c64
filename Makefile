# GreenSeason: what a person types. `make demo` and `make test` need nothing but Swift and Debian.

.DEFAULT_GOAL := help

SWIFT ?= swift
# One configuration for everything: what the tests start is what the demo and a city run.
BUILD := $(SWIFT) build -c release
BIN := .build/release
SOURCES := Services Shared Tests Package.swift
export GREENSEASON_DATA ?= $(CURDIR)/data

help:  ## this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

packages:  ## install the Debian packages that are missing
	@deploy/local/packages.sh

build: packages  ## build every program
	$(BUILD)

demo: build  ## a city day from partner to voucher, on a fresh data folder
	@deploy/local/demo.sh

test: packages lint  ## everything that must hold
	$(BUILD) --build-tests
	/usr/bin/python3 -m unittest discover -s Tests/Oracle
	/usr/bin/python3 -m unittest discover -s Tests/EndToEnd
	SWIFT_DETERMINISTIC_HASHING=1 $(SWIFT) test -c release --skip-build

simulate: build  ## cities in a box of faults, for as long as you like: HOURS=1 SEED=…
	$(BIN)/greenctl simulate --seed $(or $(SEED),$(shell date +%s)) \
		--seconds $(shell awk 'BEGIN { print int($(or $(HOURS),1) * 3600) }')

lint:
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

format:  ## lay out the sources as the lint wants them
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

up: build  ## start all services in the background on GREENSEASON_DATA
	@deploy/local/up.sh

down:  ## stop the services of GREENSEASON_DATA and of the demo
	@deploy/local/down.sh

# To ask running services something is no reason to build anything anew.
$(BIN)/greenctl:
	$(MAKE) build

status: $(BIN)/greenctl  ## which services are up, and how far they are
	@$(BIN)/greenctl status

audit: $(BIN)/greenctl  ## prove that everything balances
	@$(BIN)/greenctl audit --full

ingestion scoring rewards credit-profile: build  ## one service in the foreground
	@exec $(BIN)/$@

# The yardstick of `make bench`: plain C on the two libraries that everything stands on.
$(BIN)/floor: $(wildcard Tests/Benchmarks/floor/*.[ch]) | build
	$(CC) -O2 -std=gnu17 -Wall -Wextra -o $@ $(filter %.c,$^) -lzmq -lsqlite3

# What to measure, and with how much: make bench WHAT=latency.
WHAT := chain
MEASURE = $(BIN)/benchmarks $(1) \
	$(if $(EVENTS),--events $(EVENTS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(ARGUMENTS)
bench: build $(BIN)/floor  ## measure: WHAT=chain EVENTS=1000000 ROUNDS=3 (docs/benchmarks.md)
	@$(call MEASURE,$(WHAT))

bench-all: build $(BIN)/floor  ## measure everything but history
	@for what in chain stages latency catch-up rush overload; do \
		$(call MEASURE,$$what) || exit; done

bench-guard: build  ## compare instructions with committed figures: ACCEPT=1 takes new ones
	@command -v valgrind > /dev/null || apt-get install -y -q valgrind binutils
	@$(BIN)/benchmarks guard $(if $(ACCEPT),--accept)

# Coverage and AddressSanitizer are compiled in, so it builds into a folder of its own.
fuzz-build:
	GREENSEASON_FUZZ=1 $(BUILD) --scratch-path .build-fuzz --sanitize=address --product fuzz

fuzz: fuzz-build  ## fuzz every decoder of outside bytes: TARGET=name SECONDS=30
	@python3 Tests/Fuzz/fuzz.py --seconds $(or $(SECONDS),30) $(if $(TARGET),--target $(TARGET))

fuzz-replay: fuzz-build  ## run a fuzz target on one input: TARGET=name INPUT=file
	@python3 Tests/Fuzz/fuzz.py --target $(TARGET) --replay $(INPUT)

fuzz-keep: fuzz-build  ## make what fuzzing found the committed corpus, as small as it can be
	@python3 Tests/Fuzz/fuzz.py --keep $(if $(TARGET),--target $(TARGET))

.PHONY: help packages build demo test simulate lint format up down status audit
.PHONY: bench bench-all bench-guard fuzz fuzz-build fuzz-replay fuzz-keep
.PHONY: ingestion scoring rewards credit-profile

# Needs Go 1.26, make, npm and git. `make` alone prints the targets.

# The shell of every recipe: POSIX, ends at the first command that fails.
SHELL = /bin/sh
.SHELLFLAGS = -eu -c

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)
DEMO_FLAGS ?=
TEST_FLAGS ?=
BENCH ?= .
FUZZTIME ?= 10s
SEED ?= 1
SEEDS ?= 1000
SIM_FLAGS ?=
CHAOS ?= 10m
CHAOS_SEED ?=
CHAOS_EACH ?=
CHAOS_LOAD ?=
CHAOS_BROKER ?=
CHAOS_KAFKAS ?=
KAFKA_PORT ?= 0

export CGO_ENABLED ?= 0

# Where tests and benchmarks are looked for by name; .cache holds what was fetched.
GREP_TESTS = grep -r --include=*_test.go --exclude-dir=.cache

.DEFAULT_GOAL = help

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: libchdb build ## run everything in one process and show it (DEMO_FLAGS="--exit --json")
	@bin/detour demo $(DEMO_FLAGS)

.PHONY: test
test: libchdb ## run all tests (TEST_FLAGS="-run X -v")
	$(GO) test -timeout 8m $(TEST_FLAGS) ./...

.PHONY: race
race: libchdb ## run all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 25m $(TEST_FLAGS) ./...

.PHONY: integration
integration: libkafka libchdb ## run the tests on real Kafka (needs Java, Maven; TEST_FLAGS="-run X -v")
	DETOUR_INTEGRATION=1 $(GO) test -count=1 -p 1 -timeout 15m -run '^TestIntegration' $(TEST_FLAGS) \
		$$($(GREP_TESTS) -l '^func TestIntegration' . | xargs -n 1 dirname | sort -u)

.PHONY: build
build: ## build bin/detour
	@$(GO) build -buildvcs=false -ldflags "-X main.version=$(VERSION) -X main.commit=$(COMMIT)" -o bin/detour ./cmd/detour

.PHONY: libchdb
libchdb: ## fetch ClickHouse's engine into .cache, once (166 MB)
	@scripts/fetch-libchdb.sh

.PHONY: libkafka
libkafka: ## fetch Apache Kafka's jars into .cache, once (45 MB)
	@scripts/fetch-kafka.sh

.PHONY: kafka
kafka: libkafka ## run a Kafka broker in the foreground, data in .cache (KAFKA_PORT=9092)
	@$(GO) run -buildvcs=false ./internal/embedded/realkafka/serve -dir $${DETOUR_CACHE:-.cache}/kafka/data -port $(KAFKA_PORT)

.PHONY: lint
lint: ## gofumpt, vet and staticcheck
	@echo "gofumpt -l" >&2; \
	unformatted=$$($(GO) tool gofumpt -l $$(find . -path ./.cache -prune -o -name '*.go' -print)); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run \"$(GO) tool gofumpt -w\" on:" "$$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: sim
sim: ## simulate faults (SEEDS=1000; SEED=7 SEEDS=1 plays one again, SIM_FLAGS=-trace shows its steps)
	@cd internal/simulation && $(GO) test -count=1 -timeout 60m -run TestNothingIsLostOrDoubledUnderFaults -seed $(SEED) -seeds $(SEEDS) $(SIM_FLAGS)

.PHONY: bench
bench: libchdb ## run the benchmarks (BENCH=regexp)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for a while (FUZZTIME=10s)
	@$(GREP_TESTS) -o '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file func; do \
		echo "$${file%/*} $${func#func } for $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) "$${file%/*}" </dev/null; \
	done

.PHONY: chaos
chaos: libchdb ## kill processes at random for a while, and compare (CHAOS=10m CHAOS_SEED=1 CHAOS_EACH=2 CHAOS_LOAD=240)
	CHAOS=$(CHAOS) CHAOS_SEED=$(CHAOS_SEED) CHAOS_EACH=$(CHAOS_EACH) CHAOS_LOAD=$(CHAOS_LOAD) \
	CHAOS_BROKER=$(CHAOS_BROKER) CHAOS_KAFKAS=$(CHAOS_KAFKAS) DETOUR_INTEGRATION=1 \
	$(GO) test -count 1 -timeout 24h -v -run '^TestKilledProcessesChangeNothing$$' ./cmd/detour

.PHONY: chaos-kafka
chaos-kafka: libkafka ## chaos on Apache Kafka, four processes of each kind (CHAOS_KAFKAS=1, and as chaos)
	@$(MAKE) chaos CHAOS_BROKER=kafka CHAOS_EACH=$(or $(CHAOS_EACH),4)

.PHONY: golden
golden: libchdb ## rewrite the golden files; look at the diff
	$(GO) test $$($(GREP_TESTS) -lE 'flag\.Bool\("update"|"detour/.*/golden"' . | xargs -n 1 dirname | sort -u) -update

.PHONY: vuln
vuln: ## look for known vulnerabilities (needs the network)
	@$(GO) tool govulncheck ./... || { code=$$?; \
	[ $$code -eq 3 ] || echo "vuln: nothing was checked; is the vulnerability database reachable from here?" >&2; exit $$code; }

.PHONY: secrets
secrets: ## make keys and passwords for docker-compose in secrets/, once
	@scripts/make-secrets.sh

.PHONY: compose-check
compose-check: ## check docker-compose.yml with what is installed: compose v2, docker-compose 1.29
	@scripts/check-compose.sh

.PHONY: compose-test
compose-test: ## run docker-compose.yml on an engine of its own, kill containers, compare (as root, on Debian)
	@scripts/compose-test.sh

.PHONY: alerts-check
alerts-check: ## check Prometheus' alert rules, and run their tests (needs promtool)
	@scripts/check-alerts.sh

.PHONY: dist
dist: ## make the release in dist/: static programs for linux, amd64 and arm64, checksums, bills of materials
	@scripts/dist.sh

.PHONY: dist-check
dist-check: ## make the release twice and compare it byte by byte
	@scripts/check-dist.sh

.PHONY: clean
clean: ## remove what was built (not .cache and secrets)
	rm -rf bin dist
	find . -path ./.cache -prune -o \( -name '*.test' -o -name '*.prof' \) -type f -exec rm -f {} +

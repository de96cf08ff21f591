# Steg: Kafka for programs that only speak HTTP. `make help` lists what there is to do.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE   ?= $(HOME)/.cache/steg
TOOLS   := $(CACHE)/tools
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOFILES  = git ls-files -co --exclude-standard '*.go'
# Packages with tests that need a real Kafka.
KAFKATESTS = grep -rlE '^//go:build .*kafka' --include='*_test.go' test internal cmd | xargs -n 1 dirname | sort -u | sed 's|^|./|'
FUZZTIME ?= 20s
CHAOSTIME ?= 30m

# step NAME COMMAND: runs it and prints how long it took.
step = @start=$$(date +%s); echo "==> $(1)"; $(2); echo "==> $(1): $$(( $$(date +%s) - start )) s"

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 12

.PHONY: run
run: build ## the bridge on the embedded development broker, with curls to paste
	@bin/steg-bridge --embedded

.PHONY: build
build: ## static binaries into bin/
	@mkdir -p bin
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

.PHONY: test
test: check kafka ## everything: check, then the same on real Kafka

.PHONY: check
check: generated format vet lint unit alerts ## without a broker and without a cluster

.PHONY: generated
generated: ## generated files are fresh
	$(call step,generated files,go run ./internal/gen/settings -check && go run ./internal/gen/metrics -check)

.PHONY: generate
generate: ## writes the generated files
	go run ./internal/gen/settings
	go run ./internal/gen/metrics

.PHONY: format
format: $(TOOLS)/ready ## gofumpt finds nothing
	$(call step,gofumpt,out=$$($(TOOLS)/gofumpt -l $$($(GOFILES))); test -z "$$out" || { echo "gofumpt -w:"; echo "$$out"; exit 1; })

.PHONY: vet
vet: ## go vet, with and without the tests on real Kafka
	$(call step,go vet,go vet ./... && go vet -tags kafka ./test/... ./internal/...)

.PHONY: lint
lint: $(TOOLS)/ready ## golangci-lint
	$(call step,golangci-lint,$(TOOLS)/golangci-lint run ./...)

.PHONY: unit
unit: ## unit tests, and the contract on the in-process broker, with the race detector
	$(call step,go test -race,go test -race -timeout 15m ./...)

.PHONY: alerts
alerts: ## the alerts and the dashboard, on Prometheus' own engine
	$(call step,alerts,cd test/alerts && go vet ./... && go test ./...)

.PHONY: kafka
kafka: ## the tests on real Apache Kafka (installs a JDK and Maven where it may)
	$(call step,Kafka rig,go run ./test/kafkarig/cmd/kafkarig install)
	$(call step,tests on real Kafka,go test -tags kafka -count 1 -timeout 30m -p 1 $$($(KAFKATESTS)))

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME
	$(call step,fuzz,tools/fuzz.sh $(FUZZTIME))

.PHONY: bench
bench: ## speed on a real Kafka as ratios to its limits; then Go benchmarks of the hot paths, with allocations
	go run ./test/bench
	go test -run '^$$' -bench . -benchmem ./internal/bridge/...

.PHONY: chaos
chaos: ## faults on three real brokers for CHAOSTIME, and what became of every record
	go run ./test/chaos/cmd/chaos -time $(CHAOSTIME)

# The tools are built once per version of tools/go.sum.
$(TOOLS)/ready: tools/go.sum
	$(call step,tools,tools/build.sh $(TOOLS))

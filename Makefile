# Steg: Kafka for programs that only speak HTTP. `make help` lists what there is to do.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE   ?= $(HOME)/.cache/steg
TOOLS   := $(CACHE)/tools
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOFILES  = git ls-files -co --exclude-standard '*.go'
# Packages that link Kubernetes' client: tested without the race detector, which would compile all of it once more.
KUBERNETES = /(api|internal/operator|internal/gen/(crds|metrics)|cmd/steg-operator|test/(chart|docs|envtest|e2e))(/|$$)
# Packages with tests that need a real Kafka.
KAFKATESTS = grep -rl '^//go:build kafka' --include='*_test.go' test internal cmd | xargs -n 1 dirname | sort -u | sed 's|^|./|'
# One set of flags for all that is compiled, so that Go's cache serves the lab, the programs, their tests and the linter
# alike; only the race detector needs cgo.
export CGO_ENABLED := 0
export GOFLAGS     := $(GOFLAGS) -trimpath
FUZZTIME ?= 20s
CHAOSTIME ?= 30m

comma := ,
# step NAME COMMAND: runs it and prints how long it took.
step = @start=$$(date +%s); echo "==> $(1)"; $(2); echo "==> $(1): $$(( $$(date +%s) - start )) s"

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /\1\t/' | expand -t 12

.PHONY: run
run: build ## the bridge on the embedded development broker, with curls to paste
	@bin/steg-bridge --embedded

.PHONY: build
build: ## static binaries into bin/
	@mkdir -p bin
	@go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

include test/lab/lab.mk

.PHONY: test
test: check kafka envtest chart e2e ## everything: check, then real Kafka, a real API server, real kubelets

.PHONY: check
check: generated format vet lint unit alerts lab-versions lab-programs ## without a broker and without a cluster

.PHONY: generated
generated: $(TOOLS)/ready ## generated files are fresh
	$(call step,generated files,for g in settings metrics chart "crds -controller-gen $(TOOLS)/controller-gen"; do go run ./internal/gen/$$g -check; done)

.PHONY: generate
generate: $(TOOLS)/ready ## writes the generated files
	@for g in settings metrics chart "crds -controller-gen $(TOOLS)/controller-gen"; do go run ./internal/gen/$$g; done

.PHONY: format
format: $(TOOLS)/ready ## gofumpt finds nothing
	$(call step,gofumpt,out=$$($(TOOLS)/gofumpt -l $$($(GOFILES))); test -z "$$out" || { echo "gofumpt -w:"; echo "$$out"; exit 1; })

.PHONY: vet
vet: ## go vet, with and without the tests on real things
	$(call step,go vet,go vet ./... && go vet -tags kafka$(comma)envtest$(comma)helm$(comma)e2e ./test/... ./internal/...)

.PHONY: lint
lint: $(TOOLS)/ready ## golangci-lint
	$(call step,golangci-lint,$(TOOLS)/golangci-lint run ./...)

.PHONY: unit
unit: ## unit tests, and the contract on the in-process broker, with the race detector
	$(call step,go test -race,CGO_ENABLED=1 go test -race -timeout 15m $$(go list ./... | grep -vE '$(KUBERNETES)'))
	$(call step,go test,go test -timeout 10m ./internal/socket $$(go list ./... | grep -E '$(KUBERNETES)'))

.PHONY: alerts
alerts: ## the alerts and the dashboard, on Prometheus' own engine
	$(call step,alerts,cd test/alerts && go vet ./... && go test ./...)

.PHONY: kafka
kafka: ## the tests on real Apache Kafka (installs a JDK and Maven where it may)
	$(call step,Kafka rig,go run ./test/kafkarig/cmd/kafkarig install)
	$(call step,tests on real Kafka,go test -tags kafka -count 1 -timeout 30m -p 1 $$($(KAFKATESTS)))

.PHONY: envtest
envtest: ## resources, apply and webhooks on a real API server (compiles it the first time)
	$(call step,API server and etcd,$(LAB) envtest > /dev/null)
	$(call step,tests on a real API server,KUBEBUILDER_ASSETS=$$($(LAB) envtest) go test -tags envtest -count 1 -timeout 25m ./test/envtest ./cmd/steg-operator)
	$(call step,topics and users on a real API server and a real Kafka,KUBEBUILDER_ASSETS=$$($(LAB) envtest) go test -tags envtest$(comma)kafka -count 1 -timeout 10m -run 'TestTopicReplicas|TestUserSignsIn' ./test/envtest)

.PHONY: figures
figures: ## how fast topics and users are, on a real API server and a real Kafka; for a quiet machine
	KUBEBUILDER_ASSETS=$$($(LAB) envtest) go test -tags envtest,kafka -count 1 -v -timeout 30m -run Figures ./test/envtest

.PHONY: chart
chart: ## the chart, rendered by helm (compiles it the first time)
	$(call step,lab programs,$(LAB) install > /dev/null)
	$(call step,tests of the chart,PATH=$$($(LAB) envtest):$$PATH go test -tags helm -count 1 ./test/chart)

.PHONY: e2e
e2e: ## everything on three real kubelets, with a real Kafka (root)
	$(call step,end to end,test/e2e/run)

.PHONY: e2e-faults
e2e-faults: ## what is done to a Kafka of Steg's, and befalls it, while applications write (root; a quarter of an hour)
	$(call step,end to end: faults,test/e2e/run -p faults)

.PHONY: images
images: ## images of the programs as OCI archives in bin/images
	@images/build

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

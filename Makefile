# Passerelle. `make help` lists the targets; Go and make are all that a machine needs.

GO      ?= go
BIN     := bin/passerelle
SOURCES := $(shell find . -name '*.go' -o -name '*.sql' -o -name '*.csv' -o -name '*.tsv' -o -name '*.tmpl' -o -name '*.toml' -o -name 'go.mod' | grep -v '^./tools/')
LINT    := $(GO) tool -modfile=tools/go.mod staticcheck

.DEFAULT_GOAL := help
.PHONY: help run test check fmt vet lint arch bench bench-micro fuzz conformance mutants tools-s3 build clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## start the sandbox on http://127.0.0.1:8080 (no configuration)
	./$(BIN) sandbox $(ARGS)

build: $(BIN) ## build bin/passerelle

$(BIN): $(SOURCES)
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./cmd/passerelle

test: ## all tests: real PostgreSQL, real binary, no skips
	$(GO) vet ./...
	$(GO) test -timeout 15m ./...

check: fmt vet lint arch ## formatting, vet, staticcheck (pinned in tools/go.mod) and the import arrows

fmt:
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "gofmt -w les fichiers ci-dessus"; exit 1; }

vet:
	$(GO) vet ./...
	$(GO) vet -tags failpoints ./failpoint

lint:
	$(LINT) ./...

arch:
	$(GO) test -run TestArch .

bench: build ## measure the gateway beside a plain loop and write BENCHMARKS.md (ONLY=iti18 for one gate, QUICK=1 small: to the screen)
	$(GO) run ./bench $(if $(ONLY),-only $(ONLY)) $(if $(QUICK),-quick) $(if $(ONLY)$(QUICK),,-o BENCHMARKS.md) $(ARGS)

bench-micro: ## Go's micro-benchmarks (numbers to read)
	$(GO) test -run '^$$' -bench . -benchmem ./...

T ?= 30s
fuzz: ## every fuzz target for T (default 30s)
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	  echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(T) -fuzzminimizetime 10x $$p || exit 1; done; done

conformance: build ## the black-box scripts on the real binary, and the schema, validator and example checks whose tools are there
	PASSERELLE_LONG=1 $(GO) test -count=1 -timeout 30m -v -run 'FullProduct|WhatIsNotRead' ./authz/france
	PASSERELLE_LONG=1 $(GO) test -count=1 -timeout 60m ./conformance/...
	@test -x "$(S3)/minio" || command -v minio >/dev/null || echo "S3 : aucun serveur réel sur cette machine, celui du processus seul a servi (make tools-s3)"
	@sh conformance/xsd.sh
	@for t in curl node java mvn; do command -v $$t >/dev/null || echo "exemples : $$t absent, celui de docs/examples n'a pas été exécuté"; done
	@sh conformance/fhir.sh
	@sh conformance/examples.sh

# About 20 s each on two idle cores. SEED=$$(date +%s) for others than the last time.
N ?= 12
SEED ?= 1
mutants: ## break the source in N places drawn by SEED; every one must turn a named test red
	$(GO) run ./conformance/internal/mutate -n $(N) -seed $(SEED) $(ARGS)

# A real S3 server for the tests, outside the tree; they say so when it is not there.
S3 := $${XDG_CACHE_HOME:-$$HOME/.cache}/passerelle/bin
tools-s3: ## build a real S3 server for the tests (minutes, once)
	@test -x "$(S3)/minio" || GOBIN="$(S3)" GOFLAGS= $(GO) install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
	@ls "$(S3)/minio"

clean: ## remove what was built and the sandbox's data
	rm -rf bin .passerelle

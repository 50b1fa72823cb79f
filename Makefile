# Passerelle. `make help` lists the targets; Go and make are all that a machine needs.

GO      ?= go
BIN     := bin/passerelle
SOURCES := $(shell find . -name '*.go' -o -name '*.sql' -o -name '*.csv' -o -name '*.tsv' -o -name '*.tmpl' -o -name 'go.mod' | grep -v '^./tools/')
LINT    := $(GO) tool -modfile=tools/go.mod staticcheck

.DEFAULT_GOAL := help
.PHONY: help run test check fmt vet lint arch bench fuzz conformance build clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

lint:
	$(LINT) ./...

arch:
	$(GO) test -run TestArch .

bench: ## benchmarks (numbers to read, never a gate)
	$(GO) test -run '^$$' -bench . -benchmem ./...

T ?= 30s
fuzz: ## every fuzz target for T (default 30s)
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	  echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(T) -fuzzminimizetime 10x $$p || exit 1; done; done

conformance: build ## the black-box scripts on the real binary, and the schema checks when xmllint and ../shared are there
	$(GO) test -count=1 -timeout 15m ./conformance/...
	@sh conformance/xsd.sh

clean: ## remove what was built and the sandbox's data
	rm -rf bin .passerelle

# The steps themselves are in .ci/run, so that there is one definition of each.
.DEFAULT_GOAL := help
.PHONY: help build test lint fmt race sdk engines-test fuzz-smoke bench bench-runs snapshot ci

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build ./notifyctl
	CGO_ENABLED=0 go build -trimpath -o notifyctl ./cmd/notifyctl

test: ## run the tests
	.ci/run test

lint: ## run the linters
	.ci/run lint

fmt: ## format the code
	go tool -modfile=.ci/tools/go.mod golangci-lint fmt

race: ## run the tests under the race detector
	.ci/run race

sdk: ## run the providers' own clients against the mocks
	.ci/run sdk

engines-test: ## run the adapters' tests on real engines
	.ci/run engines

fuzz-smoke: ## run each fuzz target for a few seconds
	.ci/run fuzz

BENCH_DIR ?= bench
bench: ## time each step of a notification's way by itself
	go test -run '^$$' -bench . -count $(or $(COUNT),1) ./pipeline/... ./mockproviders ./scenarios/load

bench-runs: ## measure whole runs, into BENCH_DIR
	go run ./scripts/bench -dir $(BENCH_DIR)

snapshot: ## build the archives of a release without releasing
	go tool -modfile=.ci/tools/go.mod goreleaser release --snapshot --clean

ci: ## everything that must hold before a change is merged
	.ci/run

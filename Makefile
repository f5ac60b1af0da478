# The front door. Each target installs what it needs, configures, builds and runs; each can be the first that you type.
SHELL := /bin/bash
PRESET ?= release
BUILD := build/$(PRESET)
# On a terminal ninja shows one moving line; in CI a line for each of hundreds of files would bury what matters.
NINJA := ninja -C $(BUILD) $(if $(CI),--quiet)
.DEFAULT_GOAL := help
.PHONY: help demo test fast bench build format docs configure all-targets

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: ## trains LeNet-5 on Fashion-MNIST and a small GPT on Debian's texts, and writes a report of each (15 minutes)
	@tools/setup build demo
	@$(MAKE) --no-print-directory configure
	@$(NINJA) strata
	@$(BUILD)/strata demo --replace

test: ## builds everything and runs all tests
	@tools/setup
	@$(MAKE) --no-print-directory all-targets
	@tools/run_tests --build $(BUILD)

fast: ## the tests that are not marked slow (2 minutes)
	@tools/setup
	@$(MAKE) --no-print-directory all-targets
	@tools/run_tests --build $(BUILD) --fast

bench: ## measures Strata against its peers, writes bench/out/latest.json and draws bench/out/roofline.svg and .png
	@tools/setup build test demo bench
	@$(MAKE) --no-print-directory configure
	@$(NINJA) strata
	@$(BUILD)/strata bench
	@$(BUILD)/strata roofline --bench bench/out/latest.json --svg bench/out/roofline.svg --png bench/out/roofline.png

build: ## the library and the binary build/release/strata, without tests
	@tools/setup build
	@$(MAKE) --no-print-directory configure
	@$(NINJA) strata

format: ## lays out all C++ files with clang-format
	@tools/setup test
	@tools/format

docs: ## writes docs/reference/ anew from the binary and checks links and shell blocks
	@$(MAKE) --no-print-directory build
	@tools/check_docs --build $(BUILD) --write

# Tests are always configured and built only on demand, so that `make build` and then `make test` compiles nothing twice.
configure:
	@tools/configure $(PRESET)

all-targets: configure
	@$(NINJA)

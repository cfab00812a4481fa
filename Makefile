# Everything runs from .venv/bin; `make setup` is part of every target and takes no time twice.
.PHONY: help setup demo test check bench bench-codes bench-decoding bench-powercut bench-spool bench-network bench-guest bench-guest-cuts bench-camera bench-lamp bench-kills bench-load bench-fleet bench-uplink fuzz screens wiring clean
.DEFAULT_GOAL := help
BIN := .venv/bin
OUT := out

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup:  ## install what is needed: Debian packages, then a venv (again only when something changed)
	@sh .ci/setup

demo: setup  ## a whole station on this computer, no hardware (ARGS="--visitors 20 --seed 7")
	@$(BIN)/gatepost demo $(ARGS)

test: setup  ## all tests
	@$(BIN)/pytest $(ARGS)

check: setup  ## linters, formatter, types, layers
	@$(BIN)/ruff check firmware tests
	@$(BIN)/ruff format --check --quiet firmware tests
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup  ## the numbers of the README's table, side by side in one run (some minutes)
	@$(BIN)/python tests/bench/all.py $(ARGS)

bench-decoding: setup  ## what decoders read, how soon, at what cost; plots too (ARGS="--quick")
	@$(BIN)/python tests/bench/decoding.py $(ARGS)

bench-powercut: setup  ## 10,000 power cuts under the real spool: is every green event kept? (6 minutes)
	@$(BIN)/python tests/bench/powercut.py $(ARGS)

bench-spool: setup  ## what keeping an event costs: flushes, time, bytes (2 minutes)
	@$(BIN)/python tests/bench/spool.py $(ARGS)

bench-network: setup  ## what a bad network costs, fault by fault (some ten minutes; root for the wire)
	@PYTHONPATH=tests:tests/faults $(BIN)/python tests/bench/network.py $(ARGS)

bench-guest: setup  ## the whole device in qemu: USB readers, pins, systemd, watchdogs (10 minutes; root, qemu, mmdebstrap)
	@PYTHONPATH=tests:tests/faults $(BIN)/python tests/bench/device.py $(ARGS)

bench-guest-cuts: setup  ## 20 power cuts of a qemu guest that runs the real daemon (20 minutes; root, qemu, mmdebstrap)
	@PYTHONPATH=tests:tests/faults $(BIN)/python tests/bench/guest.py $(ARGS)

bench-camera: setup  ## a real Picamera2 on libcamera's virtual camera: frames, reads, time (1 minute; root, mmdebstrap)
	@PYTHONPATH=tests:tests/faults $(BIN)/python tests/bench/camera.py $(ARGS)

bench-lamp: setup  ## how late the lamp's pin is, with and without a slow OLED (2 minutes)
	@PYTHONPATH=tests:tests/faults $(BIN)/python tests/bench/lamp.py $(ARGS)

bench-kills: setup  ## kill -9: of the daemon 500 times, of the broker 100 times (some 18 minutes)
	@PYTHONPATH=tests:tests/faults $(BIN)/python tests/bench/kills.py $(ARGS)

bench-load: setup  ## ten codes a second from four readers for an hour, the broker comes and goes
	@PYTHONPATH=tests:tests/faults $(BIN)/python tests/bench/load.py $(ARGS)

bench-fleet: setup  ## 1,000 stations against one broker that is killed: how they come back, all proved (4 minutes)
	@$(BIN)/python tests/bench/fleet.py $(ARGS)

bench-uplink: setup  ## a day offline is drained: how fast, in how much memory, how late the living (4 minutes)
	@$(BIN)/python tests/bench/drain.py $(ARGS)

bench-codes: setup  ## what recognising, checking and deciding cost, kind by kind (half a minute)
	@$(BIN)/python tests/bench/codes.py $(ARGS)

fuzz: setup  ## a million fuzzed texts: none may raise, take over 20 ms or leave memory behind
	@$(BIN)/python tests/fuzz/codes.py $(ARGS)

screens: setup  ## every screen of the OLED as a picture, and one contact sheet, into out/screens
	@$(BIN)/python -m gatepost.demo.screens $(OUT)/screens

wiring: setup  ## wiring diagrams and tables of all boards, and the test card, from what the firmware reads
	@$(BIN)/gatepost wiring --write hardware
	@$(BIN)/python -m gatepost.demo.testcard hardware/test-card.svg

clean:  ## remove what was made here
	rm -rf .venv $(OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

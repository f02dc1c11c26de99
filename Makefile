# SPDX-License-Identifier: GPL-3.0-or-later
# The front door. Each target prepares by itself what it needs, see
# tools/sandbox; what is built lies in build/.

.PHONY: help demo test bench install uninstall format check-format clean

help:
	@echo 'make demo          from nothing to a painted panorama; prints its path'
	@echo 'make test          all checks; ends with N passed, N failed'
	@echo 'make bench         speed and memory beside what this machine can do'
	@echo 'make install       into your GIMP; with PREFIX=/usr/local for all users'
	@echo 'make uninstall     removes what make install put there'
	@echo 'make format        formats the C files'
	@echo 'make clean         deletes build/'

demo:
	tools/sandbox --build tools/stage demo -Dtests=false
	tools/sandbox --build tools/demo

test:
	tools/sandbox tools/run-tests

bench:
	tools/sandbox --build tools/stage bench
	tools/sandbox --build meson test -C build/bench --benchmark --verbose

install:
	tools/sandbox --direct tools/install $(PREFIX)

uninstall:
	ninja -C build/install uninstall

format:
	tools/sandbox tools/c-files clang-format -i

check-format:
	tools/sandbox tools/c-files clang-format --dry-run -Werror

clean:
	rm -rf build

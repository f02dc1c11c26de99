# SPDX-License-Identifier: GPL-3.0-or-later
# The front door. Each target prepares by itself what it needs, see
# tools/sandbox; what is built lies in build/.

.PHONY: help demo test bench install uninstall format check-format clean

help:
	@echo 'make demo          from nothing to a painted panorama; prints its path'
	@echo 'make test          all tests; ends with N passed, N failed'
	@echo 'make bench         speed and memory against this machine'"'"'s peak'
	@echo 'make install       into your GIMP; PREFIX=/usr/local for all users'
	@echo 'make uninstall     what make install installed last'
	@echo 'make format        format the C files'
	@echo 'make clean         delete build/'

test:
	tools/sandbox tools/run-tests

format:
	tools/sandbox tools/c-files clang-format -i

check-format:
	tools/sandbox tools/c-files clang-format --dry-run -Werror

clean:
	rm -rf build

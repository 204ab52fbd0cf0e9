.PHONY: demo test test-stable test-newest lint bench clean

# Set up, and translate the lock of a project of mempool's size.
demo:
	@.ci/demo

# Set up, install what the tests need, and run them all.
test:
	@.ci/test

# The Nix of Debian 13, which runs what matters most of it; CI does so, too.
test-stable:
	@.ci/debian-root trixie .ci/test-nix

# All tests with what Debian has newest; .ci/debian-root --help says what they cannot have there.
test-newest:
	@.ci/debian-root sid .ci/test $(TEST)

# Formatting, lint and types: Python, shell scripts, Nix.
lint:
	@.ci/lint

# Everything beside others, with plots, into build/benchmarks; make bench BENCH="--help" says how.
bench:
	@.ci/bench $(BENCH)

# Trees and refusals beside npm 10, 11 and 12, over a directory of projects: docs/fidelity.md.
fidelity:
	@.ci/fidelity $(CORPUS) $(FIDELITY)

clean:
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis

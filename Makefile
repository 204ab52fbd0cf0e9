.PHONY: demo test lint bench clean

# Set up, and translate the lock of a project of mempool's size.
demo:
	@.ci/demo

# Set up, install what the tests need, and run them all.
test:
	@.ci/test

# Formatting, lint and types.
lint:
	@.ci/lint

# Everything beside others, with plots, into build/benchmarks; make bench BENCH="--help" says how.
bench:
	@.ci/bench $(BENCH)

clean:
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis

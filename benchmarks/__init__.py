"""How fast, beside whom, and how it grows: ``python -m benchmarks --help``."""

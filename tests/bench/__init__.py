"""Benchmarks: `python -m tests.bench` measures the product as installed, beside bare baselines of the same run."""

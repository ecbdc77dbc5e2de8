"""Benchmarks on the embedded parts: `python -m benchmarks [NAME]`; docs/reference/benchmarks.md has figures."""

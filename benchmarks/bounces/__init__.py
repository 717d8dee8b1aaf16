"""Measures how well returned mail is understood. Run with `python -m benchmarks.bounces`."""

"""Measures Gatepost beside other relays: the same job on the same machine, at the same time.

`python -m benchmarks` (or `make bench`) runs the cases of cases.py against Gatepost and against the peers
installed here. Nothing in the test suite depends on these figures.
"""

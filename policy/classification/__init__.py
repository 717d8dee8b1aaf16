"""Transactional or commercial, by the primary purpose test of 16 CFR 316.3."""

from policy.classification.model import Classification, Feature, classify, tightened

__all__ = ["Classification", "Feature", "classify", "tightened"]

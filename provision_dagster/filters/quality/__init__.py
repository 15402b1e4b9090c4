"""Figures of a data set, and the expectation suites that judge them."""

"""Held-out evaluation sets: pictures that no mix shows, their questions, and the files that benchmarks read."""

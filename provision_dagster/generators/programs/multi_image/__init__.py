"""Generators of questions about several images: each draws combinations of images within a shard."""

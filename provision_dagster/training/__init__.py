"""Tiny models trained on rendered scenes, on a processor in minutes: they mean something, and need no hub."""

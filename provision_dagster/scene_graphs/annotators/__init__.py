"""Annotators: models that add to a scene graph what no human has marked.

A detector gives boxes with labels, a depth estimator a map of relative closeness. Each is described by a typed
configuration (`configs.py`), loads its weights once and then takes batches of pictures.
"""

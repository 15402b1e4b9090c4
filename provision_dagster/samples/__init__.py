"""The embedded sample: photographs, rendered scenes, and tiny models that know these scenes."""

from pathlib import Path

TINY_ANNOTATORS = Path(__file__).with_name("models") / "annotators.yaml"
"""A detector and a depth estimator of rendered scenes, as `provision train-tiny` wrote them."""

TINY_CLIP = Path(__file__).with_name("models") / "tiny_clip"
"""A CLIP of open_clip that knows the objects of rendered scenes, as `provision train-tiny --part clip` wrote it."""

TINY_JUDGE = Path(__file__).with_name("models") / "tiny_judge"
"""A judge of answers about rendered scenes (transformers), as `provision train-tiny --part judge` wrote it."""

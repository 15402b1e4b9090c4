"""A detector that finds the same two things in every picture, and a vision-language model that is asked about them."""

from pathlib import Path

import numpy as np

from tests.scene_graphs.annotators import tiny_vlms
from tests.scene_graphs.annotators.tiny_onnx import constant_model

ATTRIBUTES = ("red", "blue", "wooden", "small")
PREDICATES = ("on", "holding", "behind", "in front of", "wearing")


def asking_annotators(folder: Path, *, detections: bool = True) -> Path:
    """Write models that find a dog and, to its right, a cup, and say what these are like and how they are related."""
    raw = np.zeros((1, 84, 7))
    # of the frame of 64 x 64 pixels: middle (4, 4) and (36, 4), sides 24 x 48 and 24 x 32; cut at the edge
    raw[0, 0] = [0.5, 0.5, np.log(3), np.log(6), 0.9, 0.0, 1.0]
    raw[0, 4] = [0.5, 0.5, np.log(3), np.log(4), 0.8, 1.0, 0.0]
    constant_model(folder / "yolox.onnx", raw, height=64, width=64)
    (folder / "labels.txt").write_text("cup\ndog\n")
    (folder / "attributes.txt").write_text("\n".join(ATTRIBUTES))
    (folder / "predicates.txt").write_text("\n".join(PREDICATES))
    tiny_vlms.llava(folder / "vlm")
    asked = "kind: image-text-to-text, model: vlm, device: cpu, answers: constrained, least_side: 2"
    file = folder / "annotators.yaml"
    found = "detections: {kind: yolox-onnx, weights: yolox.onnx, labels: labels.txt, score_threshold: 0.5}\n"
    file.write_text(
        (found if detections else "")
        + f"attributes: {{{asked}, vocabulary: attributes.txt}}\n"
        + f"relations: {{{asked}, vocabulary: predicates.txt, reach: 1}}\n"
        + "batch: 3\n"
    )
    return file

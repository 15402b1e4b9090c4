"""From a configuration to the annotator that it describes."""

from provision_dagster.scene_graphs.annotators.configs import DepthConfig, DetectorConfig
from provision_dagster.scene_graphs.annotators.found import DepthEstimator, Detector
from provision_dagster.scene_graphs.annotators.onnx_depth import OnnxDepth
from provision_dagster.scene_graphs.annotators.yolox import YoloxDetector


def make_detector(config: DetectorConfig) -> Detector:
    """Make a detector; its weights are read by `load`."""
    return YoloxDetector(config)


def make_depth_estimator(config: DepthConfig) -> DepthEstimator:
    """Make a depth estimator; its weights are read by `load`."""
    return OnnxDepth(config)

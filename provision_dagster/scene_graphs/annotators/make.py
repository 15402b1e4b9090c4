"""From a configuration to the annotator that it describes."""

from provision_dagster.scene_graphs.annotators.attributes import VlmAttributes
from provision_dagster.scene_graphs.annotators.closed_set import ClosedSetDetector
from provision_dagster.scene_graphs.annotators.configs import (
    AnyAttributesConfig,
    AnyRelationsConfig,
    ClosedSetConfig,
    DepthConfig,
    DetectorConfig,
    MasksConfig,
    OnnxDepthConfig,
    OnnxMasksConfig,
    YoloxConfig,
)
from provision_dagster.scene_graphs.annotators.found import (
    AttributeModel,
    DepthEstimator,
    Detector,
    MaskMaker,
    RelationModel,
)
from provision_dagster.scene_graphs.annotators.hub_depth import HubDepth
from provision_dagster.scene_graphs.annotators.onnx_depth import OnnxDepth
from provision_dagster.scene_graphs.annotators.onnx_masks import OnnxMasks
from provision_dagster.scene_graphs.annotators.relations import VlmRelations
from provision_dagster.scene_graphs.annotators.sam2 import Sam2Masks
from provision_dagster.scene_graphs.annotators.yolox import YoloxDetector
from provision_dagster.scene_graphs.annotators.zero_shot import ZeroShotDetector


def make_detector(config: DetectorConfig) -> Detector:
    """Make a detector; its weights are read by `load`."""
    if isinstance(config, YoloxConfig):
        return YoloxDetector(config)
    return ClosedSetDetector(config) if isinstance(config, ClosedSetConfig) else ZeroShotDetector(config)


def make_mask_maker(config: MasksConfig) -> MaskMaker:
    """Make what cuts objects out of boxes; its weights are read by `load`."""
    return OnnxMasks(config) if isinstance(config, OnnxMasksConfig) else Sam2Masks(config)


def make_depth_estimator(config: DepthConfig) -> DepthEstimator:
    """Make a depth estimator; its weights are read by `load`."""
    return OnnxDepth(config) if isinstance(config, OnnxDepthConfig) else HubDepth(config)


def make_attribute_model(config: AnyAttributesConfig) -> AttributeModel:
    """Make what says what objects are like; its weights are read, or its server is asked, by `load`."""
    return VlmAttributes(config)


def make_relation_model(config: AnyRelationsConfig) -> RelationModel:
    """Make what says how objects are related; its weights are read, or its server is asked, by `load`."""
    return VlmRelations(config)

"""Detectors of the real architectures, some thousand weights each, made and saved on the spot."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    CLIPTextConfig,
    DetrConfig,
    DetrForObjectDetection,
    DetrImageProcessor,
    DFineConfig,
    DFineForObjectDetection,
    HGNetV2Config,
    OmDetTurboConfig,
    OmDetTurboForObjectDetection,
    OmDetTurboProcessor,
    PreTrainedModel,
    ResNetConfig,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrImageProcessor,
    RTDetrResNetConfig,
    RTDetrV2Config,
    RTDetrV2ForObjectDetection,
    SwinConfig,
)

from tests.scene_graphs.annotators.tiny_models import clip_tokenizer

CLASSES = {0: "Person", 1: "Traffic  Light", 2: "N/A", 3: "grey dog"}
SMALL: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
    "encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_queries": 20,
}  # fmt: skip
NAMED: dict[str, Any] = {"id2label": CLASSES, "label2id": {name: number for number, name in CLASSES.items()}}
STAGES = ["stage2", "stage3", "stage4"]


def rt_detr(folder: Path, **fields: Any) -> Path:
    """Save an RT-DETR that squeezes pictures into 64 x 64 pixels."""
    return _rt_detr(folder, RTDetrForObjectDetection(RTDetrConfig(**_with_resnet(fields))))


def rt_detr_v2(folder: Path, **fields: Any) -> Path:
    """Save an RT-DETRv2 that squeezes pictures into 64 x 64 pixels."""
    return _rt_detr(folder, RTDetrV2ForObjectDetection(RTDetrV2Config(**_with_resnet(fields))))


def _with_resnet(fields: dict[str, Any]) -> dict[str, Any]:
    torch.manual_seed(4)
    backbone = RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1], layer_type="basic", out_features=STAGES
    )
    own = {"encoder_hidden_dim": 32, "encoder_in_channels": [16, 32, 64], "decoder_in_channels": [32, 32, 32]}
    return {"backbone_config": backbone, **own, **SMALL, **NAMED, **fields}


def _rt_detr(folder: Path, model: PreTrainedModel) -> Path:
    spread(model)
    model.save_pretrained(folder)
    RTDetrImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def d_fine(folder: Path) -> Path:
    """Save a D-FINE that squeezes pictures into 64 x 64 pixels."""
    torch.manual_seed(5)
    backbone = HGNetV2Config(
        stem_channels=[3, 8, 8], stage_in_channels=[8, 16, 16, 32], stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[16, 16, 32, 64], stage_num_blocks=[1, 1, 1, 1], stage_numb_of_layers=[2, 2, 2, 2],
        hidden_sizes=[16, 16, 32, 64], depths=[1, 1, 1, 1], out_features=STAGES,
    )  # fmt: skip
    config = DFineConfig(
        backbone_config=backbone, encoder_hidden_dim=32, encoder_in_channels=[16, 32, 64],
        decoder_in_channels=[32, 32, 32], hidden_expansion=0.5, depth_mult=0.34, **SMALL, **NAMED,
    )  # fmt: skip
    return _rt_detr(folder, DFineForObjectDetection(config))


def detr(folder: Path) -> Path:
    """Save a DETR that keeps the proportions of pictures."""
    torch.manual_seed(6)
    backbone = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"]
    )
    config = DetrConfig(use_timm_backbone=False, backbone_config=backbone, backbone=None, **SMALL, **NAMED)
    model = DetrForObjectDetection(config)
    spread(model)
    torch.nn.init.normal_(model.model.query_position_embeddings.weight, std=4)
    model.save_pretrained(folder)
    DetrImageProcessor(size={"shortest_edge": 64, "longest_edge": 96}).save_pretrained(folder)
    return folder


def omdet_turbo(folder: Path) -> Path:
    """Save an OmDet-Turbo that squeezes pictures into 64 x 64 pixels."""
    torch.manual_seed(7)
    text = CLIPTextConfig(
        vocab_size=600, hidden_size=48, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=77, projection_dim=48, eos_token_id=189, bos_token_id=188,
    )  # fmt: skip
    backbone = SwinConfig(
        image_size=64, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 2], window_size=2, out_features=STAGES
    )
    config = OmDetTurboConfig(
        text_config=text, backbone_config=backbone, apply_layernorm_after_vision_backbone=False, image_size=64,
        text_projection_in_dim=48, text_projection_out_dim=48, task_encoder_hidden_dim=32, class_embed_dim=48,
        num_queries=20, encoder_hidden_dim=32, vision_features_channels=[32, 32, 32], encoder_in_channels=[32, 64, 128],
        encoder_attention_heads=2, encoder_dim_feedforward=32, decoder_hidden_dim=32, decoder_num_heads=2,
        decoder_num_layers=2, decoder_dim_feedforward=32,
    )  # fmt: skip
    model = OmDetTurboForObjectDetection(config)
    spread(model)
    model.save_pretrained(folder)
    images = DetrImageProcessor(size={"height": 64, "width": 64}, do_pad=False)
    OmDetTurboProcessor(images, clip_tokenizer()).save_pretrained(folder)
    return folder


def spread(model: PreTrainedModel) -> None:
    """Give weights that are all zero or nearly so others, so that boxes and scores differ from query to query."""
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.ndim > 1 and "norm" not in name:
                torch.nn.init.normal_(weights, std=0.3 / weights[0].numel() ** 0.25)

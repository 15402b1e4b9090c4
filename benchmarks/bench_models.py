"""Models of the real architectures with random weights, saved in the format of their library, in three sizes.

tiny: some thousand weights, for tests; small: narrow, but seeing pictures of some hundred pixels, for two cores;
real: as published (Grounding DINO base, OWLv2 base, RT-DETR r50, SAM 2.1 hiera large, Depth Anything V2 large,
CLIP ViT-L-14, Qwen2-VL 2B or 7B).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import bench_words

Size = Literal["tiny", "small", "real"]
STAGES = ["stage2", "stage3", "stage4"]


def grounding_dino(folder: Path, size: Size) -> None:
    """Grounding DINO, base: Swin-B and BERT-base."""
    from transformers import (
        BertConfig,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessor,
        GroundingDinoProcessor,
        SwinConfig,
    )

    swin, bert, own, edges = {
        "tiny": (_swin(16, [1, 1, 1, 1], [1, 2, 2, 2], 2), _bert(32, 1, 2), _dino(32, 20, 2), (64, 96)),
        "small": (_swin(32, [1, 1, 2, 1], [1, 2, 4, 8], 7), _bert(128, 2, 4), _dino(128, 100, 2), (320, 427)),
        "real": (_swin(128, [2, 2, 18, 2], [4, 8, 16, 32], 12), _bert(768, 12, 12), _dino(256, 900, 6), (800, 1333)),
    }[size]
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(**swin), text_config=BertConfig(vocab_size=bench_words.BERT_WORDS, **bert), **own
    )
    _made(GroundingDinoForObjectDetection, config, size).save_pretrained(folder)
    images = GroundingDinoImageProcessor(size={"shortest_edge": edges[0], "longest_edge": edges[1]})
    GroundingDinoProcessor(images, bench_words.bert(bench_words.LABELS)).save_pretrained(folder)


def _swin(width: int, depths: list[int], heads: list[int], window: int) -> dict[str, Any]:
    return {
        "embed_dim": width, "depths": depths, "num_heads": heads, "window_size": window, "image_size": 32 * window,
        "out_features": STAGES,
    }  # fmt: skip


def _bert(width: int, layers: int, heads: int) -> dict[str, int]:
    return {
        "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": 4 * width
    }  # fmt: skip


def _dino(width: int, queries: int, layers: int) -> dict[str, int]:
    wide = {"encoder_ffn_dim": 8 * width, "decoder_ffn_dim": 8 * width}
    return {"d_model": width, "num_queries": queries, "encoder_layers": layers, "decoder_layers": layers, **wide}


def owlv2(folder: Path, size: Size) -> None:
    """OWLv2, base with patches of 16 pixels."""
    from transformers import Owlv2Config, Owlv2ForObjectDetection, Owlv2ImageProcessor, Owlv2Processor

    vision, text, side = {
        "tiny": (_vit(32, 1, 2), _vit(32, 1, 2), 64),
        "small": (_vit(192, 4, 3), _vit(128, 2, 2), 480),
        "real": (_vit(768, 12, 12), _vit(512, 12, 8), 960),
    }[size]
    words = {"vocab_size": 49_408, "max_position_embeddings": 16, "bos_token_id": 188, "eos_token_id": 189}
    config = Owlv2Config(
        text_config={**text, **words},
        vision_config={**vision, "image_size": side, "patch_size": 16},
        projection_dim=text["hidden_size"],
    )
    model = _made(Owlv2ForObjectDetection, config, size)
    model.class_head.logit_shift.bias.data.fill_(-20)  # sure of nothing
    model.save_pretrained(folder)
    images = Owlv2ImageProcessor(size={"height": side, "width": side})
    Owlv2Processor(images, bench_words.clip(16)).save_pretrained(folder)


def _vit(width: int, layers: int, heads: int) -> dict[str, int]:
    return {
        "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers, "num_attention_heads": heads
    }  # fmt: skip


def rt_detr(folder: Path, size: Size) -> None:
    """RT-DETR with a ResNet-50."""
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessor, RTDetrResNetConfig

    names = {number: f"thing {number}" for number in range(80)}
    labels = {"id2label": names, "label2id": {name: number for number, name in names.items()}}
    side = {"tiny": 64, "small": 320, "real": 640}[size]
    own: dict[str, Any] = {}
    if size != "real":
        wide = 32 if size == "tiny" else 64
        own = {
            "backbone_config": RTDetrResNetConfig(
                embedding_size=wide // 2, hidden_sizes=[wide // 2, wide, 2 * wide, 4 * wide], depths=[1, 1, 1, 1],
                layer_type="basic", out_features=STAGES,
            ),
            "encoder_in_channels": [wide, 2 * wide, 4 * wide], "encoder_hidden_dim": wide, "d_model": wide,
            "decoder_in_channels": [wide] * 3, "encoder_ffn_dim": 2 * wide, "decoder_ffn_dim": 2 * wide,
            "encoder_attention_heads": 4, "decoder_attention_heads": 4, "decoder_layers": 2, "num_queries": 50,
        }  # fmt: skip
    _made(RTDetrForObjectDetection, RTDetrConfig(**own, **labels), size).save_pretrained(folder)
    RTDetrImageProcessor(size={"height": side, "width": side}).save_pretrained(folder)


def sam2(folder: Path, size: Size) -> None:
    """SAM 2.1, hiera large."""
    from transformers import Sam2Config, Sam2HieraDetConfig, Sam2ImageProcessor, Sam2Model, Sam2Processor
    from transformers import Sam2VisionConfig as Vision

    width, heads, blocks, windows, everywhere, side, wide = {
        "tiny": (8, 1, [1, 1, 2, 1], [8, 4, 4, 4], [3], 64, 32),
        "small": (32, 1, [1, 2, 3, 1], [8, 4, 8, 4], [5], 512, 64),
        "real": (144, 2, [2, 6, 36, 4], [8, 4, 16, 8], [23, 33, 43], 1024, 256),
    }[size]
    widths = [width, 2 * width, 4 * width, 8 * width]
    backbone = Sam2HieraDetConfig(
        image_size=[side, side], hidden_size=width, num_attention_heads=heads, embed_dim_per_stage=widths,
        num_attention_heads_per_stage=[heads, 2 * heads, 4 * heads, 8 * heads], blocks_per_stage=blocks,
        window_size_per_stage=windows, global_attention_blocks=everywhere,
        window_positional_embedding_background_size=[7, 7] if size == "real" else [2, 2],
    )  # fmt: skip
    config = Sam2Config(
        vision_config=Vision(
            backbone_config=backbone, backbone_channel_list=widths[::-1], fpn_hidden_size=wide,
            backbone_feature_sizes=[[side // step, side // step] for step in (4, 8, 16)],
        ),
        prompt_encoder_config={"hidden_size": wide, "image_size": side, "patch_size": 16},
        mask_decoder_config={
            "hidden_size": wide, "mlp_dim": 8 * wide, "num_attention_heads": max(1, wide // 32),
            "iou_head_hidden_dim": wide,
        },
    )  # fmt: skip
    _made(Sam2Model, config, size).save_pretrained(folder)
    images = Sam2ImageProcessor(
        size={"height": side, "width": side}, mask_size={"height": side // 4, "width": side // 4}
    )
    Sam2Processor(images, target_size=side).save_pretrained(folder)


def depth_anything(folder: Path, size: Size) -> None:
    """Depth Anything V2, large: DINOv2 ViT-L."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, DPTImageProcessor

    vision, stages, side, neck, wide = {
        "tiny": (_vit(32, 4, 2), (1, 2, 3, 4), 56, [8, 8, 16, 16], 16),
        "small": (_vit(192, 4, 3), (1, 2, 3, 4), 280, [24, 48, 96, 96], 32),
        "real": (_vit(1024, 24, 16), (5, 12, 18, 24), 518, [256, 512, 1024, 1024], 256),
    }[size]
    del vision["intermediate_size"]
    backbone = Dinov2Config(
        **vision, image_size=side, patch_size=14, out_features=[f"stage{n}" for n in stages],
        reshape_hidden_states=False,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=vision["hidden_size"], neck_hidden_sizes=neck,
        fusion_hidden_size=wide, head_hidden_size=32,
    )  # fmt: skip
    _made(DepthAnythingForDepthEstimation, config, size).save_pretrained(folder)
    DPTImageProcessor(
        size={"height": side, "width": side}, keep_aspect_ratio=True, ensure_multiple_of=14, resample=3
    ).save_pretrained(folder)


def qwen2_vl(folder: Path, size: Size, *, large: bool = False) -> None:
    """Qwen2-VL, 2B; `large`: 7B."""
    from transformers import (
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    tokenizer = bench_words.chat()
    number = tokenizer.convert_tokens_to_ids
    text, groups, vision = {
        "tiny": (_qwen(32, 2, 2, 2, 64, len(tokenizer)), [2, 3, 3], (32, 1, 2)),
        "small": (_qwen(256, 4, 4, 2, 1024, len(tokenizer)), [8, 12, 12], (192, 4, 3)),
        "real": (
            _qwen(3584, 28, 28, 4, 18_944, 152_064) if large else _qwen(1536, 28, 12, 2, 8_960, 151_936),
            [16, 24, 24],
            (1280, 32, 16),
        ),
    }[size]
    width, depth, heads = vision
    config = Qwen2VLConfig(
        text_config={
            **text, "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "rope_parameters": {"rope_type": "default", "mrope_section": groups, "rope_theta": 1_000_000.0},
        },
        vision_config={
            "depth": depth, "embed_dim": width, "hidden_size": text["hidden_size"], "num_heads": heads, "mlp_ratio": 4,
            "patch_size": 14,
        },
        image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    model = _made(Qwen2VLForConditionalGeneration, config, size)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    images = Qwen2VLImageProcessor(patch_size=14, min_pixels=56 * 56, max_pixels=1280 * 28 * 28)
    videos = Qwen2VLVideoProcessor(patch_size=14)
    Qwen2VLProcessor(images, tokenizer, videos, chat_template=bench_words.CHAT).save_pretrained(folder)


def _qwen(width: int, layers: int, heads: int, groups: int, inner: int, words: int) -> dict[str, Any]:
    return {
        "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": groups,
        "intermediate_size": inner, "vocab_size": words, "max_position_embeddings": 32_768,
    }  # fmt: skip


def clip(folder: Path, size: Size) -> None:
    """CLIP ViT-L-14 of open_clip, with its own tokenizer."""
    import open_clip
    import torch

    torch.manual_seed(0)
    folder.mkdir(parents=True)
    model = open_clip.create_model(CLIPS[size])
    torch.save(model.state_dict(), folder / "weights.pt")


CLIPS: dict[Size, str] = {"tiny": "ViT-S-32-alt", "small": "ViT-S-32-alt", "real": "ViT-L-14"}


def _made(kind: Any, config: Any, size: Size) -> Any:
    """Draw weights; those of published sizes in 16 bits, for half the memory and disk."""
    import torch

    torch.manual_seed(0)
    return kind._from_config(config, dtype=torch.bfloat16) if size == "real" else kind(config)


BUILDERS: dict[str, Callable[[Path, Size], None]] = {
    "grounding_dino": grounding_dino,
    "owlv2": owlv2,
    "rt_detr": rt_detr,
    "sam2": sam2,
    "depth_anything": depth_anything,
    "qwen2_vl": qwen2_vl,
    "qwen2_vl_7b": partial(qwen2_vl, large=True),
    "clip": clip,
}
